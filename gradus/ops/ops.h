// The vocabulary: every operation as a function. One family per source file, in the order below.
//
// Axes may be negative (counted from the end). An empty list of axes means all of them. Operations
// broadcast as NumPy does and promote as core/dtype.h says; a number takes the dtype of the tensor
// it meets (a floating number with an integer tensor gives f32, an integer that the tensor's dtype
// cannot hold gives i64: u8 - 256). All are differentiable as often as asked, except where the
// result is an integer or a truth value. Errors: ShapeError, DTypeError, IndexError, ValueError
// with the repair, all naming the place `at`.
#pragma once

#include <type_traits>

#include <gradus/core/generator.h>
#include <gradus/ops/literal.h>
#include <gradus/program/apply.h>

namespace gradus {

/// An operand of arithmetic: a tensor, or a number. For parameters: it refers to the tensor.
class Operand {
 public:
  Operand(const Tensor& tensor, Place at = Place::current()) : tensor_(&tensor), place_(at) {}
  template <class T>
  requires std::is_arithmetic_v<T> Operand(T number, Place at = Place::current())
      : number_(number), place_(at) {}

  Place place() const { return place_; }
  bool is_number() const { return tensor_ == nullptr; }
  /// The tensor; a number becomes a 0-dim one whose dtype follows `other`, in `room`, which lives
  /// as long as the expression.
  const Tensor& resolve(const Operand& other, Tensor&& room = {}) const;

 private:
  const Tensor* tensor_ = nullptr;
  Number number_;
  Place place_;
};

// ---- creation.cpp: new tensors
Tensor zeros(const Ints& shape, DType dtype = DType::f32, Place at = Place::current());
Tensor ones(const Ints& shape, DType dtype = DType::f32, Place at = Place::current());
/// As everywhere where a number becomes an element (tensor, scalar, fill_): one that the dtype
/// cannot hold becomes the nearest that it can, 300 in u8 is 255, 1.5 in i64 is 1, NaN is 0 there.
Tensor full(const Ints& shape, Number value, DType dtype = DType::f32, Place at = Place::current());
Tensor zeros_like(const Tensor& x, Place at = Place::current());
Tensor ones_like(const Tensor& x, Place at = Place::current());
Tensor full_like(const Tensor& x, Number value, Place at = Place::current());
/// start, start + step, ... before stop. i64 by default. (numpy.arange)
Tensor arange(double start, double stop, double step = 1, DType dtype = DType::i64,
              Place at = Place::current());
inline Tensor arange(std::int64_t stop, Place at = Place::current()) {
  return arange(0, static_cast<double>(stop), 1, DType::i64, at);
}
/// `num` evenly spaced values from start to stop, both included. (numpy.linspace)
Tensor linspace(double start, double stop, std::int64_t num, DType dtype = DType::f32,
                Place at = Place::current());
/// Ones on the diagonal of an n x m matrix (m = n by default). (numpy.eye)
Tensor eye(std::int64_t n, std::optional<std::int64_t> m = {}, DType dtype = DType::f32,
           Place at = Place::current());
/// Literals, as deep as their braces: tensor({1, 2}) has shape [2], tensor({{1., 2.}}) has [1,2].
/// Without a dtype: f32 if a number is floating or there is none, else i64, bool if all are truth
/// values. Numbers that the dtype cannot hold: as in full. Throws ShapeError where rows are
/// unequal. (torch.tensor)
Tensor tensor(Literal values, std::optional<DType> dtype = {}, Place at = Place::current());

// ---- random.cpp: draws from the default generator, or from `generator` where given
/// U[0,1), f32 or f64, PyTorch's stream. (torch.rand)
Tensor rand(const Ints& shape, DType dtype = DType::f32, Generator* generator = nullptr,
            Place at = Place::current());
/// N(0,1), PyTorch's stream. (torch.randn)
Tensor randn(const Ints& shape, DType dtype = DType::f32, Generator* generator = nullptr,
             Place at = Place::current());
/// Integers in [low, high), i64. (torch.randint)
Tensor randint(std::int64_t low, std::int64_t high, const Ints& shape,
               Generator* generator = nullptr, Place at = Place::current());
/// A permutation of 0..n-1, i64. (torch.randperm)
Tensor randperm(std::int64_t n, Generator* generator = nullptr, Place at = Place::current());
/// num_samples indices per row, drawn with the row's weights. weights [n] or [rows, n] ->
/// i64 [num_samples] or [rows, num_samples]. (torch.multinomial)
Tensor multinomial(const Tensor& weights, std::int64_t num_samples, bool replacement = false,
                   Generator* generator = nullptr, Place at = Place::current());
/// Zeroes each element with probability p and scales the others by 1/(1-p); x itself when not
/// training. The mask comes from Philox, keyed by one 64-bit draw. (torch.nn.functional.dropout)
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true, Place at = Place::current());

