// Reading the command line; see arguments.h.
#include <apps/arguments.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include <gradus/core/nearest.h>
#include <gradus/program/attribute.h>

namespace gradus::app {
namespace {

/// One way to write an option: "--no-shuffle" sets `option` to false.
struct Spelling {
  std::string text;
  const Option* option;
  bool sets = true;
};

std::vector<Spelling> spellings_of(const Command& command) {
  std::vector<Spelling> all;
  for (const Option& option : command.options) {
    if (option.is_argument()) continue;
    for (std::size_t at = 0; at < option.names.size();) {
      const std::size_t comma = std::min(option.names.find(',', at), option.names.size());
      const bool sets = option.names[at] != '!';
      at += !sets;
      all.push_back({option.names.substr(at, comma - at), &option, sets});
      at = comma + 1;
    }
  }
  return all;
}

std::string quoted(const std::string& word) {
  return "'" + word.substr(0, 60) + (word.size() > 60 ? "..." : "") + "'";
}

/// "write --lr 0.5": the value that stands there already shows the form.
std::string example(const Option& option) {
  const std::string value = option.value();
  return value.empty() || option.is_argument() ? "" : "write " + option.names + " " + value;
}

template <class T>
T parse_number(const Option& option, const std::string& text) {
  constexpr bool is_whole = std::is_integral_v<T>;
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size()) return value;
  using Limits = std::numeric_limits<T>;
  // A number, but too large for its type; or what no type holds.
  const bool is_large = code == std::errc::result_out_of_range && end == text.data() + text.size();
  const bool is_negative = std::is_unsigned_v<T> && text.size() > 1 && text[0] == '-';
  std::string problem = quoted(text) + (is_whole ? " is not a whole number" : " is not a number");
  if (is_large || is_negative)
    problem = quoted(text) + " is not from " +
              (is_whole ? std::to_string(Limits::lowest()) + " to " + std::to_string(Limits::max())
                        : to_text(static_cast<double>(Limits::lowest())) + " to " +
                              to_text(static_cast<double>(Limits::max())));
  throw UsageError(option.names, problem, example(option));
}

void store(const Option& option, const std::string& text) {
  const std::vector<std::string>& choices = option.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
    std::string list;
    for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
    const std::string near = nearest(text, choices);
    throw UsageError(option.names, quoted(text) + " is none of " + list,
                     near.empty() ? example(option) : "did you mean '" + near + "'?");
  }
  std::visit(
      [&]<class T>(T* target) {
        if constexpr (std::is_same_v<T, std::string>)
          *target = text;
        else if constexpr (std::is_same_v<T, std::vector<std::string>>)
          target->push_back(text);
        else if constexpr (std::is_same_v<T, std::optional<std::int64_t>>)
          *target = parse_number<std::int64_t>(option, text);
        else if constexpr (!std::is_same_v<T, bool>)
          *target = parse_number<T>(option, text);
      },
      option.target);
}

class Reader {
 public:
  explicit Reader(const Command& command) : command_(command), spellings_(spellings_of(command)) {}

