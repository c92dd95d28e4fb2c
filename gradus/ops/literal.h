// Numbers in braces, as deep as the tensor has axes: what `tensor({{1, 2}, {3, 4}})` takes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <variant>

namespace gradus {

/// One number, or parts in braces which are literals themselves. For parameters alone: it refers
/// to the braces, which end with the call.
class Literal {
 public:
  using Number = std::variant<double, std::int64_t, bool>;
  template <class T>
  requires std::is_arithmetic_v<T> Literal(T number) {
    if constexpr (std::is_floating_point_v<T>)
      number_ = static_cast<double>(number);
    else if constexpr (std::is_same_v<T, bool>)
      number_ = number;
    else
      number_ = static_cast<std::int64_t>(number);
  }
  Literal(std::initializer_list<Literal> parts) : parts_(parts), in_braces_(true) {}

  bool is_number() const { return !in_braces_; }
  /// Of a number.
  Number number() const { return number_; }
  /// Of braces.
  std::initializer_list<Literal> parts() const { return parts_; }

 private:
  Number number_;
  std::initializer_list<Literal> parts_;
  bool in_braces_ = false;
};

}  // namespace gradus
