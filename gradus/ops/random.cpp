// Random tensors as operations: they draw from a generator when they run, so a traced program draws
// anew. The streams are in core/generator.h.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

/// Where draws come from: a fresh generator when a seed is set, the one given, or the default.
struct Source {
  std::optional<std::int64_t> seed;
  Generator* generator = nullptr;
  static constexpr bool draws = true;

  template <class F>
  void draw(F&& f) const {
    if (seed) {
      Generator fresh(static_cast<std::uint64_t>(*seed));
      f(fresh);
    } else {
      f(generator ? *generator : default_generator());
    }
  }
};

constexpr std::string_view seed_doc = "seed of a fresh generator; the default generator when none";

}  // namespace

template <class D>
struct RandomFill : Source {
  Ints shape;
  DType dtype = DType::f32;
  Spec infer() const {
    const Shape sizes(shape);
    sizes.numel();
    dispatch_floating(dtype, []<class T>() {});
    return {sizes, dtype};
  }
  void forward(Out y) const {
    draw([&](Generator& source) {
      dispatch_floating(dtype, [&]<class T>() { D::fill(source, y.as<T>(), y.shape().numel()); });
    });
  }
  static Samples samples() {
    D d;
    d.seed = 1;
    d.shape = {3, 4};
    return {{d, {}}};
  }
};

struct Rand : RandomFill<Rand> {
  static constexpr Card card{.name = "rand",
                             .also = "torch.rand, numpy.random.random",
                             .onnx = "RandomUniform",
                             .formula = R"(y_i \sim U[0, 1))",
                             .doc = "Uniform numbers in [0, 1), PyTorch's stream.",
                             .shapes = "-> `shape`"};
  static constexpr auto attrs =
      std::tuple{attr("shape", &Rand::shape, "sizes"), attr("dtype", &Rand::dtype, "f32 or f64"),
                 attr("seed", &Rand::seed, seed_doc)};
  template <class T>
  static void fill(Generator& g, T* y, std::int64_t n) {
    g.fill_uniform(y, n);
  }
};
struct Randn : RandomFill<Randn> {
  static constexpr Card card{.name = "randn",
                             .also = "torch.randn, numpy.random.standard_normal",
                             .onnx = "RandomNormal",
                             .formula = R"(y_i \sim N(0, 1))",
                             .doc = "Normal numbers, mean 0 and variance 1, PyTorch's stream.",
                             .shapes = "-> `shape`"};
  static constexpr auto attrs =
      std::tuple{attr("shape", &Randn::shape, "sizes"), attr("dtype", &Randn::dtype, "f32 or f64"),
                 attr("seed", &Randn::seed, seed_doc)};
  template <class T>
  static void fill(Generator& g, T* y, std::int64_t n) {
    g.fill_normal(y, n);
  }
};

struct Randint : Source {
  std::int64_t low = 0, high = 1;
  Ints shape;
  static constexpr Card card{.name = "randint",
                             .also = "torch.randint, numpy.random.integers",
                             .onnx = "",
                             .formula = R"(y_i \sim U\{a, \ldots, b - 1\})",
                             .doc = "Integers from `low` to `high` - 1, PyTorch's stream.",
                             .shapes = "-> i64 `shape`"};
  static constexpr auto attrs = std::tuple{
      attr("low", &Randint::low, "smallest"), attr("high", &Randint::high, "one above the largest"),
      attr("shape", &Randint::shape, "sizes"), attr("seed", &Randint::seed, seed_doc)};
  Spec infer() const {
    if (low >= high)
      throw ValueError("low " + std::to_string(low) + " is not below high " + std::to_string(high),
                       "the range low..high-1 must not be empty");
    const Shape sizes(shape);
    sizes.numel();
    return {sizes, DType::i64};
  }
  void forward(Out y) const {
    draw(
        [&](Generator& g) { g.fill_integers(y.as<std::int64_t>(), y.shape().numel(), low, high); });
  }
  static Samples samples() {
    Randint d;
    d.seed = 1;
    d.high = 10;
    d.shape = {5};
    return {{d, {}}};
  }
};

