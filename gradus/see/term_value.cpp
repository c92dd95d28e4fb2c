// Terms as numbers. The one idea: everything is a loop over the indices of the result, slow and
// plain to see, with nothing of gradus/kernels or gradus/ops in it.
// Next: term_print.cpp.
#include <gradus/see/term_node.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gradus/core/dtype.h>
#include <gradus/core/error.h>
#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/parse.h>

namespace gradus::see {
namespace {

std::size_t offset_of(const Shape& shape, const Ints& index) {
  std::int64_t at = 0;
  for (int k = 0; k < shape.rank(); ++k) at = at * shape[k] + index[static_cast<std::size_t>(k)];
  return static_cast<std::size_t>(at);
}

/// Calls f(index, position) for all elements in row-major order.
template <class F>
void for_each_place(const Shape& shape, F&& f) {
  Ints index(shape.size(), 0);
  const std::int64_t count = shape.numel();
  for (std::int64_t n = 0; n < count; ++n) {
    f(index, static_cast<std::size_t>(n));
    for (std::size_t k = index.size(); k-- > 0;) {
      if (++index[k] < shape[static_cast<int>(k)]) break;
      index[k] = 0;
    }
  }
}

/// The element of `x` that broadcasting puts at `index`.
double element_at(const TermValue& x, const Ints& index) {
  Ints own(index.end() - static_cast<std::ptrdiff_t>(x.shape.size()), index.end());
  for (std::size_t k = 0; k < own.size(); ++k)
    if (x.shape[static_cast<int>(k)] == 1) own[k] = 0;
  return x.elements[offset_of(x.shape, own)];
}

double compared(const std::string& sign, double a, double b) {
  const bool holds = sign == ">"    ? a > b
                     : sign == ">=" ? a >= b
                     : sign == "<"  ? a < b
                     : sign == "<=" ? a <= b
                     : sign == "==" ? a == b
                                    : a != b;
  return holds ? 1 : 0;
}

struct TermEvaluation {
  const TermValues& leaves;

  TermValue of(const Term& t) const {
    if (t.is(TermKind::leaf)) return leaf_value(t);
    std::vector<TermValue> x;
    for (const Term& p : t.parts()) x.push_back(of(p));
    TermValue y{t.shape(), std::vector<double>(static_cast<std::size_t>(t.shape().numel()), 0)};
    switch (t.kind()) {
      case TermKind::einsum:
        contract(t, x, y);
        break;
      case TermKind::map:
        apply_formula(t, x, y);
        break;
      case TermKind::sum:
      case TermKind::unbroadcast:
        add_up(t, x[0], y);
        break;
      case TermKind::scatter:
        for_each_place(x[0].shape, [&](Ints index, std::size_t n) {
          move(index, t, x[1].elements[n]);
          y.elements[offset_of(y.shape, index)] += x[0].elements[n];
        });
        break;
      case TermKind::unpart:
        for_each_place(x[0].shape, [&](Ints index, std::size_t n) {
          std::int64_t& at = index[axis_of(t)];
          at = t.ints()[1] + at * t.ints()[2];
          y.elements[offset_of(y.shape, index)] = x[0].elements[n];
        });
        break;
      case TermKind::argsort:
        sort_rows(t, x[0], y);
        break;
      default:
        for_each_place(y.shape,
                       [&](const Ints& index, std::size_t n) { y.elements[n] = at(t, x, index); });
    }
    return y;
  }

 private:
  static std::size_t axis_of(const Term& t) { return static_cast<std::size_t>(t.ints()[0]); }

  TermValue leaf_value(const Term& t) const {
    const auto found = leaves.find(t.name());
    if (found == leaves.end())
      throw NameError("no value for '" + t.name() + "'", "give one for each leaf");
    if (!(found->second.shape == t.shape()))
      throw ShapeError("'" + t.name() + "' is " + found->second.shape.str() + " here, but " +
                           t.shape().str() + " in the formula",
                       "make the formula for these shapes");
    return found->second;
  }

