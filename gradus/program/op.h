// Op: a value that holds any operation definition.
//
// A definition is a plain struct; its fields are the attributes. It needs a `card` and one of
//   infer + forward          a primitive with a kernel: shape rule, then numbers
//   infer + view             a primitive that only sees the same storage through another layout;
//                            `view` throws what `infer` does, which is asked where there is none
//   run                      a primitive computed by tensor operations that are not recorded one by
//                            one (checkpoint, user functions)
//   compose                  a composite: a plain function of other operations
// and may have
//   attrs                    std::tuple of attr(...)
//   vjp                      the gradient rule, written in operations; a composite needs none
//   keep                     which inputs and outputs vjp looks at (default: all inputs)
//   prepare                  brings the inputs to one dtype, by recorded operations; gives nothing
//                            where they are as they should be
//   samples                  inputs for tests and documentation
//   captured                 for `run`: the tensors that it used besides its inputs; gradients flow
//                            to them too
//   elementwise = n          for one of n operands: of floating operands of one dtype and shape
//                            `prepare` gives nothing and `infer` that shape, and that dtype or,
//                            where `is_truth()`, bool; then the door asks neither
//   differentiable = false   for a composite whose result no input moves smoothly (one_hot); one
//                            without inputs needs not say so
// Rules of one tensor may be written with plain parameters: `Spec infer(const Spec& x)`, `void
// forward(In x, Out y)`, `Tensor compose(const Tensor& a, const Tensor& b)`; rules of many take
// spans. The adapter below finds out which; a missing rule is a readable compile error.
// The design follows JAX's "a primitive is a name with rules attached" (autodidax).
#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <span>
#include <tuple>

#include <gradus/core/few.h>
#include <gradus/core/pool.h>
#include <gradus/core/tensor.h>
#include <gradus/program/attribute.h>
#include <gradus/program/card.h>

namespace gradus {

class Op;
class Call;

using Specs = Few<Spec, 2>;

/// An input of a kernel: a pointer to its first element and the layout to walk (offset applied).
struct In {
  const void* data;
  const Layout* layout;
  DType dtype;
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  const Shape& shape() const { return layout->shape; }
  const Shape& strides() const { return layout->strides; }
};
/// An output of a kernel, likewise; any strides when written in place, else contiguous.
struct Out {
  void* data;
  const Layout* layout;
  DType dtype;
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  const Shape& shape() const { return layout->shape; }
  const Shape& strides() const { return layout->strides; }
};

/// Which inputs and outputs a gradient rule looks at, as bit masks: what is not kept is freed early
/// and may be changed in place.
struct Keep {
  std::uint32_t inputs = ~0u;
  std::uint32_t outputs = 0;
};

/// An operation with inputs that show it: for gradient checks, fuzzing, documentation.
struct Sample;
using Samples = std::vector<Sample>;

enum class OpKind { kernel, view, function, composite };

namespace detail {

/// What is the same for all values of a definition: the door asks for it at every call, without a
/// virtual one.
struct Facts {
  const Card& card;
  OpKind kind;
  bool has_gradient, has_prepare, has_shortcut, has_captured;
  bool in_place_safe, deferrable, draws;
  Keep keep;
  int elementwise;  // how many operands an elementwise definition has, 0 for all others
  bool is_truth;    // whether an elementwise one gives truth values, not the operands' dtype
};

/// Everything the door and the registry ask of a definition.
struct OpModel {
  explicit OpModel(const Facts& facts_) : facts(facts_) {}
  virtual ~OpModel() = default;
  const Facts& facts;
  virtual std::vector<AttributeInfo> attributes() const = 0;
  virtual std::shared_ptr<OpModel> with(std::string_view name,
                                        const AttributeValue& value) const = 0;
  virtual Specs infer(std::span<const Spec> inputs) const = 0;
  virtual std::optional<Layout> view(std::span<const Layout* const> inputs) const = 0;
  virtual void forward(std::span<const In> inputs, std::span<const Out> outputs) const = 0;
  virtual Tensors run(std::span<const Tensor> inputs) const = 0;
  virtual Tensors captured() const = 0;
  virtual Tensor shortcut(std::span<const Tensor> inputs) const = 0;
  virtual Tensors prepare(std::span<const Tensor> inputs) const = 0;
  virtual Tensors vjp(const Call& call, std::span<const Tensor> cotangents) const = 0;
  virtual Samples samples() const = 0;
};

template <class D>
struct Adapter;

}  // namespace detail

/// What every definition has.
template <class D>
concept Definition = requires {
  { D::card } -> std::convertible_to<const Card&>;
};

class Op {
 public:
  template <Definition D>
  Op(D definition) : model_(model_of(std::move(definition))) {}