struct Randperm : Source {
  std::int64_t n = 0;
  static constexpr Card card{.name = "randperm",
                             .also = "torch.randperm, numpy.random.permutation",
                             .onnx = "",
                             .formula = R"(y \in S_n)",
                             .doc = "A random order of 0..`n`-1, PyTorch's stream.",
                             .shapes = "-> i64 [n]"};
  static constexpr auto attrs =
      std::tuple{attr("n", &Randperm::n, "how many"), attr("seed", &Randperm::seed, seed_doc)};
  Spec infer() const {
    if (n < 0) throw ValueError("n is " + std::to_string(n), "it counts: 0 or more");
    return {{n}, DType::i64};
  }
  void forward(Out y) const {
    draw([&](Generator& g) {
      const std::vector<std::int64_t> order = g.permutation(n);
      std::copy(order.begin(), order.end(), y.as<std::int64_t>());
    });
  }
  static Samples samples() {
    Randperm d;
    d.seed = 1;
    d.n = 7;
    return {{d, {}}};
  }
};

struct Multinomial : Source {
  std::int64_t num_samples = 1;
  bool replacement = false;
  static constexpr Card card{
      .name = "multinomial",
      .also = "torch.multinomial, numpy.random.choice",
      .onnx = "Multinomial",
      .formula = R"(P(y = i) = w_i / \sum_j w_j)",
      .doc =
          "Indices drawn with the weights of a row, `num_samples` for each row, PyTorch's stream. "
          "With replacement, the running sum is searched for each draw of U[0,1); without, and for "
          "one sample, the largest w/q for exponential q win.",
      .shapes = "weights [n] or [r, n] -> i64 [num_samples] or [r, num_samples]"};
  static constexpr auto attrs =
      std::tuple{attr("num_samples", &Multinomial::num_samples, "how many"),
                 attr("replacement", &Multinomial::replacement, "may one come twice"),
                 attr("seed", &Multinomial::seed, seed_doc)};
  static constexpr Keep keep{.inputs = 0};
  Spec infer(const Spec& w) const {
    if (w.rank() != 1 && w.rank() != 2)
      throw ShapeError("weights " + w.str(), "give one row [n], or rows [r, n]");
    if (num_samples < 1)
      throw ValueError("num_samples is " + std::to_string(num_samples), "draw 1 or more");
    if (!replacement && num_samples > w.shape.back())
      throw ValueError(std::to_string(num_samples) + " samples of " +
                           std::to_string(w.shape.back()) + " without replacement",
                       "draw fewer, or with replacement=true");
    Shape shape = w.shape;
    shape[shape.rank() - 1] = num_samples;
    return {shape, DType::i64};
  }
  void forward(In w, Out y) const {
    if (w.dtype == DType::f64)
      draw_rows<double>(w, y);
    else
      draw_rows<float>(w, y);
  }
  static Samples samples() {
    Multinomial d;
    d.seed = 1;
    d.num_samples = 3;
    return {{d, {sample({5}, 0.1, 1)}}};
  }

 private:
  /// T: in which the weights are summed or divided, so that ties and roundings are PyTorch's.
  template <class T>
  void draw_rows(In w, Out y) const {
    const bool many = w.shape().rank() == 2;
    const std::int64_t n = w.shape().back(), rows = many ? w.shape()[0] : 1;
    std::vector<std::vector<T>> weights(static_cast<std::size_t>(rows));
    for (std::int64_t r = 0; r < rows; ++r) {
      std::vector<T>& row = weights[static_cast<std::size_t>(r)];
      row.reserve(static_cast<std::size_t>(n));
      dispatch(w.dtype, [&]<class S>() {
        const S* first = w.as<S>() + (many ? r * w.strides()[0] : 0);
        for (std::int64_t i = 0; i < n; ++i)
          row.push_back(static_cast<T>(first[i * w.strides().back()]));
      });
      check(row, r);
    }
    draw([&](Generator& g) {
      std::int64_t* out = y.as<std::int64_t>();
      for (const std::vector<T>& row : weights) {
        if (replacement && num_samples > 1)
          search_running_sum(row, g, out);
        else
          race(row, g, out);
        out += num_samples;
      }
    });
  }

