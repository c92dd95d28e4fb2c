// Losses: composites over log_softmax and gather, with checks that name what is wrong with targets.
// Formulas and reductions are PyTorch's. Next: random.cpp.
#include <cmath>

#include <gradus/core/diagnostic.h>
#include <gradus/ops/elementwise.h>
#include <gradus/ops/registry.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace op {
namespace {

Tensor reduce_loss(const Tensor& loss, const std::string& reduction) {
  if (reduction == "mean") return mean(loss);
  if (reduction == "sum") return sum(loss);
  if (reduction == "none") return loss;
  throw ValueError("reduction is '" + reduction + "'", "it is mean, sum or none");
}

std::string short_number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

/// What (n,1) against (n,) does to a loss: every x against every t. From moments, since the loss is
/// at most quadratic: no n x n table is made.
std::string broadcast_effect(const Tensor& input, const Tensor& target, bool logistic,
                             const std::string& reduction) {
  NoGrad guard;
  const std::vector<double> x = astype(input.detach(), DType::f64).to_vector<double>(),
                            t = astype(target.detach(), DType::f64).to_vector<double>();
  const auto n = static_cast<double>(x.size());
  const auto mean_of = [&](auto&& term) {
    double total = 0;
    for (std::size_t i = 0; i < x.size(); ++i) total += term(x[i], t[i]);
    return total / n;
  };
  const auto square_of = [](double v) { return v * v; };
  const auto slope_at = [&](double v) { return logistic ? 1 / (1 + std::exp(-v)) : v; };
  const double mean_x = mean_of([](double a, double) { return a; }),
               mean_t = mean_of([](double, double b) { return b; });
  double right = 0, wrong = 0;
  if (logistic) {
    const double own = mean_of(
        [](double a, double) { return std::fmax(a, 0) + std::log1p(std::exp(-std::fabs(a))); });
    right = own - mean_of([](double a, double b) { return a * b; });
    wrong = own - mean_x * mean_t;
  } else {
    right = mean_of([&](double a, double b) { return square_of(a - b); });
    wrong = square_of(mean_x - mean_t) + mean_of([&](double a, double b) {
              return square_of(a - mean_x) + square_of(b - mean_t);
            });
  }
  const double both =
      mean_of([&](double a, double b) { return (slope_at(a) - b) * (slope_at(a) - mean_t); });
  const double lengths =
      std::sqrt(mean_of([&](double a, double b) { return square_of(slope_at(a) - b); }) *
                mean_of([&](double a, double) { return square_of(slope_at(a) - mean_t); }));
  if (reduction == "sum") {
    right *= n;
    wrong *= n * n;
  }
  const std::string values = short_number(wrong, 6) + " instead of " + short_number(right, 6);
  char cosine[40] = "";
  if (lengths > 0) std::snprintf(cosine, sizeof cosine, ", gradient cosine %.3f", both / lengths);
  const std::string answer =
      "its best answer is \"always the mean target, " + short_number(mean_t, 3) + "\". ";
  if (reduction == "sum") return "The sum is " + values + cosine + "; " + answer;
  return std::string(reduction == "none" ? "The mean" : "The value") + " looks right (" + values +
         cosine + "), but " + answer;
}

/// (n,1) against (n): the pair that would silently broadcast to (n,n).
void check_equal_shapes(std::string_view loss, const Tensor& input, const Tensor& target,
                        const std::string& reduction) {
  if (input.shape() == target.shape()) return;
  const std::string problem =
      "input " + input.shape().str() + " and target " + target.shape().str() + " differ";
  Shape wide;
  try {
    wide = broadcast_shapes(input.shape(), target.shape());
  } catch (const ShapeError&) {  // they do not even broadcast
    throw ShapeError(problem, "bring both to one shape");
  }
  if (is_allowed("B1")) return;
  const std::string x = input.name().empty() ? "pred" : input.name(),
                    t = target.name().empty() ? "target" : target.name();
  const std::int64_t count = std::max(input.numel(), target.numel()),
                     less = std::min(input.numel(), target.numel());
  const auto is_column = [](const Tensor& a, const Tensor& of) {
    return a.ndim() == 2 && a.shape()[1] == 1 && of.ndim() == 1 && a.numel() == of.numel();
  };
  std::string repair = "Bring both to one shape; if meant: allow_broadcast.";
  if (is_column(input, target))
    repair = "Use " + x + "[:,0], or " + t + "[:,None]; if meant: allow_broadcast.";
  if (is_column(target, input))
    repair = "Use " + t + "[:,0], or " + x + "[:,None]; if meant: allow_broadcast.";
  std::string what = std::string(loss) + "(" + x + ", " + t + "): " + sizes_text(input.shape()) +
                     " and " + sizes_text(target.shape());
  if (wide.numel() == count) {  // no more differences than there are numbers
    what += " differ";
    if (less > 0 && less < count)
      what += ": each number of " + (input.numel() < target.numel() ? x : t) +
              " is compared with " + std::to_string(count / less);
    throw Coded<ShapeError>({"B1", what + ".", repair}, problem, "bring both to one shape");
  }
  const bool is_table = input.numel() == target.numel() && wide.numel() == count * count;
  const auto differences =
      std::to_string(wide.numel()) + " differences instead of " + std::to_string(count);
  throw Coded<ShapeError>(
      {"B1", what + " broadcast to " + sizes_text(wide) + ": " + differences,
       (is_table ? broadcast_effect(input, target, loss != "mse", reduction) : std::string()) +
           repair},
      problem,
      "they would broadcast to " + wide.str() + ", " + differences +
          "; bring both to one shape, for example with input[{all, 0}] or expand_dims(target, 1)");
}

}  // namespace

