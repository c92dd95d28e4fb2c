// What all elementwise definitions share: shape rule, dtype rule, loop and the outer part of the
// gradient. A definition adds a value rule for one element and a derivative rule in operations:
//
//   struct Tan : Unary<Tan> {
//     static constexpr Card card{...};
//     static constexpr Keep keep{.inputs = 0, .outputs = 1};
//     template <class T> T value(T x) const { return std::tan(x); }
//     Tensor derivative(const Call& c) const { return square(c.output()) + 1; }
//   };
//
// UnaryFunction takes its values from a kernel: `static constexpr auto function =
// kernels::MathFunction::exp;` stands in place of `value`.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <gradus/kernels/elementwise.h>
#include <gradus/kernels/functions.h>
#include <gradus/ops/ops.h>

namespace gradus::op {

/// Which dtypes an elementwise operation computes in.
enum class Domain {
  any,       ///< every dtype as it is
  numbers,   ///< every dtype but bool, which throws DTypeError
  floating,  ///< integers and bools become f32 first
};

/// The inputs brought to one dtype by recorded casts, by promotion and the domain; nothing where
/// they have it.
Tensors prepare_elementwise(std::span<const Tensor> inputs, Domain domain);
/// The strides of x over a result of shape `target`: its own where it has that shape, else those of
/// the broadcast, written to `room`.
inline const std::int64_t* strides_over(const In& x, const Shape& target, Shape& room) {
  if (x.shape() == target) return x.strides().data();
  room = x.layout->strides_over(target);
  return room.data();
}
/// Writes the elements of x to `to`, an element of the same dtype, in steps of `strides`.
void copy_elements(const In& x, void* to, const Shape& strides);
/// y = f(x) for floats or doubles; throws DTypeError for others.
void apply_function(kernels::MathFunction f, const In& x, const Out& y);
/// Throws DTypeError for a bool where numbers are needed.
void check_domain(DType dtype, Domain domain);

/// Calls f<T>() for the dtypes of a domain.
template <Domain domain, class F>
void dispatch_domain(DType dtype, F&& f) {
  if constexpr (domain == Domain::floating) {
    dispatch_floating(dtype, f);
  } else if constexpr (domain == Domain::numbers) {
    dispatch(dtype, [&]<class T>() {
      if constexpr (!std::is_same_v<T, bool>) f.template operator()<T>();
    });
  } else {
    dispatch(dtype, f);
  }
}

template <class D>
constexpr Domain domain_of() {
  if constexpr (requires { D::domain; })
    return D::domain;
  else
    return Domain::floating;
}

/// Computes with integers modulo 2^bits, where plain C++ would be undefined on overflow.
template <class T, class F>
T wrapping(T a, T b, F f) {
  if constexpr (std::is_floating_point_v<T>) {
    return f(a, b);
  } else {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(f(static_cast<std::uint64_t>(static_cast<U>(a)),
                                           static_cast<std::uint64_t>(static_cast<U>(b)))));
  }
}

/// False for every integer.
template <class T>
bool is_nan(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(x);
  else
    return false;
}

/// y = value(x)
template <class D>
struct Unary {
  static constexpr bool in_place_safe = true;
  static constexpr int elementwise = 1;
  static constexpr bool is_truth() {
    if constexpr (requires(const D d) { d.value(1.0f); })
      return std::is_same_v<decltype(std::declval<D>().value(1.0f)), bool>;
    return false;
  }

  Tensors prepare(std::span<const Tensor> inputs) const {
    return prepare_elementwise(inputs, domain_of<D>());
  }
  Spec infer(const Spec& x) const {
    check_domain(x.dtype, domain_of<D>());
    DType result = x.dtype;
    dispatch_domain<domain_of<D>()>(
        x.dtype, [&]<class T>() { result = dtype_of<decltype(self().value(T{}))>; });
    return {x.shape, result};
  }
  void forward(const In& x, const Out& y) const {
    dispatch_domain<domain_of<D>()>(x.dtype, [&]<class T>() {
      using R = decltype(self().value(T{}));
      kernels::map1([&](T v) { return self().value(v); }, x.as<T>(), x.strides().data(), y.as<R>(),
                    y.strides().data(), y.shape().data(), y.shape().rank());
    });
  }
  template <class S = D>
  requires requires(const S s, const Call& c) { s.derivative(c); }
  Tensors vjp(const Call& c, const Tensor& g) const { return {g * self().derivative(c)}; }

 private:
  const D& self() const { return static_cast<const D&>(*this); }
};

/// y = function(x), one of kernels/functions.h.
template <class D>
struct UnaryFunction : Unary<D> {
  Spec infer(const Spec& x) const { return {x.shape, to_floating(x.dtype)}; }
  void forward(const In& x, const Out& y) const { apply_function(D::function, x, y); }
};

/// y = value(a, b), broadcast. The definition's `gradient(call, g, i)` is the cotangent of input i
/// at the output's shape; it is summed to the input's shape here.
template <class D>
struct Binary {
  static constexpr bool in_place_safe = true;
  static constexpr int elementwise = 2;
  static constexpr bool is_truth() {
    return std::is_same_v<decltype(std::declval<D>().value(1.0f, 1.0f)), bool>;
  }

  Tensors prepare(std::span<const Tensor> inputs) const {
    return prepare_elementwise(inputs, domain_of<D>());
  }
  Spec infer(const Spec& a, const Spec& b) const {
    check_domain(a.dtype, domain_of<D>());
    DType result = a.dtype;
    dispatch_domain<domain_of<D>()>(
        a.dtype, [&]<class T>() { result = dtype_of<decltype(self().value(T{}, T{}))>; });
    return {broadcast_shapes(a.shape, b.shape), result};
  }
  void forward(const In& a, const In& b, const Out& y) const {
    Shape room_a, room_b;
    const std::int64_t* strides_a = strides_over(a, y.shape(), room_a);
    const std::int64_t* strides_b = strides_over(b, y.shape(), room_b);
    dispatch_domain<domain_of<D>()>(a.dtype, [&]<class T>() {
      using R = decltype(self().value(T{}, T{}));
      kernels::map2([&](T v, T w) { return self().value(v, w); }, a.as<T>(), strides_a, b.as<T>(),
                    strides_b, y.as<R>(), y.strides().data(), y.shape().data(), y.shape().rank());
    });
  }
  template <class S = D>
  requires requires(const S s, const Call& c, const Tensor& g) { s.gradient(c, g, 0); }
  Tensors vjp(const Call& c, const Tensor& g) const {
    Tensors gradients(2);
    for (std::size_t i = 0; i < 2; ++i)
      if (c.needs(i)) gradients[i] = sum_to(self().gradient(c, g, i), c.input_spec(i).shape);
    return gradients;
  }

 private:
  const D& self() const { return static_cast<const D&>(*this); }
};

}  // namespace gradus::op