  const Card& card() const { return facts().card; }
  std::string_view name() const { return card().name; }
  OpKind kind() const { return facts().kind; }
  bool is_primitive() const { return kind() != OpKind::composite; }
  /// True when gradients flow through: it has a gradient rule, or it is made of operations that
  /// have.
  bool has_gradient() const { return facts().has_gradient; }
  /// True when it draws random numbers: every call is another one.
  bool draws() const { return facts().draws; }
  /// The attributes with their current values, in the order of the definition.
  std::vector<AttributeInfo> attributes() const { return model_->attributes(); }
  /// A copy with one attribute changed, given as text. Throws NameError, ValueError.
  Op with(std::string_view name, std::string_view text) const;
  /// "softmax {axis=1}", without braces where there is no attribute.
  std::string str() const;
  Samples samples() const;

  const detail::OpModel& model() const { return *model_; }
  const detail::Facts& facts() const { return model_->facts; }

 private:
  /// A definition without attributes has one value, which all its calls share uncounted.
  template <class D>
  static std::shared_ptr<const detail::OpModel> model_of(D definition) {
    if constexpr (std::is_empty_v<D>) {
      static const detail::Adapter<D> only{definition};
      return {std::shared_ptr<void>(), &only};
    } else {
      return std::allocate_shared<detail::Adapter<D>>(Pooled<detail::Adapter<D>>(),
                                                      std::move(definition));
    }
  }
  explicit Op(std::shared_ptr<const detail::OpModel> model) : model_(std::move(model)) {}
  std::shared_ptr<const detail::OpModel> model_;
};

struct Sample {
  Op op;
  Tensors inputs;
};

namespace detail {

/// Calls f with the elements of a span as separate arguments when `f` takes exactly n of them.
template <std::size_t N, class F, class T>
decltype(auto) call_with(F&& f, std::span<T> values) {
  return [&]<std::size_t... I>(std::index_sequence<I...>)->decltype(auto) {
    return f(values[I]...);
  }
  (std::make_index_sequence<N>());
}

/// Throws ShapeError: "takes 2 inputs, got 3".
[[noreturn]] void throw_arity(std::size_t wanted, std::size_t got);

// A rule may give one result or a list.
inline Specs as_list(const Spec& one) {
  Specs list;
  list.emplace_back(one);
  return list;
}
inline Specs as_list(Specs many) { return many; }
inline Tensors as_list(Tensor one) {
  Tensors list;
  list.push_back(std::move(one));
  return list;
}
inline Tensors as_list(Tensors many) { return many; }

// Which of the ways to write a rule a definition uses: N separate parameters, or a span.
#define GRADUS_RULE(rule, Arg)                                                                 \
  template <class D>                                                                           \
  constexpr int rule##_arity() {                                                               \
    if constexpr (requires(const D d, std::span<Arg> s) { d.rule(s); })                        \
      return -1;                                                                               \
    else if constexpr (requires(const D d, Arg a) { d.rule(a); })                              \
      return 1;                                                                                \
    else if constexpr (requires(const D d, Arg a) { d.rule(a, a); })                           \
      return 2;                                                                                \
    else if constexpr (requires(const D d, Arg a) { d.rule(a, a, a); })                        \
      return 3;                                                                                \
    else if constexpr (requires(const D d) { d.rule(); })                                      \
      return 0;                                                                                \
    else                                                                                       \
      return -2;                                                                               \
  }                                                                                            \
  template <class D>                                                                           \
  auto call_##rule(const D& d, std::span<Arg> values) {                                        \
    constexpr int arity = rule##_arity<D>();                                                   \
    if constexpr (arity == -1) {                                                               \
      return as_list(d.rule(values));                                                          \
    } else {                                                                                   \
      if (values.size() != std::size_t(arity)) throw_arity(std::size_t(arity), values.size()); \
      return call_with<std::size_t(arity)>([&](auto&... v) { return as_list(d.rule(v...)); },  \
                                           values);                                            \
    }                                                                                          \
  }

GRADUS_RULE(infer, const Spec)
GRADUS_RULE(compose, const Tensor)
GRADUS_RULE(run, const Tensor)
GRADUS_RULE(prepare, const Tensor)
#undef GRADUS_RULE

template <class D>
constexpr bool has_span_forward = requires(const D d, std::span<const In> x,
                                           std::span<const Out> y) {
  d.forward(x, y);
};
template <class D>
constexpr bool has_plain_forward = requires(const D d, In x, Out y) {
  d.forward(y);
}
|| requires(const D d, In x, Out y) { d.forward(x, y); }
|| requires(const D d, In x, Out y) { d.forward(x, x, y); }
|| requires(const D d, In x, Out y) { d.forward(x, x, x, y); };
template <class D>
constexpr bool has_view = requires(const D d, const Layout& x) {
  d.view(x);
};
template <class D>
constexpr bool has_one_vjp = requires(const D d, const Call& c, const Tensor& g) {
  d.vjp(c, g);
};
template <class D>
constexpr bool has_many_vjp = requires(const D d, const Call& c, std::span<const Tensor> g) {
  d.vjp(c, g);
};

template <class D>
constexpr bool has_shortcut = requires(const D d, const Tensor& x) {
  d.shortcut(x);
};
template <class D>
constexpr bool has_captured = requires(const D d) {
  d.captured();
};

