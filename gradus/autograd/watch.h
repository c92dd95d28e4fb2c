// GradientWatch: is told which tensor a gradient belongs to. The door (program/observer.h) shows
// the calls that a backward pass makes; which of their results is the gradient of what, only the
// walk knows. Nobody watching costs one branch a node. see/recorder.h is the user.
#pragma once

#include <gradus/program/node.h>

namespace gradus {

class GradientWatch {
 public:
  virtual ~GradientWatch() = default;
  /// A backward pass starts from y.
  virtual void root(const Tensor& y) = 0;
  /// The whole gradient (all paths summed) of output `k` of a call, before its rule runs.
  virtual void gradient(const Node& node, std::size_t k, const Tensor& g) = 0;
  /// A gradient of a parameter: first from each path as a rule gives it, then what was put on it.
  virtual void leaf(const Tensor& leaf, const Tensor& g) = 0;
};

/// This thread's watch while it lives; the one before returns after it.
class WatchGradients {
 public:
  explicit WatchGradients(GradientWatch& watch) : before_(current) { current = &watch; }
  ~WatchGradients() { current = before_; }
  WatchGradients(const WatchGradients&) = delete;
  WatchGradients& operator=(const WatchGradients&) = delete;

  static inline thread_local GradientWatch* current = nullptr;

 private:
  GradientWatch* before_;
};

}  // namespace gradus
