// Expressions over tensors, as somebody types them at a stop: `x[:2, 0] * 2 > w.mean(axis=0)`.
// Names are looked up by the caller; every function is an operation of the registry under its own
// name or its name elsewhere, so that there is no second list of what can be computed.
// inspector.h is the user.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::see {

/// What an expression is worth: a tensor, or a word (a dtype, a name), then without tensor.
struct Value {
  Tensor tensor;
  std::string word;
  bool is_shape = false;  ///< i64 sizes or strides, shown as [2,3]
  std::string warning{};  ///< B2, where both sides of an operation stretched

  /// As shown to a reader, in lines of at most `width` columns where the elements allow it.
  std::string str(int width = 80) const;
};

/// "step=2 t=3" of " step=2 t=3 - w1": the time at the beginning of `text`, as it stands behind an
/// '@'; empty where there is none.
std::string_view time_in(std::string_view text);

/// The tensor of a name; an empty one where nothing has that name. With a time behind it the name
/// is "w1 @ t=3", whatever spaces there are in the text.
using Lookup = std::function<Tensor(std::string_view name)>;

/// A mistake in an expression, or an error of an operation in it.
class ExpressionError : public Error {
 public:
  ExpressionError(const std::string& problem, const std::string& hint, std::size_t position,
                  Place at = Place::current())
      : Error(problem, hint, at), position_(position) {}
  std::string_view kind() const override { return "ExpressionError"; }
  /// The character it is about, from 0.
  std::size_t position() const { return position_; }
  /// "    ^ problem; hint": to stand below the expression, `indent` characters further right.
  std::string pointer(std::size_t indent = 0) const;

 private:
  std::size_t position_;
};

/// A name that nothing has.
class UnknownName : public ExpressionError {
 public:
  UnknownName(const std::string& name, const std::string& hint, std::size_t position)
      : UnknownName("nothing is called '" + name + "' here", name, hint, position) {}
  UnknownName(const std::string& problem, std::string name, const std::string& hint,
              std::size_t position)
      : ExpressionError(problem, hint, position), name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// The value of `text`. From weak to strong: comparisons; + -; * / @; unary -; **; |x|, the
/// Euclidean norm; and behind a value [index] as in NumPy (numbers, slices, None, ..., tensors),
/// .shape .strides .offset .ndim .numel .dtype .name .grad (or .g) .T, and calls: mean(x, axis=0)
/// or x.mean(axis=0), where what comes after the operation's inputs, named or not, or stands in
/// quotes, sets its attributes: einsum("ij,jk->ik", a, b). What C++ writes x[{all, 0}], {2, 3} and
/// DType::i64 may stand for x[:, 0], [2, 3] and i64. A name may have a time behind it, and
/// behind its index: w1[0] @ t=9 - w1[0] @ t=0. dead(relu1) is looked up like a name. Nothing is
/// recorded, and no observer sees it. Throws ExpressionError.
Value evaluate(std::string_view text, const Lookup& lookup);

/// The names in `text` that `is_known` does not know, read without computing anything. Throws
/// ExpressionError for what is no expression: a bracket that nobody closes, a function or an
/// attribute that is not there.
std::vector<std::string> unknown_names(std::string_view text,
                                       const std::function<bool(std::string_view name)>& is_known);

}  // namespace gradus::see