// ---- arithmetic.cpp
Tensor add(const Operand& a, const Operand& b, Place at = Place::current());
Tensor sub(const Operand& a, const Operand& b, Place at = Place::current());
Tensor mul(const Operand& a, const Operand& b, Place at = Place::current());
/// True division; integers give f32. (numpy.true_divide)
Tensor div(const Operand& a, const Operand& b, Place at = Place::current());
/// floor(a / b). Integer division by zero throws ValueError. (numpy.floor_divide)
Tensor floor_divide(const Operand& a, const Operand& b, Place at = Place::current());
/// a - floor(a / b) * b, the sign of b. (numpy.remainder)
Tensor remainder(const Operand& a, const Operand& b, Place at = Place::current());
Tensor pow(const Operand& a, const Operand& b, Place at = Place::current());
/// NaN in either operand gives NaN; ties share the gradient, and beside a NaN both get all of it,
/// as in PyTorch. (numpy.minimum, numpy.maximum)
Tensor minimum(const Operand& a, const Operand& b, Place at = Place::current());
Tensor maximum(const Operand& a, const Operand& b, Place at = Place::current());

// ---- sign_and_rounding.cpp
Tensor neg(const Tensor& x, Place at = Place::current());
Tensor abs(const Tensor& x, Place at = Place::current());
Tensor sign(const Tensor& x, Place at = Place::current());
Tensor square(const Tensor& x, Place at = Place::current());
/// Limits x to [min, max]; either may be missing. Gradient 1 inside, 0 at the limits and outside.
/// Integers with a limit that is not whole give f32. Throws ValueError where a limit is NaN or min
/// above max. (torch.clamp, numpy.clip)
Tensor clip(const Tensor& x, std::optional<double> min, std::optional<double> max,
            Place at = Place::current());
inline Tensor clamp_min(const Tensor& x, double min, Place at = Place::current()) {
  return clip(x, min, {}, at);
}
inline Tensor clamp_max(const Tensor& x, double max, Place at = Place::current()) {
  return clip(x, {}, max, at);
}
Tensor floor(const Tensor& x, Place at = Place::current());
Tensor ceil(const Tensor& x, Place at = Place::current());
/// To the nearest integer, halves to even. (numpy.round)
Tensor round(const Tensor& x, Place at = Place::current());

// ---- exponential.cpp: exp, log, roots, trigonometry; integers give f32
Tensor sqrt(const Tensor& x, Place at = Place::current());
Tensor rsqrt(const Tensor& x, Place at = Place::current());
Tensor exp(const Tensor& x, Place at = Place::current());
Tensor expm1(const Tensor& x, Place at = Place::current());
Tensor log(const Tensor& x, Place at = Place::current());
Tensor log1p(const Tensor& x, Place at = Place::current());
Tensor log2(const Tensor& x, Place at = Place::current());
Tensor sin(const Tensor& x, Place at = Place::current());
Tensor cos(const Tensor& x, Place at = Place::current());
Tensor tan(const Tensor& x, Place at = Place::current());
Tensor erf(const Tensor& x, Place at = Place::current());

// ---- activation.cpp
/// max(x, 0), gradient 0 at 0. (torch.relu)
Tensor relu(const Tensor& x, Place at = Place::current());
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01, Place at = Place::current());
Tensor tanh(const Tensor& x, Place at = Place::current());
Tensor sigmoid(const Tensor& x, Place at = Place::current());
/// x * Phi(x); approximate = "none" or "tanh". (torch.nn.functional.gelu)
Tensor gelu(const Tensor& x, const std::string& approximate = "none", Place at = Place::current());
/// log(1 + exp(beta x)) / beta; x itself where beta x > threshold. (torch.nn.functional.softplus)
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20,
                Place at = Place::current());
/// x * sigmoid(x). (torch.nn.functional.silu)
Tensor silu(const Tensor& x, Place at = Place::current());
Tensor softmax(const Tensor& x, std::int64_t axis = -1, Place at = Place::current());
Tensor log_softmax(const Tensor& x, std::int64_t axis = -1, Place at = Place::current());

