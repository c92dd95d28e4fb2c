// What a term is inside, and an einsum equation taken apart. For the term_*.cpp alone.
#pragma once

#include <gradus/see/term.h>

namespace gradus::see {

struct Term::Node {
  TermKind kind;
  Shape shape;
  std::string name;
  double number;
  Ints ints;
  std::vector<Term> parts;
};

/// "ni,nj->ij" and the size of each letter. Axes of size 1 stretch. Throws ShapeError.
struct Equation {
  Equation(const std::string& text, const Terms& parts);
  std::vector<std::string> inputs;
  std::string output;
  std::map<char, std::int64_t> sizes;
};

}  // namespace gradus::see