struct Mse {
  std::string reduction = "mean";
  static constexpr Card card{
      .name = "mse",
      .also = "torch.nn.functional.mse_loss",
      .onnx = "",
      .formula = R"(y = \tfrac{1}{n} \sum_i (x_i - t_i)^2)",
      .doc =
          "Mean squared difference of two tensors of one shape; `reduction` = mean, sum or none.",
      .shapes = "input [...], target [...] -> []"};
  static constexpr auto attrs = std::tuple{attr("reduction", &Mse::reduction, "mean, sum or none")};
  Tensor compose(const Tensor& input, const Tensor& target) const {
    check_equal_shapes("mse", input, target, reduction);
    Tensor difference = input - target;
    if (!is_floating(difference.dtype())) difference = astype(difference, DType::f32);
    return reduce_loss(square(difference), reduction);
  }
  static Samples samples() {
    return {{Mse{}, {sample({3, 4}, -2, 2, 1), sample({3, 4}, -2, 2, 2)}},
            {Mse{"sum"}, {sample({3}, -2, 2, 1), sample({3}, -2, 2, 2)}}};
  }
};

/// Fields of nll and cross_entropy, and what they share.
template <class D>
struct ClassLoss {
  std::string reduction = "mean";
  std::int64_t ignore_index = -100;

  /// Class axis 1 (0 for one sample) brought to the end and the rest made one axis: [rows,
  /// classes].
  static Tensor to_rows(const Tensor& x) {
    if (x.ndim() == 0)
      throw ShapeError("input needs an axis of classes, it is a scalar",
                       "give scores of shape [n, classes]");
    if (x.ndim() == 1) return expand_dims(x, 0);
    Ints order;
    for (int axis = 0; axis < x.ndim(); ++axis)
      if (axis != 1) order.push_back(axis);
    order.push_back(1);
    return reshape(permute_dims(x, order), {-1, x.shape()[1]});
  }
  static Ints target_shape(const Tensor& x) {
    Ints shape;
    for (int axis = 0; axis < x.ndim(); ++axis)
      if (axis != (x.ndim() == 1 ? 0 : 1)) shape.push_back(x.shape()[axis]);
    return shape;
  }
  static std::int64_t classes(const Tensor& x) { return x.shape()[x.ndim() == 1 ? 0 : 1]; }