  /// Place along the term's axis, a negative one counted from the end.
  static void move(Ints& index, const Term& t, double chosen) {
    const std::size_t axis = axis_of(t);
    const std::int64_t n = (t.is(TermKind::gather) ? t.parts()[0] : t).shape()[int(axis)];
    const auto i = static_cast<std::int64_t>(chosen);
    index[axis] = i < 0 ? i + n : i;
  }

  double at(const Term& t, const std::vector<TermValue>& x, const Ints& index) const {
    const auto value = [&](std::size_t k) { return element_at(x[k], index); };
    switch (t.kind()) {
      case TermKind::number:
        return t.number();
      case TermKind::add:
        return value(0) + value(1);
      case TermKind::sub:
        return value(0) - value(1);
      case TermKind::mul:
        return value(0) * value(1);
      case TermKind::div:
        return value(0) / value(1);
      case TermKind::compare:
        return compared(t.name(), value(0), value(1));
      case TermKind::select:
        return value(0) != 0 ? value(1) : value(2);
      case TermKind::stretch:
        return value(0);
      case TermKind::reshape:
        return x[0].elements[offset_of(t.shape(), index)];
      case TermKind::position:
        return static_cast<double>(index[axis_of(t)]);
      case TermKind::softmax:
      case TermKind::others:
      case TermKind::cumsum:
        return along(t, x[0], index);
      default:
        break;
    }
    Ints from = index;
    if (t.is(TermKind::permute)) {
      for (std::size_t k = 0; k < index.size(); ++k)
        from[static_cast<std::size_t>(t.ints()[k])] = index[k];
    } else if (t.is(TermKind::part)) {
      from[axis_of(t)] = t.ints()[1] + index[axis_of(t)] * t.ints()[2];
    } else if (t.is(TermKind::flip)) {
      for (const std::int64_t k : t.ints())
        from[static_cast<std::size_t>(k)] =
            t.shape()[static_cast<int>(k)] - 1 - index[static_cast<std::size_t>(k)];
    } else if (t.is(TermKind::roll)) {
      const auto k = static_cast<std::size_t>(t.ints()[1]);
      const std::int64_t n = t.shape()[static_cast<int>(k)];
      from[k] = ((index[k] - t.ints()[0]) % n + n) % n;
    } else {  // gather
      move(from, t, x[1].elements[offset_of(t.shape(), index)]);
    }
    return x[0].elements[offset_of(x[0].shape, from)];
  }

  static double along(const Term& t, const TermValue& x, const Ints& index) {
    const double own = x.elements[offset_of(x.shape, index)];
    double total = t.is(TermKind::others) ? 1 : 0;
    if (!t.is(TermKind::others)) {
      const std::size_t axis = axis_of(t);
      Ints other = index;
      for (other[axis] = 0; other[axis] < x.shape[int(axis)]; ++other[axis]) {
        const double v = x.elements[offset_of(x.shape, other)];
        if (t.is(TermKind::softmax))
          total += std::exp(v - own);
        else if (t.ints()[1] != 0 ? other[axis] >= index[axis] : other[axis] <= index[axis])
          total += v;
      }
      return t.is(TermKind::softmax) ? 1 / total : total;
    }
    for_each_place(x.shape, [&](const Ints& other, std::size_t n) {
      const double v = x.elements[n];
      bool same_row = other != index;
      for (std::size_t k = 0; k < index.size(); ++k)
        same_row = same_row && (other[k] == index[k] ||
                                std::find(t.ints().begin(), t.ints().end(),
                                          static_cast<std::int64_t>(k)) != t.ints().end());
      if (same_row) total *= v;
    });
    return total;
  }

