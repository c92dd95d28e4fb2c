// The session: lines into commands, motions that wait, arrivals; see step.h. The commands are in
// step_move.cpp, step_stop.cpp, step_look.cpp, step_explain.cpp and step_try.cpp.
#include <gradus/see/step.h>
#include <gradus/see/step_json.h>
#include <gradus/see/step_tell.h>
#include <gradus/see/words.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace gradus::see {
namespace {

/// What stands in the way of appending to a file, as errno says it; 0 for no file at all.
int append_error(const std::string& file) {
  if (file.empty()) return 0;
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return EISDIR;
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  const bool exists = std::filesystem::exists(file, error);
  const std::string asked = exists ? file : folder.empty() ? "." : folder.string();
  return ::access(asked.c_str(), W_OK) == 0 ? 0 : errno;
}

}  // namespace

Stepper::Stepper(Tape& tape, StepperOptions options, Rerun* rerun)
    : tape_(tape),
      options_(options),
      rerun_(rerun),
      elements_(tape, rerun ? std::function<void(TapeIndex)>(
                                  [rerun](TapeIndex step) { rerun->replay(step); })
                            : nullptr) {}

const std::vector<Stepper::Entry>& Stepper::entries() {
  using enum Kind;
  constexpr Takes nothing = Takes::nothing, maybe = Takes::maybe, something = Takes::something;
  static const std::vector<Entry> all = {
      {"next", "n", &Stepper::next, maybe, "", motion},
      {"step", "s", &Stepper::step, maybe, "", motion},
      {"up", "u", &Stepper::up, maybe, "", motion},
      {"continue", "c", &Stepper::go_on, nothing, "", motion},
      {"until", "unt", &Stepper::until, something, "unt lin2, unt t=4, unt loss<1", motion},
      {"jump", "j", &Stepper::jump, something, "j t=4, j step=3 t=0", arrival},
      {"home", "", &Stepper::home, nothing, "", arrival},
      {"end", "", &Stepper::end, nothing, "", arrival},
      {"break", "b", &Stepper::add_break, maybe},
      {"tbreak", "", &Stepper::add_once, something, "tbreak nan"},
      {"ignore", "", &Stepper::ignore, something, "ignore 1 3"},
      {"condition", "", &Stepper::condition, something, "condition 1 loss>2"},
      {"enable", "", &Stepper::enable, something, "enable 1"},
      {"disable", "", &Stepper::disable, something, "disable 1"},
      {"delete", "", &Stepper::remove, something, "delete 1"},
      {"commands", "", &Stepper::commands, maybe},
      {"watch", "", &Stepper::watch, maybe},
      {"display", "", &Stepper::display, maybe},
      {"undisplay", "", &Stepper::undisplay, maybe},
      {"first", "", &Stepper::first, something, "first nan, first |*.g|>1e4"},
      {"last", "", &Stepper::last, something, "last write w1"},
      {"where", "w", &Stepper::where, nothing},
      {"list", "l", &Stepper::list, nothing},
      {"ll", "", &Stepper::list_all, nothing},
      {"src", "", &Stepper::source, nothing},
      {"print", "p", &Stepper::print, something, "p w1.shape, p l1[0,:4], p w1.g @ t=8"},
      {"pp", "", &Stepper::summary, something, "pp w1.g"},
      {"hist", "", &Stepper::summary, something, "hist w1.g"},
      {"pic", "", &Stepper::picture, something, "pic w1.g[:,39]"},
      {"pt", "", &Stepper::range, something, "pt w1.g -r [100,inf]"},
      {"@", "", &Stepper::element, something, "@[10,0]"},
      {"plot", "", &Stepper::plot, maybe},
      {"view", "v", &Stepper::view, maybe},
      {"why", "", &Stepper::tell_why, something, "why w1.g[2,3]"},
      {"explain", "e", &Stepper::explain, maybe},
      {"latex", "", &Stepper::latex, maybe},
      {"einsum", "", &Stepper::einsum, maybe},
      {"gears", "", &Stepper::gears, something, "gears w1.g[2,3], gears w1.g[2,3] n=7"},
      {"check", "", &Stepper::check, something, "check w1.g[2,3]"},
      {"health", "", &Stepper::health, nothing},
      {"whatif", "", &Stepper::what_if, something, "whatif lr 1e-5..3e-3, whatif lr 0.1 0.2"},
      {"set", "", &Stepper::set, something, "set w2[0]=0"},
      {"branch", "", &Stepper::branch, maybe},
      {"diff", "", &Stepper::diff, something, "diff main set1"},
      {"note", "", &Stepper::note, maybe},
      {"quit", "q", &Stepper::quit, nothing},
      {"help", "h", &Stepper::show_help, nothing},
  };
  return all;
}