  template <class T>
  void check(const std::vector<T>& row, std::int64_t number) const {
    std::int64_t positive = 0;
    for (const T w : row) {
      if (!(w >= 0) || std::isinf(w))
        throw ValueError(
            "row " + std::to_string(number) + " has the weight " + to_text(static_cast<double>(w)),
            "weights are finite and not negative");
      positive += w > 0;
    }
    const std::int64_t wanted = replacement ? 1 : num_samples;
    if (positive < wanted)
      throw ValueError("row " + std::to_string(number) + " has " + std::to_string(positive) +
                           " weights above zero for " + std::to_string(wanted) +
                           (wanted == 1 ? " sample" : " different samples"),
                       "draw fewer samples, or give more weights");
  }

  /// The first place whose share of the sum, up to and with its own weight, reaches u.
  template <class T>
  void search_running_sum(const std::vector<T>& row, Generator& g, std::int64_t* out) const {
    std::vector<T> reached;
    reached.reserve(row.size());
    T total = 0;
    for (const T w : row) reached.push_back(total += w);
    for (T& part : reached) part /= total;
    const auto first = std::find_if(row.begin(), row.end(), [](T w) { return w > 0; });
    for (std::int64_t s = 0; s < num_samples; ++s) {
      const double u = g.uniform_f64();
      const auto found =
          std::lower_bound(reached.begin() + (first - row.begin()), reached.end(), u,
                           [](T part, double draw) { return static_cast<double>(part) < draw; });
      out[s] = found - reached.begin();
    }
  }

  /// Each runner arrives after a time q/w, q exponential; the first `num_samples` win. That is
  /// drawing one after the other without replacement. (Efraimidis, Spirakis 2006)
  template <class T>
  void race(const std::vector<T>& row, Generator& g, std::int64_t* out) const {
    std::vector<T> speed;
    speed.reserve(row.size());
    for (const T w : row) {
      const T q = static_cast<T>(-std::log1p(-g.uniform_f64()));
      speed.push_back(w > 0 ? w / q : T(0));
    }
    std::vector<std::int64_t> order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + num_samples, order.end(),
                      [&](std::int64_t a, std::int64_t b) {
                        const T va = speed[static_cast<std::size_t>(a)],
                                vb = speed[static_cast<std::size_t>(b)];
                        return va > vb || (va == vb && a < b);
                      });
    std::copy_n(order.begin(), num_samples, out);
  }
};

/// The factors of dropout: 0 or 1/(1-p), from Philox with a key drawn when it runs.
struct DropoutMask : Source {
  Ints shape;
  double p = 0.5;
  DType dtype = DType::f32;
  static constexpr Card card{
      .name = "dropout_mask",
      .also = "",
      .onnx = "",
      .formula = R"(y_i = [u_i \ge p] / (1 - p))",
      .doc = "Zero with probability `p`, else 1/(1-`p`): what dropout multiplies by.",
      .shapes = "-> `shape`"};
  static constexpr auto attrs = std::tuple{
      attr("shape", &DropoutMask::shape, "sizes"), attr("p", &DropoutMask::p, "probability of 0"),
      attr("dtype", &DropoutMask::dtype, "f32 or f64"), attr("seed", &DropoutMask::seed, seed_doc)};
  Spec infer() const {
    if (!(p >= 0 && p <= 1)) throw ValueError("p is " + to_text(p), "a probability lies in 0..1");
    return {Shape(shape), dtype};
  }
  void forward(Out y) const {
    draw([&](Generator& g) {
      const std::uint64_t key = g.random64();
      dispatch_floating(dtype, [&]<class T>() {
        const T kept = static_cast<T>(1 / (1 - p));
        for (std::int64_t i = 0; i < y.shape().numel(); ++i)
          y.as<T>()[i] =
              static_cast<double>(philox_uniform(key, static_cast<std::uint64_t>(i))) >= p ? kept
                                                                                           : T(0);
      });
    });
  }
  static Samples samples() {
    DropoutMask d;
    d.seed = 1;
    d.shape = {3, 4};
    return {{d, {}}};
  }
};