  static void add_up(const Term& t, const TermValue& x, TermValue& y) {
    for_each_place(x.shape, [&](const Ints& index, std::size_t n) {
      Ints to;
      if (t.is(TermKind::sum)) {
        const bool kept = y.shape.rank() == x.shape.rank();
        for (std::size_t k = 0; k < index.size(); ++k) {
          const bool summed = std::find(t.ints().begin(), t.ints().end(),
                                        static_cast<std::int64_t>(k)) != t.ints().end();
          if (!summed) to.push_back(index[k]);
          if (summed && kept) to.push_back(0);
        }
      } else {
        to.assign(index.end() - static_cast<std::ptrdiff_t>(y.shape.size()), index.end());
        for (std::size_t k = 0; k < to.size(); ++k)
          if (y.shape[static_cast<int>(k)] == 1) to[k] = 0;
      }
      y.elements[offset_of(y.shape, to)] += x.elements[n];
    });
  }

  static void contract(const Term& t, const std::vector<TermValue>& x, TermValue& y) {
    const Equation e(t.name(), t.parts());
    std::string letters;
    Shape sizes;
    for (const auto& [letter, size] : e.sizes) {
      letters += letter;
      sizes.push_back(size);
    }
    const auto own = [&](const std::string& term, const Shape& shape, const Ints& index) {
      Ints result;
      for (std::size_t k = 0; k < term.size(); ++k)
        result.push_back(shape[static_cast<int>(k)] == 1 ? 0 : index[letters.find(term[k])]);
      return offset_of(shape, result);
    };
    for_each_place(sizes, [&](const Ints& index, std::size_t) {
      double product = 1;
      for (std::size_t p = 0; p < x.size(); ++p)
        product *= x[p].elements[own(e.inputs[p], x[p].shape, index)];
      y.elements[own(e.output, y.shape, index)] += product;
    });
  }

  static void apply_formula(const Term& t, const std::vector<TermValue>& x, TermValue& y) {
    const symbolic::Expression formula = symbolic::parse(t.name());
    for_each_place(y.shape, [&](Ints index, std::size_t n) {
      symbolic::Values values;
      for (std::size_t k = 0; k < x.size(); ++k)
        values[std::string(1, "xyz"[k])] = element_at(x[k], index);
      y.elements[n] = symbolic::evaluate(formula, values);
    });
  }

  static void sort_rows(const Term& t, const TermValue& x, TermValue& y) {
    const std::size_t axis = axis_of(t);
    for_each_place(x.shape, [&](const Ints& index, std::size_t) {
      if (index[axis] != 0) return;
      std::vector<std::pair<double, std::int64_t>> row;
      Ints here = index;
      for (std::int64_t i = 0; i < x.shape[static_cast<int>(axis)]; ++i) {
        here[axis] = i;
        const double v = x.elements[offset_of(x.shape, here)];
        row.emplace_back(t.ints()[1] != 0 ? -v : v, i);  // pairs: equal ones keep their order
      }
      std::sort(row.begin(), row.end());
      for (std::size_t i = 0; i < row.size(); ++i) {
        here[axis] = static_cast<std::int64_t>(i);
        y.elements[offset_of(y.shape, here)] = static_cast<double>(row[i].second);
      }
    });
  }
};

}  // namespace

TermValue Term::evaluate(const TermValues& leaves) const {
  return TermEvaluation{leaves}.of(*this);
}

TermValue term_value(const Tensor& x) { return {x.shape(), x.to_vector<double>()}; }

double flops(const Term& t) {
  double total = 0;
  for (const Term& p : t.parts()) total += flops(p);
  const auto size = static_cast<double>(t.shape().numel());
  switch (t.kind()) {
    case TermKind::einsum: {
      double products = static_cast<double>(t.parts().size());
      for (const auto& [letter, n] : Equation(t.name(), t.parts()).sizes)
        products *= static_cast<double>(n);
      return total + products;
    }
    case TermKind::add:
    case TermKind::sub:
    case TermKind::mul:
    case TermKind::div:
    case TermKind::map:
    case TermKind::compare:
      return total + size;
    case TermKind::sum:
    case TermKind::unbroadcast:
    case TermKind::cumsum:
    case TermKind::scatter:
      return total + static_cast<double>(t.parts()[0].shape().numel());
    case TermKind::softmax:
      return total + 4 * size;
    case TermKind::others:
      return total + 2 * size;
    default:
      return total;
  }
}

}  // namespace gradus::see
