// Numbers of expressions: fractions of whole numbers as long as they fit 64 bits, else doubles.
// The one idea: 1/3 + 1/6 is 1/2, and 3 * 0.1 is 0.3, as on paper.
// Next: expression.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::symbolic {

class Number {
 public:
  Number(std::int64_t whole = 0) : top_(whole) {}  // NOLINT: a whole number is a Number
  /// top/bottom in lowest terms. `bottom` is not 0.
  static Number fraction(std::int64_t top, std::int64_t bottom);
  /// A finite double that no fraction of 64 bits stands for.
  static Number real(double value);
  /// "12", "0.25", "1e-3": decimals stay exact where they fit. Nothing if the text is no number or
  /// too large for a double.
  static std::optional<Number> read(std::string_view digits);

  bool is_exact() const { return exact_; }
  bool is_whole() const { return exact_ && bottom_ == 1; }
  bool is_even() const { return is_whole() && top_ % 2 == 0; }
  bool is_zero() const { return value() == 0; }
  bool is_one() const { return is_whole() && top_ == 1; }
  bool is_negative() const { return value() < 0; }
  /// Written with a point: 0.5, not 1/2.
  bool is_decimal() const;
  std::int64_t top() const { return top_; }        ///< numerator; exact numbers only
  std::int64_t bottom() const { return bottom_; }  ///< denominator, positive; exact numbers only
  double value() const;
  /// "3", "-0.25", "2/3", "1e+30": `read` understands all but the fraction.
  std::string text() const;

  friend Number operator+(const Number& a, const Number& b);
  friend Number operator*(const Number& a, const Number& b);
  Number operator-() const { return *this * Number(-1); }
  friend bool operator==(const Number& a, const Number& b);
  friend bool operator<(const Number& a, const Number& b);
  /// a^b where the result is a fraction (4^(1/2), 2^-3) or where a or b is a double; else nothing.
  friend std::optional<Number> pow(const Number& a, const Number& b);

 private:
  std::int64_t top_ = 0, bottom_ = 1;
  bool exact_ = true;
  bool point_ = false;  ///< a decimal point was written somewhere
  double real_ = 0;
};

}  // namespace gradus::symbolic
