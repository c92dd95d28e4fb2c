// Moving reshapes and finding what a view shows; see term_views.h.
#include <gradus/core/shape.h>
#include <gradus/see/tape_replay.h>
#include <gradus/see/term_views.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

/// What an unnamed value shows of a named one, in another shape or turned, as a term over that;
/// empty where it is no such thing.
Term seen_through(const Tape& tape, TapeIndex value, std::map<std::string, TapeIndex>& leaves) {
  const TapeValue& v = at(tape.values, value);
  if (!v.name.empty()) {
    const std::string name = tape.name_of(value);
    leaves[name] = value;
    return leaf(name, v.spec.shape);
  }
  if (v.made_by == none || at(tape.events, v.made_by).phase != Phase::forward) return {};
  const TapeEvent& view = at(tape.events, v.made_by);
  const bool is_reshape = view.op == "squeeze" || view.op == "expand_dims" || view.op == "reshape";
  if (!is_reshape && view.op != "permute_dims") return {};
  const Term whole = seen_through(tape, view.inputs[0], leaves);
  if (!whole || is_reshape) return whole ? reshaped(whole, v.spec.shape) : whole;
  for (const AttributeInfo& a : op_of(view).attributes())
    if (const Ints* axes = std::get_if<Ints>(&a.value)) {
      Ints order;
      for (const std::int64_t axis : *axes)
        order.push_back(normalize_axis(axis, whole.shape().rank()));
      return permuted(whole, std::move(order));
    }
  return {};
}

/// A contraction whose factors may be turned: the letters turn instead, so that b.T.T is b.
Term contraction_of_turned(const std::string& equation, const Terms& parts) {
  std::string letters;
  Terms straight;
  std::size_t place = 0;
  for (const Term& p : parts) {
    std::string own = equation.substr(place, p.shape().size());
    place += own.size() + 1;
    if (p.is(TermKind::permute)) {
      const std::string turned = own;
      for (std::size_t k = 0; k < own.size(); ++k)
        own[static_cast<std::size_t>(p.ints()[k])] = turned[k];
    }
    straight.push_back(p.is(TermKind::permute) ? p.parts()[0] : p);
    letters += (letters.empty() ? "" : ",") + own;
  }
  return contraction(letters + equation.substr(equation.find("->")), std::move(straight));
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
    if (value == leaves.end() || at(tape.values, value->second).gradient_of != none ||
        !at(tape.values, value->second).name.empty())
      return t;
    const Term seen = seen_through(tape, value->second, leaves);
    return seen ? seen : t;
  }
  Terms parts;
  for (const Term& p : t.parts()) parts.push_back(over_what_is_seen(tape, p, leaves));
  if (parts.empty()) return t;
  if (t.is(TermKind::permute)) return permuted(parts[0], t.ints());
  return t.is(TermKind::einsum) ? contraction_of_turned(t.name(), parts)
                                : t.with_parts(std::move(parts));
}

}  // namespace gradus::see
