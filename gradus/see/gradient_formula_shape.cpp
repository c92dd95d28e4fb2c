// Gradients of what moves elements: every way there has its way back.
// Next: gradient_formula_product.cpp.
#include <algorithm>

#include <gradus/see/gradient_call.h>

namespace gradus::see {
namespace {

Terms same_elements(GradientCallRef c) { return {reshaped(c.g[0], c.shape())}; }

/// Python's rule for where a slice with this step starts.
std::int64_t first_of(GradientCallRef c, std::int64_t n) {
  const std::int64_t step = c.get<std::int64_t>("step");
  if (!c.is_set("start")) return step > 0 ? 0 : n - 1;
  std::int64_t start = c.get<std::int64_t>("start");
  if (start < 0) start += n;
  return std::clamp<std::int64_t>(start, step > 0 ? 0 : -1, step > 0 ? n : n - 1);
}

Terms roll(GradientCallRef c) {
  const Ints shift = c.get<Ints>("shift"), axis = c.get<Ints>("axis");
  if (axis.empty())
    return {
        reshaped(rolled(reshaped(c.g[0], Shape{c.shape().numel()}), -shift.at(0), 0), c.shape())};
  Term g = c.g[0];
  for (std::size_t k = 0; k < axis.size(); ++k)
    g = rolled(g, -shift[k], normalize_axis(axis[k], c.rank()));
  return {g};
}

Terms repeat(GradientCallRef c) {
  const std::int64_t times = c.get<std::int64_t>("repeats");
  Shape wide = c.is_set("axis") ? c.shape() : Shape{c.shape().numel()};
  const int axis = c.is_set("axis") ? c.axis() : 0;
  wide.insert(axis + 1, times);
  return {reshaped(sum_over(reshaped(c.g[0], wide), {axis + 1}), c.shape())};
}

Terms tile(GradientCallRef c) {
  Ints times = c.get<Ints>("repetitions"), sizes = c.shape().to_vector(), wide, copies;
  while (sizes.size() < times.size()) sizes.insert(sizes.begin(), 1);
  while (times.size() < sizes.size()) times.insert(times.begin(), 1);
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    copies.push_back(static_cast<std::int64_t>(wide.size()));
    wide.push_back(times[k]);
    wide.push_back(sizes[k]);
  }
  return {reshaped(sum_over(reshaped(c.g[0], wide), copies), c.shape())};
}

Terms concat(GradientCallRef c) {
  Terms list;
  std::int64_t start = 0;
  for (const Term& x : c.x) {
    const std::int64_t n = x.shape()[c.axis()];
    list.push_back(part(c.g[0], c.axis(), start, 1, n));
    start += n;
  }
  return list;
}
Terms stack(GradientCallRef c) {
  const int axis = normalize_axis(c.get<std::int64_t>("axis"), c.rank() + 1);
  Terms list;
  for (std::size_t i = 0; i < c.x.size(); ++i)
    list.push_back(reshaped(part(c.g[0], axis, static_cast<std::int64_t>(i), 1, 1), c.shape(i)));
  return list;
}
/// The parts' gradients put where the parts were.
Terms split(GradientCallRef c) {
  Term total;
  std::int64_t start = 0;
  for (const Term& g : c.g) {
    const Term placed = unpart(g, c.shape(), c.axis(), start, 1);
    total = total ? total + placed : placed;
    start += g.shape()[c.axis()];
  }
  return {total};
}

Term shifted(const Term& i, double k) { return k == 0 ? i : k > 0 ? i + Term(k) : i - Term(-k); }

Terms triangle(GradientCallRef c, const char* sign) {
  const int n = c.rank();
  const Term i = position(n - 2, c.shape()), j = position(n - 1, c.shape());
  const auto k = static_cast<double>(c.get<std::int64_t>("k"));
  return {c.g[0] * compare(j, sign, shifted(i, k))};
}

Terms take(GradientCallRef c) {
  const std::int64_t count = c.shape(1).numel();
  Shape flat = c.shape(), column;
  flat[c.axis()] = count;
  for (int k = 0; k < c.rank(); ++k) column.push_back(k == c.axis() ? count : 1);
  return {scattered(reshaped(c.g[0], flat), stretch(reshaped(c.x[1], column), flat), c.axis(),
                    c.shape()),
          {}};
}
Terms gather(GradientCallRef c) {
  if (c.rank() == 0) return {c.g[0], {}};
  return {scattered(c.g[0], c.x[1], c.axis(), c.shape()), {}};
}

/// 1 where no later element of `at` is equal: of several values for one place the last one stays.
Term is_last(const Term& at) {
  const std::int64_t n = at.shape().numel();
  const Shape square{n, n};
  const Term row = reshaped(at, {n, 1}), column = reshaped(at, {1, n});
  const Term later =
      compare(column, "==", row) * compare(position(1, square), ">", position(0, square));
  return reshaped(compare(sum_over(later, {1}), "==", 0), at.shape());
}

Terms index_put(GradientCallRef c) {
  const Shape flat{c.shape().numel()};
  const Term& at = c.x[1];
  const Term there = gathered(reshaped(c.g[0], flat), at, 0);
  if (c.get<bool>("accumulate")) return {c.g[0], {}, unbroadcast(there, c.shape(2))};
  const Term written = reshaped(scattered(stretch(Term(1), at.shape()), at, 0, flat), c.shape());
  return {select(written, 0, c.g[0]), {}, unbroadcast(there * is_last(at), c.shape(2))};
}

/// g on the diagonal j = i + k of two axes, zeros around it.
Term on_diagonal(const Term& g, const Shape& shape, int axis0, int axis1, std::int64_t k) {
  // g has its diagonal last: bring it to axis0, of full length, and stretch along axis1.
  Ints order;
  for (int axis = 0, next = 0; axis < shape.rank(); ++axis) {
    if (axis == axis1) continue;
    order.push_back(axis == axis0 ? shape.rank() - 2 : next++);
  }
  Term t = permuted(g, order);
  const int row = axis0 < axis1 ? axis0 : axis0 - 1;
  Shape rows = t.shape();
  rows[row] = shape[axis0];
  if (!(rows == t.shape())) t = unpart(t, rows, row, std::max<std::int64_t>(-k, 0), 1);
  rows.insert(axis1, 1);
  const Term i = position(axis0, shape), j = position(axis1, shape);
  return stretch(reshaped(t, rows), shape) * compare(j, "==", shifted(i, static_cast<double>(k)));
}
Terms diagonal(GradientCallRef c) {
  return {on_diagonal(c.g[0], c.shape(), normalize_axis(c.get<std::int64_t>("axis0"), c.rank()),
                      normalize_axis(c.get<std::int64_t>("axis1"), c.rank()),
                      c.get<std::int64_t>("k"))};
}
Terms trace(GradientCallRef c) {
  Shape wide = c.g[0].shape();
  wide.push_back(1);
  wide.push_back(1);
  const Term i = position(c.rank() - 2, c.shape()), j = position(c.rank() - 1, c.shape());
  const auto k = static_cast<double>(c.get<std::int64_t>("k"));
  return {reshaped(c.g[0], wide) * compare(j, "==", shifted(i, k))};
}

}  // namespace