const Stepper::Entry& Stepper::entry_for(const std::string& word) const {
  std::vector<const Entry*> found;
  std::vector<std::string> words;
  for (const Entry& e : entries()) {
    if (word == e.word || word == e.letters) return e;
    if (e.word.starts_with(word)) found.push_back(&e);
    words.emplace_back(e.word);
  }
  if (found.size() == 1) return *found[0];
  if (!found.empty()) {
    std::string several;
    for (const Entry* e : found) several += (several.empty() ? "" : ", ") + std::string(e->word);
    throw NameError("'" + word + "' may be " + several, "write more of it");
  }
  const std::string near = nearest(word, words);
  throw NameError("'" + word + "' is no command, nor a tensor so far",
                  near.empty() ? "h lists them" : "did you mean '" + near + "'?");
}

std::string Stepper::execute(std::string_view given) {
  if (!wants_more()) take_interrupt();  // what was meant for an earlier motion
  std::string line(trimmed(given));
  if (collecting_number_ > 0) {
    command_ = {};
    command_.typed = line;
    const std::string text = collect(line);
    return text.empty() ? "" : answer(text);
  }
  if (line.empty()) line = last_line_;
  last_line_ = line;
  for (std::string& one : commands_of(line)) queue_.push_back(std::move(one));
  return drain();
}

bool Stepper::take_interrupt() { return interrupted_.exchange(false, std::memory_order_relaxed); }

std::string Stepper::drain() {
  std::string text;
  while (!queue_.empty() && !wants_more() && !has_quit_) {
    std::string command = std::move(queue_.front());
    queue_.pop_front();
    text += run_one(std::move(command));
  }
  return text;
}

/// "w1", "w1.g[2,3]", "0.weight.mean()": begins with the name of a tensor, and is no command's
/// word. No command's word holds a digit or a dot: what does is a name, and print says where it is
/// mistyped. A name of letters that comes later on the tape is one unless it begins a command's.
bool Stepper::is_expression(std::string_view command) const {
  if (tape_.ticks.empty()) return false;
  const std::string_view name = leading_name(command);
  if (name.find_first_of("0123456789.") != name.npos || command.starts_with("dead(")) return true;
  bool may_come_later = true;
  for (const Entry& e : entries()) {
    if (name == e.word || name == e.letters) return false;
    may_come_later = may_come_later && !e.word.starts_with(name);
  }
  return tape_.find(name, may_come_later ? last_tick() : focus_.tick) != none;
}

std::string Stepper::run_one(std::string typed) {
  told_.clear();
  is_refused_ = false;
  std::string file = take_file(typed, [this](std::string_view name) {
    return !tape_.ticks.empty() && tape_.find(name, focus_.tick) != none;
  });
  if (is_expression(typed)) typed.insert(0, "print ");  // as in pdb
  command_ = read_command(std::move(typed));
  command_.file = std::move(file);
  return attempt([this] {
    if (command_.word.empty())
      throw NameError("'" + command_.typed + "' is not a command", "h lists them");
    if (const int error = append_error(command_.file); error != 0) {
      const std::string unwritable = std::exchange(command_.file, "");
      throw IoError("cannot write " + unwritable + ": " + std::strerror(error),
                    "the command was not run");
    }
    return run_entry(entry_for(command_.word));
  });
}

std::string Stepper::run_entry(const Entry& entry) {
  const std::string_view word = entry.word;
  if (command_.direction < 0 && entry.kind != Kind::motion)
    throw ValueError("'" + std::string(word) + "' is no motion: it has no reverse", "");
  if (lacks_file(command_.rest))
    throw ValueError("the name of a file is missing behind '>'",
                     std::string(word) + " > notes.txt adds the answer to one");
  if (entry.takes == Takes::nothing && !command_.rest.empty())
    throw ValueError("'" + command_.rest + "' was not expected", "this command stands alone");
  if (entry.takes == Takes::something && command_.rest.empty())
    throw ValueError("something is missing", std::string(entry.example));
  const bool needs_tape = entry.kind != Kind::motion && word != "break" && word != "tbreak" &&
                          word != "quit" && word != "help";
  if (tape_.ticks.empty() && needs_tape)
    throw ValueError("nothing has run yet", "c runs to a stop");
  std::string text = (this->*entry.handler)(command_.rest, command_.direction);
  if (pending_) text += proceed();
  return entry.kind == Kind::answer && command_.file.empty() ? answer(text) : text;
}

