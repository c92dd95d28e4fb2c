// Taking a command's text apart; see step_command.h.
#include <gradus/see/step_command.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace gradus::see {

std::vector<std::string> commands_of(std::string_view line) {
  std::vector<std::string> commands;
  int open = 0;
  for (std::size_t i = 0, begin = 0; i <= line.size(); ++i) {
    if (i < line.size())
      open += (line[i] == '(' || line[i] == '[') - (line[i] == ')' || line[i] == ']');
    if (i == line.size() || (line[i] == ';' && open <= 0)) {
      if (std::string one(trimmed(line.substr(begin, i - begin))); !one.empty())
        commands.push_back(std::move(one));
      begin = i + 1;
    }
  }
  return commands;
}

std::string_view leading_name(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  });
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

std::string take_file(std::string& command,
                      const std::function<bool(std::string_view)>& is_tensor) {
  const std::size_t at = command.rfind(" >");
  if (at == command.npos) return "";
  std::string file(trimmed(std::string_view(command).substr(at + 2)));
  if (file.find_first_of(" ()[]|*<>=,") != file.npos) return "";
  const std::size_t dot = file.rfind('.');
  const bool has_ending =
      dot != file.npos && dot + 1 < file.size() &&
      std::all_of(file.begin() + static_cast<std::ptrdiff_t>(dot) + 1, file.end(),
                  [](char c) { return std::isalpha(static_cast<unsigned char>(c)); });
  const bool has_folder = file.find('/') != file.npos;
  if (!has_ending && !has_folder) return "";
  const bool is_compared =
      std::isdigit(static_cast<unsigned char>(file[0])) || file.ends_with(".g") || is_tensor(file);
  if (!has_folder && is_compared) return "";
  command = trimmed(std::string_view(command).substr(0, at));
  return file;
}

bool lacks_file(std::string_view rest) {
  if (!rest.ends_with('>')) return false;
  rest = trimmed(rest.substr(0, rest.size() - 1));
  return rest.find_first_not_of("0123456789") == rest.npos;
}

Conditional read_conditional(const std::string& rest) {
  constexpr std::string_view word = "if";
  const std::string padded = " " + rest + " ";
  const std::size_t at = padded.find(" if ");  // where its `i` is in rest
  if (at == padded.npos) return {rest, "", 0};
  const std::string what(trimmed(std::string_view(rest).substr(0, at)));
  const std::string_view condition = trimmed(std::string_view(rest).substr(at + word.size()));
  if (what.empty() || condition.empty())
    throw ValueError(
        "something is missing " + std::string(what.empty() ? "before 'if'" : "behind 'if'"),
        "lin1 if loss>3");
  return {what, std::string(condition), static_cast<std::size_t>(condition.data() - rest.data())};
}

StepCommand read_command(std::string typed) {
  StepCommand command;
  command.typed = std::move(typed);
  const std::string_view text = command.typed;
  if (text == "-") {
    command.word = "n";
    command.direction = -1;
    command.rest_at = text.size();
    return command;
  }
  std::size_t end = text.starts_with('@') ? 1 : leading_name(text).size();
  command.word = text.substr(0, end);
  if (const std::string& w = command.word; w == "rn" || w == "rs" || w == "rc" || w == "ru") {
    command.word.erase(0, 1);
    command.direction = -1;
  } else if (end > 0 && text.substr(end).starts_with('-')) {
    command.direction = -1;
    ++end;
  }
  const std::string_view rest = trimmed(text.substr(end));
  command.rest = rest;
  command.rest_at = static_cast<std::size_t>(rest.data() - text.data());
  return command;
}

}  // namespace gradus::see
