// MeaningWatch: is told what tensors are. The door (observer.h) shows calls; which of their results
// is the gradient of what, only the walk of a backward pass knows, what a module calls its tensors,
// only the module, and how fast a parameter is to learn, only its optimizer. Nobody watching costs
// one branch. see/recorder.h is the user. In return an error asks it where things stand on the tape
// that it writes.
#pragma once

#include <gradus/program/node.h>

namespace gradus {

/// A place on a tape: t7 of step 0.
struct TapeMoment {
  std::int64_t step = 0, tick = 0;
  std::string str() const { return "t" + std::to_string(tick); }
};

class MeaningWatch {
 public:
  virtual ~MeaningWatch() = default;
  /// A backward pass starts from y, with that gradient.
  virtual void root(const Tensor& y, const Tensor& seed) = 0;
  /// The whole gradient (all paths summed) of output `k` of a call, before its rule runs.
  virtual void gradient(const Node& node, std::size_t k, const Tensor& g) = 0;
  /// A gradient of a parameter: first from each path as a rule gives it, then what was put on it.
  virtual void leaf(const Tensor& leaf, const Tensor& g) = 0;
  /// A module that is about to run calls one of its tensors "lin1.weight".
  virtual void field(const std::string& path, const Tensor& x) = 0;
  /// The next update of a parameter has this learning rate. The numbers in its calls need not show
  /// it: Adam's are divided by a bias correction.
  virtual void rate(const Tensor& parameter, double lr) = 0;

  /// Nothing, too, for what is not on the tape:
  /// when x became what it was at that version,
  virtual std::optional<TapeMoment> made(const Tensor&, std::uint64_t /*version*/) { return {}; }
  /// when a backward pass first went through a call,
  virtual std::optional<TapeMoment> differentiated(const Node&) { return {}; }
  /// when the last path from a parameter to y came to its end.
  virtual std::optional<TapeMoment> cut(const Tensor& /*y*/) { return {}; }
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