// ---- comparison.cpp: truth values; logical operations read anything but zero as true
Tensor equal(const Operand& a, const Operand& b, Place at = Place::current());
Tensor not_equal(const Operand& a, const Operand& b, Place at = Place::current());
Tensor less(const Operand& a, const Operand& b, Place at = Place::current());
Tensor less_equal(const Operand& a, const Operand& b, Place at = Place::current());
Tensor greater(const Operand& a, const Operand& b, Place at = Place::current());
Tensor greater_equal(const Operand& a, const Operand& b, Place at = Place::current());
Tensor logical_and(const Operand& a, const Operand& b, Place at = Place::current());
Tensor logical_or(const Operand& a, const Operand& b, Place at = Place::current());
Tensor logical_xor(const Operand& a, const Operand& b, Place at = Place::current());
Tensor logical_not(const Tensor& x, Place at = Place::current());
Tensor isnan(const Tensor& x, Place at = Place::current());
Tensor isinf(const Tensor& x, Place at = Place::current());
Tensor isfinite(const Tensor& x, Place at = Place::current());
/// a where condition is true, else b. (numpy.where)
Tensor where(const Tensor& condition, const Operand& a, const Operand& b,
             Place at = Place::current());

// ---- conversion.cpp
/// Another dtype; itself where it has it already. Floating to integer cuts towards zero, and what
/// does not fit is limited to the nearest integer there is, NaN to 0.
Tensor astype(const Tensor& x, DType dtype, Place at = Place::current());
/// A copy, contiguous.
Tensor clone(const Tensor& x, Place at = Place::current());
/// x itself when contiguous, else a copy.
Tensor contiguous(const Tensor& x, Place at = Place::current());

// ---- reduction.cpp
/// Integers and truth values are summed as i64.
Tensor sum(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
           Place at = Place::current());
/// Integers give f32.
Tensor mean(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
            Place at = Place::current());
Tensor prod(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
            Place at = Place::current());
/// The registry says "any" and "all"; `all` here is the slice of a whole axis.
Tensor any(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
           Place at = Place::current());
Tensor all_true(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
                Place at = Place::current());

// ---- extremum.cpp
/// Largest and smallest values; ties share the gradient evenly. (torch.amax, torch.amin)
Tensor amax(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
            Place at = Place::current());
Tensor amin(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
            Place at = Place::current());
/// Largest (smallest) values and where they are (the first of equals). (torch.max with a dim)
struct ValuesIndices {
  Tensor values, indices;
};
ValuesIndices max(const Tensor& x, std::int64_t axis, bool keepdims = false,
                  Place at = Place::current());
ValuesIndices min(const Tensor& x, std::int64_t axis, bool keepdims = false,
                  Place at = Place::current());
/// Over all elements.
Tensor max(const Tensor& x, Place at = Place::current());
Tensor min(const Tensor& x, Place at = Place::current());
/// i64; without axis, the position in the flattened tensor. Ties: the first. (numpy.argmax)
Tensor argmax(const Tensor& x, std::optional<std::int64_t> axis = {}, bool keepdims = false,
              Place at = Place::current());
Tensor argmin(const Tensor& x, std::optional<std::int64_t> axis = {}, bool keepdims = false,
              Place at = Place::current());

// ---- statistics.cpp
/// Divisor n - correction. (torch.var, torch.std; the registry says "var" and "std")
Tensor var(const Tensor& x, const Ints& axis = {}, double correction = 1, bool keepdims = false,
           Place at = Place::current());
Tensor stddev(const Tensor& x, const Ints& axis = {}, double correction = 1, bool keepdims = false,
              Place at = Place::current());
Tensor logsumexp(const Tensor& x, const Ints& axis = {}, bool keepdims = false,
                 Place at = Place::current());
/// (sum |x|^ord)^(1/ord); ord may be inf, -inf, 0 (count of non-zeros). (numpy.linalg.norm of
/// vectors)
Tensor norm(const Tensor& x, double ord = 2, const Ints& axis = {}, bool keepdims = false,
            Place at = Place::current());

// ---- sorting.cpp
Tensor cumsum(const Tensor& x, std::int64_t axis, Place at = Place::current());
/// Stable, NaN last. (numpy.sort)
Tensor sort(const Tensor& x, std::int64_t axis = -1, bool descending = false,
            Place at = Place::current());
Tensor argsort(const Tensor& x, std::int64_t axis = -1, bool descending = false,
               Place at = Place::current());
ValuesIndices topk(const Tensor& x, std::int64_t k, std::int64_t axis = -1, bool largest = true,
                   Place at = Place::current());