struct Dropout {
  double p = 0.5;
  bool training = true;
  std::optional<std::int64_t> seed;
  static constexpr Card card{.name = "dropout",
                             .also = "torch.nn.functional.dropout",
                             .onnx = "Dropout",
                             .formula = R"(y_i = x_i [u_i \ge p] / (1 - p))",
                             .doc =
                                 "Zeroes each element with probability `p` and scales the others "
                                 "by 1/(1-`p`); x itself when not `training`.",
                             .shapes = "x -> x"};
  static constexpr auto attrs = std::tuple{attr("p", &Dropout::p, "probability of 0"),
                                           attr("training", &Dropout::training, "off: x itself"),
                                           attr("seed", &Dropout::seed, seed_doc)};
  Tensor compose(const Tensor& x) const {
    if (!(p >= 0 && p <= 1)) throw ValueError("p is " + to_text(p), "a probability lies in 0..1");
    if (!training || p == 0) return x;
    if (p == 1) return x * 0.0;
    DropoutMask mask;
    mask.shape = x.shape().to_vector();
    mask.p = p;
    mask.dtype = to_floating(x.dtype());
    mask.seed = seed;
    return x * apply(mask, {});
  }
  static Samples samples() {
    return {{Dropout{0.3, true, 1}, {sample({3, 4})}}, {Dropout{0.3, false, {}}, {sample({3})}}};
  }
};

}  // namespace op

namespace {
template <class D>
Tensor fill(const Ints& shape, DType dtype, Generator* generator, Place at) {
  D definition;
  definition.shape = shape;
  definition.dtype = dtype;
  definition.generator = generator;
  return apply(definition, {}, at);
}
}  // namespace

Tensor rand(const Ints& shape, DType dtype, Generator* generator, Place at) {
  return fill<op::Rand>(shape, dtype, generator, at);
}
Tensor randn(const Ints& shape, DType dtype, Generator* generator, Place at) {
  return fill<op::Randn>(shape, dtype, generator, at);
}
Tensor randint(std::int64_t low, std::int64_t high, const Ints& shape, Generator* generator,
               Place at) {
  op::Randint definition;
  definition.low = low;
  definition.high = high;
  definition.shape = shape;
  definition.generator = generator;
  return apply(definition, {}, at);
}
Tensor randperm(std::int64_t n, Generator* generator, Place at) {
  op::Randperm definition;
  definition.n = n;
  definition.generator = generator;
  return apply(definition, {}, at);
}
Tensor multinomial(const Tensor& weights, std::int64_t num_samples, bool replacement,
                   Generator* generator, Place at) {
  op::Multinomial definition;
  definition.num_samples = num_samples;
  definition.replacement = replacement;
  definition.generator = generator;
  return apply(definition, {weights}, at);
}
Tensor dropout(const Tensor& x, double p, bool training, Place at) {
  return apply(op::Dropout{p, training, {}}, {x}, at);
}

std::vector<Op> random_ops() {
  using namespace op;
  return {Rand{}, Randn{}, Randint{}, Randperm{}, Multinomial{}, DropoutMask{}, Dropout{}};
}

}  // namespace gradus
