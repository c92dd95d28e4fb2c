// Finding and reading the source; see tape_source.h.
#include <gradus/see/tape_source.h>
#include <gradus/see/words.h>

#include <filesystem>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

/// A file of the source under the path that the compiler was given, which is often relative to the
/// folder of the build: looked for from here and from the program, and in the folders above both.
std::ifstream open_source(const std::string& path) {
  std::ifstream file(path);
  if (file) return file;
  std::string within = path;
  while (within.starts_with("../")) within.erase(0, 3);
  std::error_code error;
  for (std::filesystem::path from : {std::filesystem::current_path(error),
                                     std::filesystem::read_symlink("/proc/self/exe", error)})
    for (; !from.empty(); from = from.parent_path()) {
      file.open(from / within);
      if (file) return file;
      if (from == from.parent_path()) break;
    }
  return file;
}

/// What the calls of a step made at each line of a file: at a line that several ticks come from, as
/// of a function called twice, only what the tick in focus made, or its forward twin.
std::map<int, std::vector<TapeIndex>> made_by_line(const Tape& tape, TapeIndex focus,
                                                   const std::string& file) {
  std::map<int, std::vector<TapeIndex>> made, made_here;
  const TapeTick& here = at(tape.ticks, focus);
  const auto [first, last] = tape.ticks_of(here.step);
  for (TapeIndex t = first; t < last; ++t)
    for (TapeIndex e = at(tape.ticks, t).first; e < at(tape.ticks, t).last; ++e) {
      const TapeEvent& call = at(tape.events, e);
      if (call.file != file || call.phase != Phase::forward || call.parent != none) continue;
      std::vector<TapeIndex>& line = (t == focus || t == here.twin ? made_here : made)[call.line];
      line.insert(line.end(), call.outputs.begin(), call.outputs.end());
    }
  for (auto& [line, values] : made_here) made[line] = std::move(values);
  return made;
}

}  // namespace

SourcePlace source_at(const Tape& tape, const Focus& focus) {
  const TapeEvent* event = event_of(tape, focus);
  if (!event) return {};
  SourcePlace source{event->file, event->line, {}};
  std::ifstream file = open_source(event->file);
  auto made = made_by_line(tape, focus.tick, event->file);
  int number = 0;
  for (std::string line; std::getline(file, line);)
    if (++number >= event->line - 4 && number <= event->line + 4)
      source.lines.push_back({number, line, std::move(made[number])});
  return source;
}

std::string source_text(const Tape& tape, const SourcePlace& source, const Style& style) {
  if (source.file.empty()) return "t0 has no place in the source: its values come from outside\n";
  if (source.lines.empty())
    return cut_to(source.file + " is not found from here", style.width, style) + "\n" +
           cut_to("  start in the folder of the sources", style.width, style) + "\n";
  std::string text;
  for (const SourceLine& line : source.lines) {
    const std::string code =
        std::to_string(line.number) + (line.number == source.line ? " -> " : "    ") + line.text;
    std::string made;
    for (const TapeIndex v : line.made)
      made += (made.empty() ? "# " : ", ") + tape.name_of(v) + " " +
              at(tape.values, v).spec.shape.str();
    // The shapes are what one comes for: where they have no room behind the code they go below it.
    const std::string together = code + (made.empty() ? "" : "   " + made);
    if (cut_to(together, style.width, style) == together)
      text += together + "\n";
    else
      text += cut_to(code, style.width, style) + "\n" +
              (made.empty() ? "" : wrap_line("        " + made, style, 10) + "\n");
  }
  return text;
}

std::string source_json(const Tape& tape, const SourcePlace& source) {
  using SourceJson = nlohmann::ordered_json;
  SourceJson j{{"file", nullptr}, {"line", nullptr}, {"lines", SourceJson::array()}};
  if (!source.file.empty()) j.update({{"file", source.file}, {"line", source.line}});
  for (const SourceLine& line : source.lines) {
    SourceJson made = SourceJson::array();
    for (const TapeIndex v : line.made) {
      const Spec& spec = at(tape.values, v).spec;
      made.push_back({{"name", tape.name_of(v)},
                      {"shape", spec.shape.to_vector()},
                      {"dtype", dtype_name(spec.dtype)}});
    }
    j["lines"].push_back({{"number", line.number}, {"text", line.text}, {"made", made}});
  }
  return j.dump(-1, ' ', false, SourceJson::error_handler_t::replace);
}

}  // namespace gradus::see
