// What forms terms have on paper; see term_form.h.
#include <gradus/see/term_form.h>

#include <gradus/core/shape.h>

namespace gradus::see {

std::string letters_by_place(int rank) {
  std::string letters;
  for (int k = 0; k < rank; ++k) letters += "ijklmnopqrstuvwx"[k % 16];
  return letters;
}

bool passes_sums_on(const Term& t) {
  switch (t.kind()) {
    case TermKind::mul:
    case TermKind::stretch:
    case TermKind::permute:
    case TermKind::einsum:
    case TermKind::sum:
    case TermKind::unbroadcast:
      return true;
    case TermKind::div:
      return t.parts()[1].is(TermKind::number);
    default:
      return false;
  }
}

std::optional<MatrixProduct> matrix_product(const Term& t) {
  const Equation e(t.name(), t.parts());
  if (e.inputs.size() != 2 || e.inputs[0].size() < 2 || e.inputs[1].size() < 2 ||
      e.output.size() < 2)
    return std::nullopt;
  const auto tail = [](const std::string& s) { return s.substr(s.size() - 2); };
  const auto head = [](const std::string& s) { return s.substr(0, s.size() - 2); };
  const auto is_end = [](const std::string& of, const std::string& end) {
    return of.size() >= end.size() && of.substr(of.size() - end.size()) == end;
  };
  const std::string out = tail(e.output), a = tail(e.inputs[0]), b = tail(e.inputs[1]);
  if (!is_end(head(e.output), head(e.inputs[0])) || !is_end(head(e.output), head(e.inputs[1])))
    return std::nullopt;
  for (const bool left : {false, true})
    for (const bool right : {false, true}) {
      const char row = a[left ? 1 : 0], inner = a[left ? 0 : 1];
      const char inner_too = b[right ? 1 : 0], column = b[right ? 0 : 1];
      if (row == out[0] && column == out[1] && inner == inner_too && row != inner &&
          column != inner && row != column)
        return MatrixProduct{left, right};
    }
  return std::nullopt;
}

Terms said(const Term& t) {
  Terms bare;
  Shape together;
  for (const Term& p : t.parts()) {
    bare.push_back(p.is(TermKind::stretch) ? p.parts()[0] : p);
    together = broadcast_shapes(together, bare.back().shape());
  }
  return together == t.shape() ? bare : t.parts();
}

std::optional<std::string> new_axes(const Shape& from, const Shape& to) {
  std::string index;
  int next = 0;
  for (int k = 0; k < to.rank(); ++k) {
    const bool is_old = next < from.rank() && from[next] == to[k] &&
                        (to[k] != 1 || from.rank() - next >= to.rank() - k);
    if (!is_old && to[k] != 1) return std::nullopt;
    next += is_old;
    index += std::string(k == 0 ? "" : ",") + (is_old ? ":" : "None");
  }
  if (next != from.rank()) return std::nullopt;
  return "[" + index + "]";
}

}  // namespace gradus::see
