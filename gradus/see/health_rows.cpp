// C1: whether the rows of a batch mix; see health.h. Where slopes lead from x to f(x) they tell.
// Class numbers, given or made, have none: there another row in the place of one tells.
#include <gradus/see/health_rules.h>
#include <gradus/see/recorder.h>

#include <algorithm>
#include <cmath>

#include <gradus/ops/ops.h>
#include <gradus/ops/samples.h>

namespace gradus::see {
namespace {

using RowFunction = std::function<Tensor(const Tensor&)>;

/// A row of the result that depends on another row of the input.
struct Mixed {
  std::int64_t out, in;
  std::string measured;
  Tensor changed;  ///< the input with that row changed
};

std::string row_text(const char* name, std::int64_t row) {
  return std::string(name) + "[" + std::to_string(row) + "]";
}

/// The same random numbers each time, and no history.
Tensor calm(const RowFunction& f, const Tensor& x) {
  const NoGrad guard;
  const KeepGenerator keep;
  return f(x).detach();
}

/// The gradient of row n of the output must be zero at all other rows of x. Of two sums of the row:
/// a plain one, which may hide a dependence (rows of a softmax sum to 1), and a weighed one.
/// Without any slope `has_slopes` says so.
std::optional<Mixed> mixed_by_slopes(const Tensor& x, const Tensor& y, bool& has_slopes) {
  const std::int64_t rows = y.size(0), width = x.numel() / rows, wide_row = y.numel() / rows;
  const Tensor weights = sample({wide_row}, -1, 1, 11);
  for (std::int64_t n = 0; n < rows; ++n) {
    const Tensor flat = astype(y[n], DType::f64).reshape({wide_row});
    std::int64_t in = -1;
    double most = 0;
    for (const Tensor& one : {sum(flat), sum(flat * weights)}) {
      const Tensor g = grad(std::span(&one, 1), std::span(&x, 1), {},
                            {.keep_graph = true, .allow_unused = true})[0];
      if (!g) continue;
      has_slopes = true;
      const std::vector<double> slopes = g.to_vector<double>();
      for (std::size_t p = 0; p < slopes.size(); ++p) {
        const std::int64_t row = static_cast<std::int64_t>(p) / width;
        if (row == n || std::fabs(slopes[p]) <= most) continue;
        in = row, most = std::fabs(slopes[p]);
      }
    }
    if (in < 0) continue;
    const NoGrad guard;
    Tensor changed = x.detach().clone();
    changed[in].add_(1e-3);
    return Mixed{n, in,
                 "|d " + row_text("out", n) + "/d " + row_text("x", in) + "| = " + digits(most, 2),
                 changed};
  }
  return {};
}

/// The first row from n on, around the end, that differs from row n; n itself where none does.
std::int64_t other_row(const std::vector<double>& elements, std::int64_t rows, std::int64_t n) {
  const auto width = static_cast<std::ptrdiff_t>(elements.size()) / rows;
  const auto row = [&](std::int64_t i) { return elements.begin() + i * width; };
  for (std::int64_t i = 1; i < rows; ++i)
    if (const std::int64_t m = (n + i) % rows; !std::equal(row(n), row(n) + width, row(m)))
      return m;
  return n;
}

/// With another row in the place of row n, which is as valid an input, all other rows of the result
/// must stay as they are, to the bit.
std::optional<Mixed> mixed_by_exchange(const RowFunction& f, const Tensor& x) {
  const Tensor first = calm(f, x);
  const std::vector<double> before = first.to_vector<double>(), given = x.to_vector<double>();
  const auto differs = [](double a, double b) {
    return !(a == b || (std::isnan(a) && std::isnan(b)));
  };
  const auto first_change = [&](const std::vector<double>& after, std::int64_t but_row) {
    const auto width = static_cast<std::int64_t>(before.size()) / x.size(0);
    for (std::size_t p = 0; p < before.size(); ++p)
      if (static_cast<std::int64_t>(p) / width != but_row && differs(before[p], after[p]))
        return static_cast<std::int64_t>(p);
    return std::int64_t{-1};
  };
  if (first_change(calm(f, x).to_vector<double>(), -1) >= 0) return {};  // it draws lots of its own
  // Row 0 last: a reshape that cuts rows may leave it whole.
  for (std::int64_t i = 1; i <= x.size(0); ++i) {
    const std::int64_t n = i % x.size(0);
    const std::int64_t other = other_row(given, x.size(0), n);
    if (other == n) return {};  // all rows are equal
    Tensor changed = x.clone();
    changed[n].copy_(x[other]);
    const Tensor then = calm(f, changed);
    if (then.shape() != first.shape()) continue;
    const std::vector<double> after = then.to_vector<double>();
    const std::int64_t p = first_change(after, n);
    if (p < 0) continue;
    const auto at = static_cast<std::size_t>(p);
    return Mixed{p / (first.numel() / x.size(0)), n,
                 row_text("x", other) + " in the place of " + row_text("x", n) + " makes out" +
                     index_text(first.shape(), p) + " " + digits(after[at]) + ", not " +
                     digits(before[at]),
                 changed};
  }
  return {};
}

/// Whether all elements that differ lie at one index of one axis.
bool is_confined(const Shape& shape, const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<std::int64_t> first(static_cast<std::size_t>(shape.rank()), -1);
  std::vector<bool> one(first.size(), true);
  bool any = false;
  for (std::size_t p = 0; p < a.size(); ++p) {
    if (a[p] == b[p]) continue;
    any = true;
    auto rest = static_cast<std::int64_t>(p);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto i = static_cast<std::size_t>(axis);
      const std::int64_t here = rest % shape[axis];
      rest /= shape[axis];
      if (first[i] < 0) first[i] = here;
      if (first[i] != here) one[i] = false;
    }
  }
  return !any || std::find(one.begin(), one.end(), true) != one.end();
}

/// "; first at t1, reshape(4,6)": of the same calls with one row changed, the first whose result
/// differs in more than one row.
std::string where_rows_mix(const RowFunction& f, const Tensor& x, const Tensor& changed) {
  const auto recorded = [&](const Tensor& given) {
    const Tensor own = given.clone();
    Recorder recorder({.level = TapeLevel::full});
    (void)calm(f, own);
    recorder.finish();
    return recorder.tape();
  };
  const Tape plain = recorded(x), other = recorded(changed);
  const std::size_t events = std::min(plain.events.size(), other.events.size());
  for (std::size_t e = 0; e < events; ++e) {
    const TapeEvent &call = plain.events[e], &twin = other.events[e];
    if (call.op != twin.op || call.outputs.size() != twin.outputs.size()) break;
    for (std::size_t k = 0; k < call.outputs.size(); ++k) {
      const TapeValue& a = plain.values[static_cast<std::size_t>(call.outputs[k])];
      const TapeValue& b = other.values[static_cast<std::size_t>(twin.outputs[k])];
      if (!a.payload || !b.payload || a.payload.shape() != b.payload.shape()) continue;
      const NoGrad guard;
      if (is_confined(a.payload.shape(), astype(a.payload, DType::f64).to_vector<double>(),
                      astype(b.payload, DType::f64).to_vector<double>()))
        continue;
      std::string name = call.op, hint;
      if (call.op == "reshape") {
        name += sizes_text(a.payload.shape());
        hint = " where a transpose was meant";
      }
      const auto& tick = plain.ticks[static_cast<std::size_t>(call.tick)];
      return "; first at t" + std::to_string(tick.number) + ", " + name + hint;
    }
  }
  return "";
}

}  // namespace

std::optional<Diagnostic> check_rows(const RowFunction& f, const Tensor& x) {
  const Unobserved quiet;
  if (x.ndim() == 0 || x.size(0) < 2) return {};
  const bool is_smooth = is_floating(x.dtype());
  Tensor given = is_smooth ? astype(x.detach(), DType::f64).clone() : x.detach();
  if (is_smooth) given.set_requires_grad();
  const Tensor y = [&] {
    const KeepGenerator keep;
    return f(given);
  }();
  if (y.ndim() == 0 || y.size(0) != x.size(0)) return {};
  bool has_slopes = false;
  std::optional<Mixed> mixed;
  if (is_smooth && y.requires_grad()) mixed = mixed_by_slopes(given, y, has_slopes);
  if (!has_slopes) mixed = mixed_by_exchange(f, given.detach());
  if (!mixed) return {};
  return Diagnostic{"C1", row_text("out", mixed->out) + " depends on " + row_text("x", mixed->in) +
                              " (" + mixed->measured + "): rows of the batch mix" +
                              where_rows_mix(f, given.detach(), mixed->changed) + "."};
}

}  // namespace gradus::see