std::string Stepper::attempt(const std::function<std::string()>& run) {
  try {
    return delivered(run());
  } catch (const ExpressionError& error) {
    return refusal(error.problem(), error.hint(), command_.rest_at + error.position());
  } catch (const Error& error) {
    return refusal(error.problem(), error.hint());
  } catch (const std::exception& error) {
    return refusal(error.what(), "");
  }
}

std::string Stepper::delivered(const std::string& text) {
  if (command_.file.empty()) return text;
  std::ofstream out(command_.file, std::ios::app);
  out << text;
  if (!out.flush()) {  // the answer is not lost with it
    const std::string file = std::exchange(command_.file, "");
    return answer(text) + refusal("cannot write " + file + ": " + std::strerror(errno), "");
  }
  return wants_more() ? "" : answer("added to " + command_.file + "\n");
}

std::string Stepper::said(const std::string& command, const std::string& text, bool is_error) {
  if (!options_.json) return wrap_lines(text, options_.style);
  return answer_json(command, text, is_error, std::exchange(told_, {}));
}

std::string Stepper::answer(const std::string& text) {
  return said(command_.typed, text, std::exchange(is_refused_, false));
}

std::string Stepper::refusal(const std::string& problem, const std::string& hint,
                             std::optional<std::size_t> position) {
  told_.clear();
  tell("problem", problem);
  tell("hint", hint);
  if (position) tell("position", static_cast<std::int64_t>(*position));
  std::string text = problem + (hint.empty() ? "" : "; " + hint) + "\n";
  if (position) text = command_.typed + "\n" + std::string(*position, ' ') + "^ " + text;
  return said(command_.typed, text, true);
}

std::string Stepper::arrive(Focus focus, char sign, const std::string& reason) {
  focus_ = focus;
  std::string text, shown;
  if (!options_.json) {
    text = stop_text(tape_, focus_, sign, reason, options_.style);
    if (options_.bold && command_.file.empty()) {
      const std::size_t end = text.find('\n');
      text = "\033[1m" + text.substr(0, end) + "\033[0m" + text.substr(end);
    }
  }
  std::vector<std::string> displayed;
  for (const Watch& d : displays_) {
    const std::string head = "    " + std::to_string(d.number) + ": " + d.expression;
    Value value;
    try {
      value = elements_.evaluate(d.expression, focus_.tick);
      shown += head + " = " + value.str(options_.style.width) + "\n";
    } catch (const Error& error) {
      value.word = error.problem();
      shown += head + ": " + error.problem() + "\n";
    }
    if (options_.json) displayed.push_back(display_json(d.number, d.expression, value));
  }
  if (!options_.json) return text + wrap_lines(shown, options_.style);
  const JsonFields more{{"displays", json_list(displayed)}};
  return stop_json(tape_, focus_, reason, displayed.empty() ? JsonFields{} : more);
}

std::string Stepper::show() { return tape_.ticks.empty() ? "" : arrive(focus_, '>', ""); }

std::string Stepper::proceed() {
  // The motion keeps its place between attempts: it is moved back when it has not arrived.
  auto going = std::exchange(pending_, nullptr);
  std::optional<std::string> text = going();
  if (!text && has_ended_) text = edge(true);
  if (!text) pending_ = std::move(going);
  return text.value_or("");
}

std::string Stepper::grown() {
  if (!pending_) return "";
  std::string text = attempt([this] { return proceed(); });
  text += drain();
  return text;
}

std::string Stepper::ended() {
  has_ended_ = true;
  return grown();
}

void Stepper::end_tape() {
  has_ended_ = true;
  pending_ = nullptr;
  queue_.clear();
}

std::vector<std::string> Stepper::completions(const std::string& word, bool begins) const {
  std::vector<std::string> found;
  const auto offer = [&](const std::string& candidate) {
    if (candidate.starts_with(word) &&
        std::find(found.begin(), found.end(), candidate) == found.end())
      found.push_back(candidate);
  };
  if (begins)
    for (const Entry& e : entries()) offer(std::string(e.word));
  if (tape_.ticks.empty()) return found;
  for (const std::string& name : tape_.names(focus_.tick))
    if (tape_.is_told(tape_.find(name, focus_.tick))) offer(name);
  for (const TapeTick& tick : tape_.ticks) {
    offer(tick.label);
    if (tape_.find(tick.label + ".out", focus_.tick) != none) offer(tick.label + ".out");
  }
  return found;
}

}  // namespace gradus::see
