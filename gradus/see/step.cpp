// The session: lines into commands, motions that wait, arrivals; see step.h. The commands are in
// step_move.cpp, step_look.cpp, step_explain.cpp and step_try.cpp.
#include <gradus/see/step.h>
#include <gradus/see/step_json.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace gradus::see {
namespace {

/// "p x > notes.txt" as command and file; what names a tensor, or a number, is compared with.
std::string take_file(std::string& command, const Tape& tape, TapeIndex tick) {
  const std::size_t at = command.rfind(" > ");
  if (at == command.npos) return "";
  std::string file(trimmed(std::string_view(command).substr(at + 3)));
  if (file.find_first_of(" ()[]|*<>=,") != file.npos) return "";
  const std::size_t dot = file.rfind('.');
  const bool has_ending =
      dot != file.npos && dot + 1 < file.size() &&
      std::all_of(file.begin() + static_cast<std::ptrdiff_t>(dot) + 1, file.end(),
                  [](char c) { return std::isalpha(static_cast<unsigned char>(c)); });
  const bool has_folder = file.find('/') != file.npos;
  if (!has_ending && !has_folder) return "";
  if (!has_folder && (std::isdigit(static_cast<unsigned char>(file[0])) ||
                      (!tape.ticks.empty() && tape.find(file, tick) != none)))
    return "";
  command.resize(at);
  return file;
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
  static const std::vector<Entry> all = {
      {"next", "n", &Stepper::next, true},
      {"step", "s", &Stepper::step, true},
      {"up", "u", &Stepper::up, true},
      {"continue", "c", &Stepper::go_on, true},
      {"until", "unt", &Stepper::until, true},
      {"jump", "j", &Stepper::jump},
      {"home", "", &Stepper::home},
      {"end", "", &Stepper::end},
      {"break", "b", &Stepper::add_break},
      {"tbreak", "", &Stepper::add_once},
      {"ignore", "", &Stepper::ignore},
      {"condition", "", &Stepper::condition},
      {"enable", "", &Stepper::enable},
      {"disable", "", &Stepper::disable},
      {"delete", "", &Stepper::remove},
      {"commands", "", &Stepper::commands},
      {"watch", "", &Stepper::watch},
      {"display", "", &Stepper::display},
      {"undisplay", "", &Stepper::undisplay},
      {"first", "", &Stepper::first},
      {"last", "", &Stepper::last},
      {"where", "w", &Stepper::where},
      {"list", "l", &Stepper::list},
      {"ll", "", &Stepper::list_all},
      {"src", "", &Stepper::source},
      {"print", "p", &Stepper::print},
      {"pp", "", &Stepper::summary},
      {"hist", "", &Stepper::summary},
      {"pic", "", &Stepper::picture},
      {"pt", "", &Stepper::range},
      {"@", "", &Stepper::element},
      {"plot", "", &Stepper::plot},
      {"view", "v", &Stepper::view},
      {"why", "", &Stepper::tell_why},
      {"explain", "e", &Stepper::explain},
      {"latex", "", &Stepper::latex},
      {"einsum", "", &Stepper::einsum},
      {"gears", "", &Stepper::gears},
      {"check", "", &Stepper::check},
      {"health", "", &Stepper::health},
      {"whatif", "", &Stepper::what_if},
      {"set", "", &Stepper::set},
      {"branch", "", &Stepper::branch},
      {"diff", "", &Stepper::diff},
      {"note", "", &Stepper::note},
      {"quit", "q", &Stepper::quit},
      {"help", "h", &Stepper::show_help},
  };
  return all;
}

const Stepper::Entry* Stepper::entry_for(const std::string& word, std::string& complaint) const {
  const Entry* found = nullptr;
  std::string several;
  for (const Entry& e : entries()) {
    if (word == e.word || word == e.letters) return &e;
    if (e.word.starts_with(word)) {
      several += (several.empty() ? "" : ", ") + std::string(e.word);
      found = &e;
    }
  }
  if (several.find(',') == several.npos && found) return found;
  if (found) {
    complaint = "'" + word + "' may be " + several;
    return nullptr;
  }
  std::vector<std::string> words;
  for (const Entry& e : entries()) words.emplace_back(e.word);
  const std::string near = nearest(word, words);
  complaint = "'" + word + "' is no command, nor a tensor so far" +
              (near.empty() ? "; h lists them" : "; did you mean '" + near + "'?");
  return nullptr;
}

std::string Stepper::execute(std::string_view line) {
  if (!wants_more()) take_interrupt();  // what was meant for an earlier motion
  std::string said(trimmed(line));
  if (collecting_number_ > 0) {
    if (said != "end") {
      collected_.push_back(said);
      return "";
    }
    for (Breakpoint& b : breakpoints_)
      if (b.number == collecting_number_) b.commands = collected_;
    collecting_number_ = 0;
    return "";
  }
  if (said.empty()) said = last_line_;
  last_line_ = said;
  int open = 0;
  for (std::size_t i = 0, begin = 0; i <= said.size(); ++i) {
    if (i < said.size())
      open += (said[i] == '(' || said[i] == '[') - (said[i] == ')' || said[i] == ']');
    if (i == said.size() || (said[i] == ';' && open <= 0)) {
      if (std::string one(trimmed(std::string_view(said).substr(begin, i - begin))); !one.empty())
        queue_.push_back(std::move(one));
      begin = i + 1;
    }
  }
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
/// word. A name that comes later on the tape is one unless it begins a command's word, and no
/// command begins with a digit: print says what is missing.
bool Stepper::is_expression(std::string_view command) const {
  if (tape_.ticks.empty()) return false;
  const auto is_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  };
  const auto end = std::find_if_not(command.begin(), command.end(), is_of_name);
  std::string_view name = command.substr(0, static_cast<std::size_t>(end - command.begin()));
  if (!name.empty() && std::isdigit(static_cast<unsigned char>(name[0]))) return true;
  bool may_come_later = true;
  for (const Entry& e : entries()) {
    if (name == e.word || name == e.letters) return false;
    may_come_later = may_come_later && !e.word.starts_with(name);
  }
  const TapeIndex until = may_come_later ? last_tick() : focus_.tick;
  while (!name.empty() && tape_.find(name, until) == none)
    name = name.substr(0, name.find('.') == name.npos ? 0 : name.rfind('.'));
  return !name.empty();
}

std::string Stepper::run_one(std::string command) {
  told_.clear();
  const std::string file = take_file(command, tape_, focus_.tick);
  if (command == "-") command = "n-";
  if (is_expression(command)) command.insert(0, "print ");  // as in pdb
  std::size_t length = 0;
  while (length < command.size() &&
         (std::isalpha(static_cast<unsigned char>(command[length])) || command[length] == '_'))
    ++length;
  if (length == 0 && command[0] == '@') length = 1;
  std::string word = command.substr(0, length);
  int direction = 1;
  if (word == "rn" || word == "rs" || word == "rc" || word == "ru") {
    word.erase(0, 1);
    direction = -1;
  } else if (length > 0 && length < command.size() && command[length] == '-') {
    direction = -1;
    ++length;
  }
  const std::string rest(trimmed(std::string_view(command).substr(length)));
  std::string complaint = length == 0 ? "'" + command + "' is not a command; h lists them" : "";
  const Entry* entry = length == 0 ? nullptr : entry_for(word, complaint);
  if (entry && direction < 0 && !entry->is_motion) {
    complaint = "'" + std::string(entry->word) + "' is no motion: it has no reverse";
    entry = nullptr;
  }
  if (!entry) return answer(command, complaint + "\n", true);
  if (tape_.ticks.empty() && !entry->is_motion && entry->word != "break" && entry->word != "quit" &&
      entry->word != "help" && entry->word != "tbreak")
    return answer(command, "nothing has run yet; c runs to a stop\n", true);
  try {
    std::string text = (this->*entry->handler)(rest, direction);
    if (!file.empty()) {
      std::ofstream out(file, std::ios::app);
      out << text;
      if (!out.flush())
        return answer(command, "cannot write " + file + ": " + std::strerror(errno) + "\n", true);
      return answer(command, "added to " + file + "\n", false);
    }
    // Motions say where they arrived themselves.
    const bool arrives =
        entry->is_motion || entry->word == "jump" || entry->word == "home" || entry->word == "end";
    return arrives ? text : answer(command, text, false);
  } catch (const ExpressionError& error) {
    const std::size_t at = rest.empty() ? command.npos : command.find(rest);
    return answer(command, command + "\n" + error.pointer(at == command.npos ? 0 : at) + "\n",
                  true);
  } catch (const Error& error) {
    const std::string text =
        error.problem() + (error.hint().empty() ? "" : "; " + error.hint()) + "\n";
    return answer(command, text, true);
  } catch (const std::exception& error) {
    return answer(command, std::string(error.what()) + "\n", true);
  }
}

std::string Stepper::answer(const std::string& command, const std::string& text, bool is_error) {
  if (!options_.json) return wrap_lines(text, options_.style);
  return answer_json(command, text, is_error, std::exchange(told_, {}));
}

std::string Stepper::arrive(Focus focus, char sign, const std::string& reason) {
  focus_ = focus;
  std::string text, shown;
  if (!options_.json) {
    text = stop_text(tape_, focus_, sign, reason, options_.style);
    if (options_.bold) {
      const std::size_t end = text.find('\n');
      text = "\033[1m" + text.substr(0, end) + "\033[0m" + text.substr(end);
    }
  }
  std::vector<std::string> displayed;
  for (const Watch& d : displays_) {
    const std::string head = "    " + std::to_string(d.number) + ": " + d.expression + " = ";
    try {
      const Value value = elements_.evaluate(d.expression, focus_.tick);
      if (options_.json) displayed.push_back(json_text(d.expression, value));
      shown += head + value.str(options_.style.width) + "\n";
    } catch (const Error& error) {
      if (options_.json) displayed.push_back(json_text(d.expression, Value{{}, error.problem()}));
      shown += head + error.problem() + "\n";
    }
  }
  if (!options_.json) return text + wrap_lines(shown, options_.style);
  const JsonFields more{{"displays", json_list(displayed)}};
  return stop_json(tape_, focus_, reason, displayed.empty() ? JsonFields{} : more);
}

std::string Stepper::show() { return tape_.ticks.empty() ? "" : arrive(focus_, '>', ""); }

std::string Stepper::edge(bool at_end) {
  if (tape_.ticks.empty()) return answer("", "nothing was recorded\n", false);
  std::string text = arrive({at_end ? last_tick() : 0}, at_end ? '>' : '<',
                            at_end ? "the tape ends here" : "the tape begins here");
  for (Breakpoint& b : breakpoints_)
    if (!b.untold.empty())
      text += answer("condition " + std::to_string(b.number) + " " + b.condition,
                     "breakpoint " + std::to_string(b.number) +
                         " was met, but its condition could not be told: " +
                         std::exchange(b.untold, "") + "\n",
                     true);
  return text;
}

/// Why a breakpoint stops after this tick. Names that are not there (yet) do not; any other mistake
/// stops and is told.
std::optional<std::string> Stepper::reason_of(Breakpoint& b, TapeIndex tick) {
  const std::string name = "breakpoint " + std::to_string(b.number) + " (" + b.stop.text() + ")";
  try {
    const std::optional<std::string> met = b.stop.met(elements_, tick);
    if (!met || (!b.condition.empty() && !holds(elements_, b.condition, tick))) return std::nullopt;
    return name + (met->empty() ? "" : "  " + *met);
  } catch (const UnknownName& error) {
    b.untold = error.problem();
    return std::nullopt;
  } catch (const Error& error) {
    return name + "  cannot be told: " + error.problem();
  }
}

std::optional<std::string> Stepper::stop_reason(TapeIndex tick) {
  std::optional<std::string> reason;
  for (std::size_t i = 0; i < breakpoints_.size(); ++i) {
    Breakpoint& b = breakpoints_[i];
    if (!b.enabled) continue;
    const std::optional<std::string> met = reason_of(b, tick);
    if (!met) continue;
    ++b.hits;
    if (b.ignore > 0) {
      --b.ignore;
      continue;
    }
    if (!reason) reason = met;
    queue_.insert(queue_.begin(), b.commands.begin(), b.commands.end());
    if (b.once) breakpoints_.erase(breakpoints_.begin() + static_cast<std::ptrdiff_t>(i--));
  }
  for (const Watch& w : watches_) {
    if (!w.enabled) continue;
    if (const auto how = changed(elements_, w.expression, tick); how && !reason)
      reason = "watch " + std::to_string(w.number) + ": " + *how;
  }
  return reason;
}

std::string Stepper::travel(int direction,
                            std::function<std::optional<std::string>(TapeIndex tick)> until) {
  // What cannot be told, and Ctrl-C, stop as well.
  auto reason_at = [this, until = std::move(until)](TapeIndex t) -> std::optional<std::string> {
    std::optional<std::string> reason;
    try {
      reason = until(t);
    } catch (const Error& error) {
      reason = error.problem();
    }
    if (!take_interrupt()) return reason;
    queue_.clear();
    return reason && !reason->empty() ? reason : std::optional<std::string>("interrupted");
  };
  TapeIndex at = direction < 0 ? focus_.tick - (focus_.event == none) : focus_.tick + 1;
  if (tape_.ticks.empty()) at = 0;
  if (direction < 0) {
    for (; at >= 0; --at)
      if (const auto reason = reason_at(at)) return arrive({at}, '<', *reason);
    return edge(false);
  }
  pending_ = [this, at, reason_at = std::move(reason_at)]() mutable -> std::optional<std::string> {
    for (; at <= last_tick(); ++at)
      if (const auto reason = reason_at(at)) return arrive({at}, '>', *reason);
    return std::nullopt;
  };
  return grown();
}

std::string Stepper::grown() {
  if (!pending_) return "";
  // The motion keeps its place between attempts: it is moved back when it has not arrived.
  auto going = std::move(pending_);
  pending_ = nullptr;
  const std::optional<std::string> text = going();
  if (!text) {
    pending_ = std::move(going);
    if (!has_ended_) return "";
    pending_ = nullptr;
    return edge(true) + drain();
  }
  return *text + drain();
}

std::string Stepper::ended() {
  has_ended_ = true;
  return grown();
}

std::vector<std::string> Stepper::completions(const std::string& word) const {
  std::vector<std::string> found;
  const auto offer = [&](const std::string& candidate) {
    if (candidate.starts_with(word) &&
        std::find(found.begin(), found.end(), candidate) == found.end())
      found.push_back(candidate);
  };
  for (const Entry& e : entries()) offer(std::string(e.word));
  if (tape_.ticks.empty()) return found;
  for (const std::string& name : tape_.names(focus_.tick)) offer(name);
  for (const TapeTick& tick : tape_.ticks) offer(tick.label);
  return found;
}

}  // namespace gradus::see