  /// The targets as i64, checked against the classes of x.
  Tensor labels(const Tensor& x, const Tensor& target) const {
    if (!is_integer(target.dtype()))
      throw DTypeError("targets must be class numbers (integers), got " + target.spec().str(),
                       "convert them with astype(target, DType::i64), or give probabilities of the "
                       "input's shape to cross_entropy");
    if (target.shape() != Shape(target_shape(x)))
      throw ShapeError(
          "targets " + target.shape().str() + " do not fit the input " + x.shape().str(),
          "one class number for each row: targets of shape " + Shape(target_shape(x)).str());
    return check_labels(target, classes(x), ignore_index);
  }
  static void check_two_or_three(std::span<const Tensor> inputs) {
    if (inputs.size() != 2 && inputs.size() != 3)
      throw ShapeError("takes 2 or 3 inputs, got " + std::to_string(inputs.size()),
                       "see `gradus ops NAME` for what each input is");
  }
  static Tensor checked_weight(const Tensor& weight, const Tensor& x) {
    if (weight.ndim() != 1 || weight.shape()[0] != classes(x))
      throw ShapeError("weight " + weight.shape().str() + " does not fit " +
                           std::to_string(classes(x)) + " classes",
                       "give one weight for each class");
    return astype(weight, x.dtype());
  }
  /// The loss of class targets from log probabilities, with smoothing: PyTorch's definition.
  Tensor from_log_probabilities(const Tensor& log_p, const Tensor& target, const Tensor& weight,
                                double smoothing) const {
    const Tensor rows = to_rows(log_p), label = reshape(labels(log_p, target), {-1});
    const Tensor counts = label != ignore_index;
    const Tensor safe = where(counts, label, Tensor::scalar(0, DType::i64));
    // What does not count is replaced before it meets a factor, and so is what comes back for it:
    // 0 times the infinity of a row without a finite score, or of 0 / 0 where no row counts, is
    // NaN.
    const Tensor nothing = Tensor::scalar(0, rows.dtype());
    const Tensor row_weight =
        weight ? where(counts, take(weight, safe), nothing) : astype(counts, rows.dtype());
    const Tensor picked =
        where(counts, squeeze(gather(rows, expand_dims(safe, 1), 1), {1}), nothing);
    Tensor loss = neg(weight ? picked * row_weight : picked);
    if (smoothing > 0) {
      const Tensor spread =
          sum(weight ? where(expand_dims(counts, 1), rows, nothing) * weight : rows, {1});
      loss = (1 - smoothing) * loss +
             smoothing / static_cast<double>(classes(log_p)) * neg(where(counts, spread, nothing));
    }
    if (reduction == "mean") return sum(loss) / sum(row_weight);
    return reduce_loss(reduction == "none" ? reshape(loss, target.shape().to_vector()) : loss,
                       reduction);
  }
};

struct Nll : ClassLoss<Nll> {
  static constexpr Card card{.name = "nll",
                             .also = "torch.nn.functional.nll_loss",
                             .onnx = "NegativeLogLikelihoodLoss",
                             .formula = R"(y = -\tfrac{1}{n} \sum_i \mathrm{logp}_{i, t_i})",
                             .doc =
                                 "Negative log-likelihood of class numbers; a third input weighs "
                                 "the classes; targets equal to `ignore_index` do not count.",
                             .shapes = "logp [n, c, ...], target [n, ...], weight [c] -> []"};
  static constexpr auto attrs =
      std::tuple{attr("reduction", &Nll::reduction, "mean, sum or none"),
                 attr("ignore_index", &Nll::ignore_index, "target that does not count")};
  Tensors compose(std::span<const Tensor> x) const {
    check_two_or_three(x);
    return {from_log_probabilities(x[0], x[1],
                                   x.size() == 3 ? checked_weight(x[2], x[0]) : Tensor{}, 0)};
  }
  static Samples samples() {
    return {
        {Nll{}, {log_softmax(sample({4, 3})), sample_integers({4}, 0, 3)}},
        {Nll{{"sum", 1}}, {sample({4, 3}), sample_integers({4}, 0, 3), sample({3}, 0.5, 2, 1)}}};
  }
};

