// The source around a place on a tape, with what each line made there.
#pragma once

#include <gradus/see/tape_view.h>

namespace gradus::see {

struct SourceLine {
  int number = 0;
  std::string text;
  std::vector<TapeIndex> made;  ///< what its calls made in the step of the focus
};

/// Nine lines around the one that wrote what is in focus.
struct SourcePlace {
  std::string file;  ///< as the compiler was given it; empty for values from outside
  int line = 0;
  std::vector<SourceLine> lines;  ///< none where the file is not found
};
SourcePlace source_at(const Tape& tape, const Focus& focus);

std::string source_text(const Tape& tape, const SourcePlace& source, const Style& style);
/// {"file","line","lines":[{"number","text","made":[{"name","shape","dtype"}]}]}; file is null for
/// values from outside.
std::string source_json(const Tape& tape, const SourcePlace& source);

}  // namespace gradus::see