// ---- movement.cpp: views where possible
/// One size may be -1.
Tensor reshape(const Tensor& x, Ints shape, Place at = Place::current());
Tensor permute_dims(const Tensor& x, const Ints& axes, Place at = Place::current());
/// Two axes exchanged. (torch.transpose)
Tensor transpose(const Tensor& x, std::int64_t axis0 = -2, std::int64_t axis1 = -1,
                 Place at = Place::current());
Tensor expand_dims(const Tensor& x, std::int64_t axis, Place at = Place::current());
Tensor squeeze(const Tensor& x, const Ints& axis = {}, Place at = Place::current());
/// Axes first..last become one. (torch.flatten)
Tensor flatten(const Tensor& x, std::int64_t first = 0, std::int64_t last = -1,
               Place at = Place::current());
Tensor broadcast_to(const Tensor& x, const Ints& shape, Place at = Place::current());
Tensor flip(const Tensor& x, const Ints& axis = {}, Place at = Place::current());
/// Elements start, start + step, ... before stop along one axis, Python's slice rules.
Tensor slice(const Tensor& x, std::int64_t axis, std::optional<std::int64_t> start,
             std::optional<std::int64_t> stop, std::int64_t step = 1, Place at = Place::current());
/// x summed over the axes that broadcasting `shape` to x.shape() would stretch: the transpose of
/// broadcast_to.
Tensor sum_to(const Tensor& x, const Shape& shape, Place at = Place::current());

// ---- repetition.cpp
Tensor roll(const Tensor& x, const Ints& shift, const Ints& axis = {}, Place at = Place::current());
/// Each element `repeats` times; flattened first when no axis is given. (numpy.repeat)
Tensor repeat(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> axis = {},
              Place at = Place::current());
Tensor tile(const Tensor& x, const Ints& repetitions, Place at = Place::current());

// ---- joining.cpp
Tensor concat(std::span<const Tensor> xs, std::int64_t axis = 0, Place at = Place::current());
inline Tensor concat(std::initializer_list<Tensor> xs, std::int64_t axis = 0,
                     Place at = Place::current()) {
  return concat(std::span(xs.begin(), xs.size()), axis, at);
}
Tensor stack(std::span<const Tensor> xs, std::int64_t axis = 0, Place at = Place::current());
inline Tensor stack(std::initializer_list<Tensor> xs, std::int64_t axis = 0,
                    Place at = Place::current()) {
  return stack(std::span(xs.begin(), xs.size()), axis, at);
}
/// Parts of the given sizes, which add up to the axis. (torch.split)
Tensors split(const Tensor& x, const Ints& sizes, std::int64_t axis = 0,
              Place at = Place::current());
/// At most `chunks` parts of equal size, the last may be smaller. (torch.chunk)
Tensors chunk(const Tensor& x, std::int64_t chunks, std::int64_t axis = 0,
              Place at = Place::current());
/// On and below (above) the k-th diagonal of the last two axes, zero elsewhere.
Tensor tril(const Tensor& x, std::int64_t k = 0, Place at = Place::current());
Tensor triu(const Tensor& x, std::int64_t k = 0, Place at = Place::current());

// ---- indexing.cpp
/// Slices of x along `axis` at `indices`: shape x.shape[:axis] + indices.shape + x.shape[axis+1:].
/// (numpy.take)
Tensor take(const Tensor& x, const Tensor& indices, std::int64_t axis = 0,
            Place at = Place::current());
/// y[i,j] = x[index[i,j], j] for axis 0, likewise for others. (torch.gather, numpy.take_along_axis)
Tensor gather(const Tensor& x, const Tensor& index, std::int64_t axis, Place at = Place::current());
/// A copy of x with source added at index: the transpose of gather. (torch.scatter_add)
Tensor scatter_add(const Tensor& x, const Tensor& index, const Tensor& source, std::int64_t axis,
                   Place at = Place::current());
/// The labels as i64. Throws IndexError where one is neither in 0..classes-1 nor `ignore_index`.
Tensor check_labels(const Tensor& labels, std::int64_t classes,
                    std::optional<std::int64_t> ignore_index = {}, Place at = Place::current());
/// i64 labels [...] -> [..., num_classes]. Throws IndexError for labels outside. (torch one_hot)
Tensor one_hot(const Tensor& labels, std::int64_t num_classes, DType dtype = DType::f32,
               Place at = Place::current());

