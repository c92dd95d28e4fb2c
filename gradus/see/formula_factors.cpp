// Products taken apart; see formula_factors.h.
#include <gradus/see/formula_factors.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>

namespace gradus::see {
namespace {

struct FactorsOfTerm {
  const TapeFormula& formula;
  const Elements& elements;
  TermValues values{};
  std::vector<Factor> all{};

  /// Gives every leaf its elements; false where one has none.
  bool read_leaves(const Term& t) {
    for (const Term& p : t.parts())
      if (!read_leaves(p)) return false;
    if (!t.is(TermKind::leaf) || values.contains(t.name())) return true;
    if (const auto found = formula.leaves.find(t.name()); found != formula.leaves.end())
      values[t.name()] = term_value(elements.of(found->second));
    else if (t.name().ends_with(".g") && t.shape().numel() == 1)  // the backward pass begins with 1
      values[t.name()] = {t.shape(), {1.0}};
    return values.contains(t.name());
  }

  /// The place of `index`, one of a whole into which the term broadcasts, in the term.
  static Ints within(const Term& t, const Ints& index) {
    Ints own(index.end() - static_cast<std::ptrdiff_t>(t.shape().size()), index.end());
    for (std::size_t k = 0; k < own.size(); ++k)
      if (t.shape()[static_cast<int>(k)] == 1) own[k] = 0;
    return own;
  }
  double number_at(const Term& t, const Ints& index) const {
    const TermValue value = t.evaluate(values);
    std::int64_t place = 0;
    const Ints own = within(t, index);
    for (std::size_t k = 0; k < own.size(); ++k)
      place = place * t.shape()[static_cast<int>(k)] + own[k];
    return at(value.elements, place);
  }

  static bool is_seed(const Term& t) {
    return t.is(TermKind::leaf) && t.name().ends_with(".g") && t.shape().numel() == 1;
  }
  static bool is_fraction(const Term& t) {
    return t.is(TermKind::div) && t.parts()[0].is(TermKind::number) &&
           t.parts()[1].is(TermKind::number);
  }

  void take(const Term& t, const Ints& index) {
    switch (t.kind()) {
      case TermKind::mul:
        take(t.parts()[0], index);
        take(t.parts()[1], index);
        return;
      case TermKind::stretch:
        take(t.parts()[0], index);
        return;
      case TermKind::div:
        if (is_fraction(t)) {
          add(number(t.parts()[0].number()) + "/" + number(t.parts()[1].number()), t, index);
        } else {
          take(t.parts()[0], index);
          all.push_back(
              {"1/" + number(number_at(t.parts()[1], index)), 1 / number_at(t.parts()[1], index)});
        }
        return;
      case TermKind::number:
        if (t.number() != 1) add(number(t.number()), t, index);
        return;
      default:
        take_factor(t, index);
    }
  }

  void add(const std::string& text, const Term& t, const Ints& index, std::string remark = "") {
    all.push_back({text, number_at(t, index), std::move(remark)});
  }

  void take_factor(const Term& t, const Ints& index) {
    const Ints own = within(t, index);
    const std::string place = own.empty() ? "" : index_text(own);
    if (is_seed(t) && number_at(t, index) == 1) return;
    if (t.is(TermKind::compare)) {
      const Term& tested = t.parts()[0];
      const double holds = number_at(t, index);
      if (tested.is(TermKind::leaf) && t.name() == ">")
        add("gate", t, index, tested.name() + " = " + number(number_at(tested, index), 4));
      else if (t.name() != "!=" || holds != 1)  // that a row counts goes without saying
        add(write(t), t, index);
      return;
    }
    const bool is_sum = t.is(TermKind::add) || t.is(TermKind::sub);
    if (is_sum) {
      add("(" + write(t) + ")" + place, t, index,
          number(number_at(t.parts()[0], index), 5) + (t.is(TermKind::add) ? " + " : " - ") +
              number(number_at(t.parts()[1], index), 5));
      return;
    }
    const bool is_word = t.is(TermKind::leaf) || t.is(TermKind::map) || t.is(TermKind::softmax);
    add(is_word ? write(t) + place : "(" + write(t) + ")" + place, t, index);
  }
};

double elements_within(const Term& t) {
  auto size = static_cast<double>(t.shape().numel());
  for (const Term& p : t.parts()) size += elements_within(p);
  return size;
}

}  // namespace

std::vector<Factor> factors_at(const TapeFormula& formula, const Elements& elements,
                               const Ints& index) {
  constexpr double most = 2e7;
  const Term& t = formula.term;
  const bool is_product = t.is(TermKind::mul) || t.is(TermKind::div);
  if (!is_product || flops(t) + elements_within(t) > most) return {};
  FactorsOfTerm told{formula, elements};
  if (!told.read_leaves(t)) return {};
  told.take(t, index);
  return told.all;
}

std::vector<Factor> factors_of_element(const Elements& elements, std::string_view name,
                                       const Element& element, TapeIndex tick) {
  if (!name.ends_with(".g")) return {};
  try {
    std::vector<Factor> factors =
        factors_at(formula_on_tape(elements.tape(), name, tick), elements, element.index);
    const double value = Chain(elements).read(element);
    double product = 1;
    for (const Factor& f : factors) product *= f.value;
    const bool is_it = std::fabs(product - value) <= 1e-4 * std::fabs(value);
    return is_it ? factors : std::vector<Factor>();
  } catch (const Error&) {  // no call with a formula behind it, or elements that were not kept
    return {};
  }
}

}  // namespace gradus::see
