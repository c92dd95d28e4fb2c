// Observer: sees every call at the door, before and after. The tracer is one; profilers, NaN guards
// and the step debugger are others. With no observer the door pays one branch.
#pragma once

#include <gradus/program/node.h>

namespace gradus {

/// Which part of a training step a call belongs to.
enum class Phase { forward, backward, update };

/// One call as observers see it. References live during the notification only.
struct Event {
  const Op& op;
  std::span<const Tensor> inputs;
  std::span<const Tensor> outputs;  ///< empty before the call
  const Tensor* target;             ///< the tensor written in place, or null
  Place place;
  int depth;  ///< how many composites are around the call
  Phase phase;
  const Node* forward_twin;                  ///< in a backward pass: the call being differentiated
  std::shared_ptr<const std::string> scope;  ///< module path, may be null
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void before(const Event&) {}
  /// Not called for a call that threw.
  virtual void after(const Event&) {}
};

/// Puts an observer at this thread's door while it lives; several may stand there, each sees all.
class Observe {
 public:
  explicit Observe(Observer& observer);
  ~Observe();
  Observe(const Observe&) = delete;
  Observe& operator=(const Observe&) = delete;

 private:
  Observer* observer_;
};

/// No observer of this thread sees the calls made while it lives: for what an observer computes
/// itself in order to show something.
class Unobserved {
 public:
  Unobserved();
  ~Unobserved();
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

 private:
  std::vector<Observer*> before_;
};
/// Whether anybody stands at this thread's door.
bool is_observed();

/// Adds a name to the module path of the calls made while it lives, in this thread.
class Scope {
 public:
  explicit Scope(std::string_view name);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  static const std::shared_ptr<const std::string>& current();

 private:
  std::shared_ptr<const std::string> before_;
};

/// Marks calls as part of a phase while it lives, in this thread.
class PhaseScope {
 public:
  explicit PhaseScope(Phase phase, const Node* forward_twin = nullptr);
  ~PhaseScope();
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Phase before_;
  const Node* twin_before_;
};

}  // namespace gradus
