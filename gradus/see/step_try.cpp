// The commands of the step debugger that try what was not done: other learning rates, another
// number in a weight, branches beside the main line; and notes. See step.h.
#include <gradus/see/step.h>
#include <gradus/see/step_tell.h>
#include <gradus/see/words.h>

#include <cstdlib>

namespace gradus::see {

std::string Stepper::what_if(const std::string& rest, int) {
  if (!rest.starts_with("lr "))
    throw ValueError("'whatif " + rest + "' is not known",
                     "whatif lr 1e-5..3e-3, whatif lr 0.1 0.2");
  const std::vector<double> rates = learning_rates(rest.substr(3));
  const std::vector<Rate> tried =
      try_rates(rerun(), step_here(), rates, [this] { return take_interrupt(); });
  const double present = rerun().program().lr();
  tell("rates", tried);
  tell("lr", present);
  std::string text;
  if (!tried.empty()) text = try_rates_text(tried, present, step_here(), options_.style);
  if (tried.size() < rates.size())
    text += "interrupted after " + std::to_string(tried.size()) + " of " +
            counted(std::ssize(rates), "rate") + "\n";
  return text;
}

std::string Stepper::set(const std::string& rest, int) {
  const std::size_t equals = rest.find('=');
  char* end = nullptr;
  const std::string text = equals == rest.npos ? "" : rest.substr(equals + 1);
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0')
    throw ValueError("'set " + rest + "' sets no number", "set w2[0]=0");
  std::string target = rest.substr(0, equals);
  while (target.ends_with(' ')) target.pop_back();
  branches_.push_back({"set" + std::to_string(branches_.size() + 1), rest,
                       run_with(rerun(), step_here(), target, value), step_here()});
  const Branch& b = branches_.back();
  tell("branch", b.name);
  tell("loss_before", loss_value(tape_, b.step));
  tell("loss", loss_value(b.tape, 0));
  return "branch " + b.name + ": step " + std::to_string(b.step) + " with " + rest + "; loss " +
         loss_text(tape_, b.step) + " -> " + loss_text(b.tape, 0) +
         "; the main line is as it was\n";
}

std::string Stepper::branch(const std::string& rest, int) {
  if (rest.empty()) {
    std::string text = "  main  " + counted(tape_.steps(), "step") + ", loss " +
                       loss_text(tape_, step_here()) + " at step " + std::to_string(step_here()) +
                       "\n";
    for (const Branch& b : branches_)
      text += "  " + b.name + "  step " + std::to_string(b.step) + " with " + b.how + ", loss " +
              loss_text(b.tape, 0) + (b.tape.steps() > 1 ? ", then " + loss_text(b.tape, 1) : "") +
              "\n";
    if (options_.json) told_.emplace_back("branches", told_branches());
    return text;
  }
  char* end = nullptr;
  const double lr = rest.starts_with("lr=") ? std::strtod(rest.c_str() + 3, &end) : 0;
  if (!end || *end != '\0' || end == rest.c_str() + 3)
    throw ValueError("'branch " + rest + "' is not known", "branch lists them; branch lr=2e-4");
  branches_.push_back({"lr" + std::to_string(branches_.size() + 1), rest,
                       run_with_rate(rerun(), step_here(), lr), step_here()});
  const Branch& b = branches_.back();
  tell("branch", b.name);
  tell("loss", loss_value(b.tape, 0));
  tell("loss_after", loss_value(b.tape, 1));
  return "branch " + b.name + ": step " + std::to_string(b.step) + " with " + rest + "; loss " +
         loss_text(b.tape, 0) + ", then " + loss_text(b.tape, 1) + "; the main line is as it was\n";
}

std::string Stepper::diff(const std::string& rest, int) {
  struct Side {
    std::string name;
    const Branch* branch;  // null for the main line
  };
  const auto side = [&](const std::string& name) -> Side {
    for (const Branch& b : branches_)
      if (b.name == name) return {name, &b};
    if (name != "main") throw ValueError("there is no branch '" + name + "'", "branch lists them");
    return {name, nullptr};
  };
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string second(trimmed(std::string_view(rest).substr(space)));
  const Side a = side(rest.substr(0, space)), b = side(second.empty() ? "main" : second);
  if (a.name == b.name)
    throw ValueError("diff compares two lines, here " + a.name + " with itself",
                     branches_.empty() ? "set and branch make others: set w2[0]=0"
                                       : "diff main " + branches_.back().name);
  // The main line at the step that the branch begins with.
  const auto step_of = [](const Side& one, const Side& other) {
    return one.branch ? 0 : other.branch->step;
  };
  const Tape &tape_a = a.branch ? a.branch->tape : tape_,
             &tape_b = b.branch ? b.branch->tape : tape_;
  tell("differences", differences(tape_a, step_of(a, b), tape_b, step_of(b, a)));
  return difference_text(tape_a, step_of(a, b), a.name, tape_b, step_of(b, a), b.name,
                         text_style());
}

std::string Stepper::told_branches() const {
  std::vector<std::string> all{
      branch_json("main", "", step_here(), {loss_value(tape_, step_here())})};
  for (const Branch& b : branches_) {
    std::vector<double> losses;
    for (TapeIndex step = 0; step < b.tape.steps(); ++step)
      losses.push_back(loss_value(b.tape, step));
    all.push_back(branch_json(b.name, b.how, b.step, losses));
  }
  return json_list(all);
}

std::string Stepper::note(const std::string& rest, int) {
  const auto place_of_note = [this](const Note& one) {
    const TapeTick& tick = at(tape_.ticks, one.tick);
    return "step " + std::to_string(tick.step) + " t" + std::to_string(tick.number);
  };
  if (!rest.empty()) {
    notes_.push_back({focus_.tick, rest});
    return "noted at " + place_of_note(notes_.back()) + "\n";
  }
  std::string text;
  std::vector<std::string> told;
  for (const Note& one : notes_) {
    text += "  " + place_of_note(one) + ": " + one.text + "\n";
    told.push_back(note_json(at(tape_.ticks, one.tick), one.text));
  }
  if (options_.json) told_.emplace_back("notes", json_list(told));
  return text.empty() ? "no notes; note TEXT writes one\n" : text;
}

}  // namespace gradus::see
