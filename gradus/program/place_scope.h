// PlaceScope: the user's line for what the library computes on its own: the update of an optimizer,
// the first numbers of a layer. A call that is given a Place needs none.
#pragma once

#include <gradus/core/error.h>

namespace gradus {

/// Calls made while it lives, in this thread, stand at `at`, however deep; within another one, at
/// that one's place.
class PlaceScope {
 public:
  explicit PlaceScope(Place at);
  ~PlaceScope();
  PlaceScope(const PlaceScope&) = delete;
  PlaceScope& operator=(const PlaceScope&) = delete;

 private:
  Place at_;
  const Place* before_;
};

}  // namespace gradus