const GradientTable& movement_gradients() {
  static const GradientTable table{
      {"reshape", same_elements},
      {"expand_dims", same_elements},
      {"squeeze", same_elements},
      {"flatten", same_elements},
      {"permute_dims",
       [](GradientCallRef c) -> Terms {
         const Ints axes = c.get<Ints>("axes");
         Ints back(axes.size());
         for (std::size_t k = 0; k < axes.size(); ++k)
           back[static_cast<std::size_t>(normalize_axis(axes[k], c.rank()))] =
               static_cast<std::int64_t>(k);
         return {permuted(c.g[0], back)};
       }},
      {"transpose",
       [](GradientCallRef c) -> Terms {
         Ints order;
         for (int k = 0; k < c.rank(); ++k) order.push_back(k);
         std::swap(order[static_cast<std::size_t>(
                       normalize_axis(c.get<std::int64_t>("axis0"), c.rank()))],
                   order[static_cast<std::size_t>(
                       normalize_axis(c.get<std::int64_t>("axis1"), c.rank()))]);
         return {permuted(c.g[0], order)};
       }},
      {"broadcast_to", [](GradientCallRef c) -> Terms { return {unbroadcast(c.g[0], c.shape())}; }},
      {"sum_to", [](GradientCallRef c) -> Terms { return {stretch(c.g[0], c.shape())}; }},
      {"flip", [](GradientCallRef c) -> Terms { return {flipped(c.g[0], c.axes())}; }},
      {"slice",
       [](GradientCallRef c) -> Terms {
         return {unpart(c.g[0], c.shape(), c.axis(), first_of(c, c.shape()[c.axis()]),
                        c.get<std::int64_t>("step"))};
       }},
      {"unslice",
       [](GradientCallRef c) -> Terms {
         return {part(c.g[0], c.axis(), first_of(c, c.g[0].shape()[c.axis()]),
                      c.get<std::int64_t>("step"), c.shape()[c.axis()])};
       }},
      {"roll", roll},
      {"repeat", repeat},
      {"tile", tile},
      {"concat", concat},
      {"stack", stack},
      {"split", split},
      {"chunk", split},
      {"tril", [](GradientCallRef c) { return triangle(c, "<="); }},
      {"triu", [](GradientCallRef c) { return triangle(c, ">="); }},
      {"take", take},
      {"gather", gather},
      {"scatter_add",
       [](GradientCallRef c) -> Terms {
         return {c.g[0], {}, gathered(c.g[0], c.x[1], c.axis())};
       }},
      {"index_put", index_put},
      {"sort",
       [](GradientCallRef c) -> Terms {
         return {scattered(c.g[0], sorting(c.x[0], c.axis(), c.get<bool>("descending")), c.axis(),
                           c.shape())};
       }},
      {"topk",
       [](GradientCallRef c) -> Terms { return {scattered(c.g[0], c.y[1], c.axis(), c.shape())}; }},
      {"cumsum",
       [](GradientCallRef c) -> Terms {
         return {running_sum(c.g[0], c.axis(), !c.get<bool>("reverse"))};
       }},
      {"diagonal", diagonal},
      {"trace", trace},
  };
  return table;
}

}  // namespace gradus::see
