// Moving reshapes and finding what a view shows; see term_views.h.
#include <gradus/see/term_views.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

/// The named value that an unnamed one shows in another shape; none where it is no such thing.
TapeIndex seen_through(const Tape& tape, TapeIndex value) {
  while (at(tape.values, value).name.empty()) {
    const TapeIndex maker = at(tape.values, value).made_by;
    if (maker == none) return none;
    const TapeEvent& view = at(tape.events, maker);
    const bool is_view = view.op == "squeeze" || view.op == "expand_dims" || view.op == "reshape";
    if (!is_view || view.phase != Phase::forward) return none;
    value = view.inputs[0];
  }
  return value;
}

bool is_arithmetic(const Term& t) {
  return t.is(TermKind::add) || t.is(TermKind::sub) || t.is(TermKind::mul) || t.is(TermKind::div);
}

}  // namespace

Term moved_in(const Term& t, const Shape& shape) {
  if (t.shape() == shape) return t;
  if (t.is(TermKind::reshape)) return moved_in(t.parts()[0], shape);
  if (t.is(TermKind::stretch) && t.parts()[0].shape().numel() == 1)
    return stretch(moved_in(t.parts()[0], {}), shape);
  if (!is_arithmetic(t)) return reshaped(t, shape);
  Terms parts;
  for (const Term& p : t.parts()) {
    const bool is_number = p.shape().rank() == 0;
    if (!is_number && !(p.shape() == t.shape())) return reshaped(t, shape);
    parts.push_back(is_number ? p : moved_in(p, shape));
  }
  const Term &a = parts[0], &b = parts[1];
  return t.is(TermKind::add)   ? a + b
         : t.is(TermKind::sub) ? a - b
         : t.is(TermKind::mul) ? a * b
                               : a / b;
}

Term over_what_is_seen(const Tape& tape, const Term& t, std::map<std::string, TapeIndex>& leaves) {
  if (t.is(TermKind::leaf)) {
    const auto value = leaves.find(t.name());
    const TapeIndex seen =
        value == leaves.end() || at(tape.values, value->second).gradient_of != none
            ? none
            : seen_through(tape, value->second);
    if (seen == none || seen == value->second) return t;
    const std::string name = tape.name_of(seen);
    leaves[name] = seen;
    return reshaped(leaf(name, at(tape.values, seen).spec.shape), t.shape());
  }
  Terms parts;
  for (const Term& p : t.parts()) parts.push_back(over_what_is_seen(tape, p, leaves));
  return parts.empty() ? t : t.with_parts(std::move(parts));
}

}  // namespace gradus::see