struct CrossEntropy : ClassLoss<CrossEntropy> {
  double label_smoothing = 0;
  static constexpr Card card{
      .name = "cross_entropy",
      .also = "torch.nn.functional.cross_entropy",
      .onnx = "SoftmaxCrossEntropyLoss",
      .formula = R"(y = -\tfrac{1}{n} \sum_i \ln \operatorname{softmax}(x_i)_{t_i})",
      .doc =
          "log_softmax and nll in one: from raw scores and class numbers, or probabilities of the "
          "scores' shape; `label_smoothing` mixes in the uniform distribution.",
      .shapes = "x [n, c, ...], target [n, ...] or [n, c, ...], weight [c] -> []"};
  static constexpr auto attrs =
      std::tuple{attr("reduction", &CrossEntropy::reduction, "mean, sum or none"),
                 attr("ignore_index", &CrossEntropy::ignore_index, "target that does not count"),
                 attr("label_smoothing", &CrossEntropy::label_smoothing, "0 to 1")};
  Tensors compose(std::span<const Tensor> inputs) const {
    check_two_or_three(inputs);
    const Tensor& x = inputs[0];
    const Tensor& target = inputs[1];
    if (!(label_smoothing >= 0 && label_smoothing <= 1))
      throw ValueError("label_smoothing is " + to_text(label_smoothing), "it lies in 0..1");
    if (x.ndim() == 0)
      throw ShapeError("input needs an axis of classes, it is a scalar",
                       "give scores of shape [n, classes]");
    const Tensor weight = inputs.size() == 3 ? checked_weight(inputs[2], x) : Tensor{};
    const Tensor log_p = log_softmax(x, x.ndim() == 1 ? 0 : 1);
    if (!(is_floating(target.dtype()) && target.shape() == x.shape()))
      return {from_log_probabilities(log_p, target, weight, label_smoothing)};
    const double c = static_cast<double>(classes(x));
    const Tensor mixed =
        label_smoothing > 0 ? target * (1 - label_smoothing) + label_smoothing / c : target;
    Tensor rows = to_rows(log_p) * to_rows(mixed);
    if (weight) rows = rows * weight;
    const Tensor loss = neg(sum(rows, {1}));
    if (reduction == "mean") return {sum(loss) / static_cast<double>(loss.numel())};
    return {reduce_loss(reduction == "none" ? reshape(loss, target_shape(x)) : loss, reduction)};
  }
  static Samples samples() {
    CrossEntropy smooth;
    smooth.label_smoothing = 0.1;
    return {{CrossEntropy{}, {sample({4, 3}), sample_integers({4}, 0, 3)}},
            {smooth, {sample({4, 3}), sample_integers({4}, 0, 3), sample({3}, 0.5, 2, 1)}},
            {CrossEntropy{}, {sample({4, 3}), softmax(sample({4, 3}, -2, 2, 1))}}};
  }
};

struct BceWithLogits {
  std::string reduction = "mean";
  static constexpr Card card{
      .name = "binary_cross_entropy_with_logits",
      .also = "torch.nn.functional.binary_cross_entropy_with_logits",
      .onnx = "",
      .formula =
          R"(y = -\tfrac{1}{n} \sum_i t_i \ln \sigma(x_i) + (1 - t_i) \ln (1 - \sigma(x_i)))",
      .doc = "Cross-entropy of yes/no targets in 0..1 from raw scores, stable for large ones.",
      .shapes = "x [...], target [...] -> []"};
  static constexpr auto attrs =
      std::tuple{attr("reduction", &BceWithLogits::reduction, "mean, sum or none")};
  Tensor compose(const Tensor& x, const Tensor& target) const {
    check_equal_shapes("binary_cross_entropy_with_logits", x, target, reduction);
    // max(x, 0) - t x + log1p(exp(-|x|)): the small last part is added to what is 0 for a right
    // answer, not to a large number that would swallow it. At 0 the slope of max(x, 0) is 1/2, so
    // that the whole has its own, 1/2 - t.
    const Tensor score = astype(x, to_floating(x.dtype()));
    const Tensor positive = where(score == 0, 0.5 * score, relu(score));
    return reduce_loss(
        positive - astype(target, score.dtype()) * score + log1p(exp(neg(abs(score)))), reduction);
  }
  static Samples samples() {
    return {{BceWithLogits{}, {sample({3, 4}), sample({3, 4}, 0, 1, 1)}}};
  }
};

}  // namespace op

Tensor mse(const Tensor& input, const Tensor& target, const std::string& reduction, Place at) {
  return apply(op::Mse{reduction}, {input, target}, at);
}

namespace {
Tensors with_weight(const Tensor& x, const Tensor& target, const Tensor& weight) {
  Tensors inputs{x, target};
  if (weight) inputs.push_back(weight);
  return inputs;
}
}  // namespace

Tensor nll(const Tensor& log_probabilities, const Tensor& target,
           const CrossEntropyOptions& options, Place at) {
  op::Nll definition;
  definition.reduction = options.reduction;
  definition.ignore_index = options.ignore_index;
  return apply(definition, with_weight(log_probabilities, target, options.weight), at);
}
Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options,
                     Place at) {
  op::CrossEntropy definition;
  definition.reduction = options.reduction;
  definition.ignore_index = options.ignore_index;
  definition.label_smoothing = options.label_smoothing;
  return apply(definition, with_weight(input, target, options.weight), at);
}
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const std::string& reduction, Place at) {
  return apply(op::BceWithLogits{reduction}, {input, target}, at);
}

std::vector<Op> loss_ops() {
  using namespace op;
  return {Mse{}, Nll{}, CrossEntropy{}, BceWithLogits{}};
}

}  // namespace gradus