  bool read(std::span<const std::string> words) {
    // Before all else, so that help shows the defaults.
    for (const std::string& word : words.first(
             static_cast<std::size_t>(std::find(words.begin(), words.end(), "--") - words.begin())))
      if (word == "--help" || word == "-h") return false;
    bool only_arguments = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (only_arguments || word.size() < 2 || word[0] != '-') {
        read_argument(word);
      } else if (word == "--") {
        only_arguments = true;
      } else if (word[1] != '-' && command_.takes_minus) {
        read_argument(word);
      } else {
        i += read_option(word, i + 1 < words.size() ? &words[i + 1] : nullptr);
      }
    }
    for (const Option& option : command_.options)
      if (option.required && option.value().empty() && !given_.contains(&option))
        throw UsageError(command_.name, "the " + option.names +
                                            (option.names.ends_with('s') ? " are" : " is") +
                                            " missing: " + option.help);
    return true;
  }

 private:
  void read_argument(const std::string& word) {
    int places = 0;
    for (const Option& option : command_.options) {
      if (!option.is_argument()) continue;
      ++places;
      if (given_.contains(&option) && !option.is_list()) continue;
      given_.insert(&option);
      return store(option, word);
    }
    throw UsageError(command_.name, quoted(word) + " is one argument too many: it takes " +
                                        (places == 0   ? "none, only options"
                                         : places == 1 ? "one"
                                                       : std::to_string(places)));
  }

  /// How many of the words behind it were its value.
  std::size_t read_option(const std::string& word, const std::string* next) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto found = std::find_if(spellings_.begin(), spellings_.end(),
                                    [&](const Spelling& s) { return s.text == name; });
    if (found == spellings_.end()) throw unknown(name);
    const Option& option = *found->option;
    if (option.is_flag()) {
      if (equals != word.npos)
        throw UsageError(name, "takes no value, but there is " + quoted(word.substr(equals)),
                         "write " + name + " alone");
      *std::get<bool*>(option.target) = found->sets;
      return 0;
    }
    const bool is_apart = equals == word.npos;
    if (is_apart && (!next || (next->starts_with("--") && next->size() > 2)))
      throw UsageError(name, "needs a value",
                       example(option).empty() ? "write " + option.spelling() : example(option));
    if (!option.is_list() && given_.contains(&option))
      throw UsageError(name, "is given twice", "give it once");
    // Else it might count as not given: `--log "$LOG"` without a LOG.
    const std::string value = is_apart ? *next : word.substr(equals + 1);
    if (value.empty() && std::holds_alternative<std::string*>(option.target))
      throw UsageError(name, "is empty", "write " + option.spelling() + ", or leave it out");
    // What stands as an example in a message is the default: it goes once the value is good.
    store(option, value);
    given_.insert(&option);
    return is_apart ? 1 : 0;
  }

  UsageError unknown(const std::string& name) const {
    std::vector<std::string> texts{"--help"};
    for (const Spelling& s : spellings_) texts.push_back(s.text);
    const std::string near = nearest(name, texts),
                      list = "`gradus " + command_.name + " --help` lists all";
    return UsageError(command_.name, "there is no option " + quoted(name),
                      near.empty() ? list : "did you mean '" + near + "'? " + list);
  }

  const Command& command_;
  std::vector<Spelling> spellings_;
  std::set<const Option*> given_;
};

}  // namespace

std::string Option::value() const {
  return std::visit(
      []<class T>(T* from) -> std::string {
        if constexpr (std::is_same_v<T, std::string>)
          return *from;
        else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::vector<std::string>>)
          return {};
        else if constexpr (std::is_same_v<T, std::optional<std::int64_t>>)
          return *from ? std::to_string(**from) : "";
        else if constexpr (std::is_same_v<T, double>)
          return to_text(*from);
        else
          return std::to_string(*from);
      },
      target);
}

std::string Option::spelling() const {
  if (is_argument()) return names + (is_list() ? "..." : "");
  std::string text;
  for (const char c : names)
    if (c != '!') text += c == ',' ? std::string(", ") : std::string(1, c);
  if (is_flag()) return text;
  std::string value;
  for (const std::string& choice : choices) value += (value.empty() ? "" : "|") + choice;
  if (!value.empty()) return text + " " + value;
  for (const char c : names.substr(2)) value += static_cast<char>(c == '-' ? '_' : c & ~0x20);
  return text + " " + value;
}

bool read_arguments(const Command& command, std::span<const std::string> words) {
  return Reader(command).read(words);
}

const Command& find_command(const std::vector<Command>& commands, const std::string& name) {
  std::vector<std::string> names{"help"};
  std::string list;
  for (const Command& command : commands) {
    if (command.name == name) return command;
    names.push_back(command.name);
    list += (list.empty() ? "" : " ") + command.name;
  }
  const std::string near = nearest(name, names);
  throw UsageError("gradus", "there is no command " + quoted(name),
                   near.empty() ? "commands are " + list
                                : "did you mean '" + near + "'? `gradus help` lists all");
}

}  // namespace gradus::app