// ---- subscript.cpp
/// x[index], NumPy's rules: integers, slices, newaxis, ellipsis give views; integer tensors gather
/// (several broadcast together), boolean tensors select; one of no axes adds an axis of 1 or 0.
Tensor getitem(const Tensor& x, std::span<const Index> index, Place at = Place::current());
/// A copy of x in which x[index] is `values` (added where accumulate), broadcast. (torch.index_put)
Tensor index_put(const Tensor& x, std::span<const Index> index, const Tensor& values,
                 bool accumulate = false, Place at = Place::current());
/// The same in place; without index tensors only the elements that are named are touched.
/// (torch.index_put_)
void index_put_(Tensor& x, std::span<const Index> index, const Tensor& values,
                bool accumulate = false, Place at = Place::current());
inline void index_put_(Tensor& x, std::initializer_list<Index> index, const Tensor& values,
                       bool accumulate = false, Place at = Place::current()) {
  index_put_(x, std::span(index.begin(), index.size()), values, accumulate, at);
}

// ---- linear_algebra.cpp
/// [..., n, k] @ [..., k, m] -> [..., n, m], batches broadcast; vectors as in NumPy. (numpy.matmul)
Tensor matmul(const Tensor& a, const Tensor& b, Place at = Place::current());
/// [n], [m] -> [n,m]
Tensor outer(const Tensor& a, const Tensor& b, Place at = Place::current());
/// [n], [n] -> scalar
Tensor dot(const Tensor& a, const Tensor& b, Place at = Place::current());
/// The k-th diagonal of two axes, as the last axis of the result; the two go. (torch.diagonal)
Tensor diagonal(const Tensor& x, std::int64_t k = 0, std::int64_t axis0 = -2,
                std::int64_t axis1 = -1, Place at = Place::current());
/// Sum of the k-th diagonal of the last two axes. Named so because trace() makes programs; the
/// registry calls it "trace". (numpy.trace)
Tensor diagonal_sum(const Tensor& x, std::int64_t k = 0, Place at = Place::current());

// ---- einsum.cpp
/// Einstein summation, with "..." and implicit outputs; contracted pair by pair through matmul.
/// (numpy.einsum)
Tensor einsum(const std::string& equation, std::span<const Tensor> xs, Place at = Place::current());
inline Tensor einsum(const std::string& equation, std::initializer_list<Tensor> xs,
                     Place at = Place::current()) {
  return einsum(equation, std::span(xs.begin(), xs.size()), at);
}

// ---- loss.cpp: reduction = "mean", "sum" or "none"
/// Mean squared difference. Shapes must be equal: (n,1) with (n) throws instead of broadcasting to
/// (n,n). (torch.nn.functional.mse_loss)
Tensor mse(const Tensor& input, const Tensor& target, const std::string& reduction = "mean",
           Place at = Place::current());
struct CrossEntropyOptions {
  Tensor weight;                     ///< [c], one factor per class; empty for none
  std::int64_t ignore_index = -100;  ///< targets with this value do not count
  double label_smoothing = 0;
  std::string reduction = "mean";
};
/// -log_probabilities[i, target[i]]. input [n,c] or [c] or [n,c,...], target i64 without c.
/// (torch.nn.functional.nll_loss)
Tensor nll(const Tensor& log_probabilities, const Tensor& target,
           const CrossEntropyOptions& options = {}, Place at = Place::current());
/// nll(log_softmax(input)); target holds class numbers (integers), or probabilities of input's
/// shape. (torch.nn.functional.cross_entropy)
Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options = {}, Place at = Place::current());
/// -(t log sigmoid(x) + (1-t) log(1 - sigmoid(x))), stable.
/// (torch.nn.functional.binary_cross_entropy_with_logits)
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const std::string& reduction = "mean",
                                        Place at = Place::current());

// ---- operators
inline Tensor operator+(const Operand& a, const Operand& b) { return add(a, b, a.place()); }
inline Tensor operator-(const Operand& a, const Operand& b) { return sub(a, b, a.place()); }
inline Tensor operator*(const Operand& a, const Operand& b) { return mul(a, b, a.place()); }
inline Tensor operator/(const Operand& a, const Operand& b) { return div(a, b, a.place()); }
inline Tensor operator-(const Operand& x) { return neg(x.resolve(x), x.place()); }
inline Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b, a.place()); }
inline Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b, a.place()); }
inline Tensor operator<(const Operand& a, const Operand& b) { return less(a, b, a.place()); }
inline Tensor operator<=(const Operand& a, const Operand& b) { return less_equal(a, b, a.place()); }
inline Tensor operator>(const Operand& a, const Operand& b) { return greater(a, b, a.place()); }
inline Tensor operator>=(const Operand& a, const Operand& b) {
  return greater_equal(a, b, a.place());
}

}  // namespace gradus
