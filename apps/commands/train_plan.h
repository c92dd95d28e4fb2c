// What gradus train --explain-plan shows: the plan of a training step as soon as there is one, or
// why there is none.
#pragma once

#include <apps/commands/train_view.h>

namespace gradus::app {

/// The first plan: a table, or the event "plan" with one object a kernel.
class ExplainPlan : public Callback {
 public:
  /// `as_text`: print the table too.
  ExplainPlan(Terminal& terminal, Events& events, bool as_text)
      : terminal_(terminal), events_(events), as_text_(as_text) {}
  void planned(TrainState& state, const compile::Plan& plan) override;
  /// After a run without a plan: why.
  void say_why_not(const std::string& reason);

 private:
  Terminal& terminal_;
  Events& events_;
  bool as_text_, was_shown_ = false;
};

}  // namespace gradus::app