template <class D>
struct Adapter final : OpModel {
  static constexpr bool is_composite = compose_arity<D>() != -2;
  static constexpr bool is_function = run_arity<D>() != -2;
  static constexpr bool is_kernel =
      infer_arity<D>() != -2 && (has_span_forward<D> || has_plain_forward<D> || has_view<D>);
  static_assert(is_composite || is_function || is_kernel,
                "an operation needs `compose`, or `run`, or `infer` with `forward` or `view`");

  static constexpr Facts facts_of_definition() {
    Facts facts{.card = D::card,
                .kind = is_composite  ? OpKind::composite
                        : is_function ? OpKind::function
                        : has_view<D> ? OpKind::view
                                      : OpKind::kernel,
                .has_gradient =
                    has_one_vjp<D> || has_many_vjp<D> || (is_composite && compose_arity<D>() != 0),
                .has_prepare = prepare_arity<D>() != -2,
                .has_shortcut = has_shortcut<D>,
                .has_captured = has_captured<D>,
                .in_place_safe = false,
                .deferrable = false,
                .draws = false,
                .keep = {},
                .elementwise = 0,
                .is_truth = false};
    if constexpr (requires { D::in_place_safe; }) facts.in_place_safe = D::in_place_safe;
    if constexpr (requires { D::deferrable; }) facts.deferrable = D::deferrable;
    if constexpr (requires { D::draws; }) facts.draws = D::draws;
    if constexpr (requires { D::differentiable; }) facts.has_gradient = D::differentiable;
    if constexpr (requires { D::keep; }) facts.keep = D::keep;
    if constexpr (requires { D::elementwise; }) facts.elementwise = D::elementwise;
    if constexpr (requires { D::is_truth(); }) facts.is_truth = D::is_truth();
    return facts;
  }
  static constexpr Facts facts_of_all = facts_of_definition();

  explicit Adapter(D d) : OpModel(facts_of_all), definition(std::move(d)) {}
  D definition;

  std::vector<AttributeInfo> attributes() const override {
    std::vector<AttributeInfo> list;
    for_each_attribute([&](const auto& a) {
      using T = std::remove_cvref_t<decltype(definition.*a.field)>;
      list.push_back({a.name, a.doc, attribute_type<T>(), to_value(definition.*a.field)});
    });
    return list;
  }
  std::shared_ptr<OpModel> with([[maybe_unused]] std::string_view name,
                                [[maybe_unused]] const AttributeValue& value) const override {
    if constexpr (std::is_empty_v<D>) {
      return {};  // it has no attribute, and what nobody can ask for is not compiled either
    } else {
      auto copy = std::make_shared<Adapter>(definition);
      for_each_attribute([&](const auto& a) {
        if (a.name == name) from_value(copy->definition.*a.field, value);
      });
      return copy;
    }
  }

  Specs infer(std::span<const Spec> inputs) const override {
    if constexpr (is_kernel)
      return call_infer(definition, inputs);
    else
      return {};
  }
  std::optional<Layout> view(std::span<const Layout* const> inputs) const override {
    if constexpr (has_view<D>)
      return definition.view(*inputs[0]);
    else
      return std::nullopt;
  }
  void forward(std::span<const In> x, std::span<const Out> y) const override {
    if constexpr (has_span_forward<D>)
      definition.forward(x, y);
    else if constexpr (requires(In i, Out o) { definition.forward(o); })
      definition.forward(y[0]);
    else if constexpr (requires(In i, Out o) { definition.forward(i, o); })
      definition.forward(x[0], y[0]);
    else if constexpr (requires(In i, Out o) { definition.forward(i, i, o); })
      definition.forward(x[0], x[1], y[0]);
    else if constexpr (requires(In i, Out o) { definition.forward(i, i, i, o); })
      definition.forward(x[0], x[1], x[2], y[0]);
  }
  Tensors run(std::span<const Tensor> inputs) const override {
    if constexpr (is_composite)
      return call_compose(definition, inputs);
    else if constexpr (is_function)
      return call_run(definition, inputs);
    else
      return {};
  }
  Tensors captured() const override {
    if constexpr (has_captured<D>)
      return definition.captured();
    else
      return {};
  }
  Tensor shortcut(std::span<const Tensor> inputs) const override {
    if constexpr (has_shortcut<D>)
      return definition.shortcut(inputs[0]);
    else
      return {};
  }
  Tensors prepare(std::span<const Tensor> inputs) const override {
    if constexpr (prepare_arity<D>() != -2)
      return call_prepare(definition, inputs);
    else
      return {};
  }
  Tensors vjp(const Call& call, std::span<const Tensor> g) const override {
    if constexpr (has_many_vjp<D>)
      return as_list(definition.vjp(call, g));
    else if constexpr (has_one_vjp<D>)
      return as_list(definition.vjp(call, g[0]));
    else
      return {};
  }
  Samples samples() const override {
    if constexpr (requires { D::samples(); })
      return D::samples();
    else
      return {};
  }

 private:
  template <class F>
  static void for_each_attribute(F&& f) {
    if constexpr (requires { D::attrs; })
      std::apply([&](const auto&... a) { (f(a), ...); }, D::attrs);
  }
};

}  // namespace detail
}  // namespace gradus
