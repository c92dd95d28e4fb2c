// MeaningWatch: is told what tensors are. The door (observer.h) shows calls; which of their results
// is the gradient of what, only the walk of a backward pass knows, and what a module calls its
// tensors, only the module. Nobody watching costs one branch. see/recorder.h is the user.
#pragma once

#include <gradus/program/node.h>

namespace gradus {

class MeaningWatch {
 public:
  virtual ~MeaningWatch() = default;
  /// A backward pass starts from y.
  virtual void root(const Tensor& y) = 0;
  /// The whole gradient (all paths summed) of output `k` of a call, before its rule runs.
  virtual void gradient(const Node& node, std::size_t k, const Tensor& g) = 0;
  /// A gradient of a parameter: first from each path as a rule gives it, then what was put on it.
  virtual void leaf(const Tensor& leaf, const Tensor& g) = 0;
  /// A module that is about to run calls one of its tensors "lin1.weight".
  virtual void field(const std::string& path, const Tensor& x) = 0;
};

/// This thread's watch while it lives; the one before returns after it.
class WatchMeaning {
 public:
  explicit WatchMeaning(MeaningWatch& watch) : before_(current) { current = &watch; }
  ~WatchMeaning() { current = before_; }
  WatchMeaning(const WatchMeaning&) = delete;
  WatchMeaning& operator=(const WatchMeaning&) = delete;

  static inline thread_local MeaningWatch* current = nullptr;

 private:
  MeaningWatch* before_;
};

/// This thread's watch, or null. A build without hooks (cmake -DGRADUS_HOOKS=OFF), which shows what
/// they cost, has no branch here and none at the door, and tells nobody.
#ifdef GRADUS_NO_HOOKS
#define GRADUS_MEANING_WATCH static_cast<::gradus::MeaningWatch*>(nullptr)
#else
#define GRADUS_MEANING_WATCH ::gradus::WatchMeaning::current
#endif

}  // namespace gradus
