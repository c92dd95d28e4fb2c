// Fractions in 128 bits between, 64 bits at rest.
#include <gradus/symbolic/number.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

namespace gradus::symbolic {
namespace {

__extension__ using Wide = __int128;

Wide gcd(Wide a, Wide b) {
  a = a < 0 ? -a : a;
  while (b != 0) {
    const Wide rest = a % b;
    a = b;
    b = rest < 0 ? -rest : rest;
  }
  return a;
}

bool fits(Wide x) {
  const Wide most = std::numeric_limits<std::int64_t>::max();
  return x <= most && x >= -most;
}

/// top/bottom if it fits, else nothing.
std::optional<Number> reduced(Wide top, Wide bottom) {
  const Wide g = gcd(top, bottom);
  if (bottom < 0) {
    top = -top;
    bottom = -bottom;
  }
  if (g > 1) {
    top /= g;
    bottom /= g;
  }
  if (!fits(top) || !fits(bottom)) return std::nullopt;
  return Number::fraction(static_cast<std::int64_t>(top), static_cast<std::int64_t>(bottom));
}

std::optional<Number> whole_power(const Number& a, std::int64_t n) {
  if (n < 0 && a.top() == 0) return std::nullopt;
  Number result(1);
  // Any base but 0, 1 and -1 leaves 64 bits before the 64th power.
  if (a.top() == 0 || (a.bottom() == 1 && std::abs(a.top()) == 1))
    n = n == 0 ? 0 : n % 2 == 0 ? 2 : 1;
  const std::int64_t count = n < 0 ? -n : n;
  if (count > 64) return std::nullopt;
  for (std::int64_t i = 0; i < count; ++i) {
    result = result * a;
    if (!result.is_exact()) return std::nullopt;
  }
  if (n < 0) return reduced(result.bottom(), result.top());
  return result;
}

/// The whole n-th root of a whole number >= 0, if there is one.
std::optional<std::int64_t> whole_root(std::int64_t a, std::int64_t n) {
  const auto guess = std::llround(std::pow(static_cast<double>(a), 1.0 / static_cast<double>(n)));
  const std::optional<Number> back = whole_power(Number(guess), n);
  return back && *back == Number(a) ? std::optional<std::int64_t>(guess) : std::nullopt;
}

}  // namespace

Number Number::fraction(std::int64_t top, std::int64_t bottom) {
  Number n;
  const std::int64_t g = std::gcd(top, bottom);
  n.top_ = (bottom < 0 ? -top : top) / (g ? g : 1);
  n.bottom_ = std::abs(bottom) / (g ? g : 1);
  return n;
}

Number Number::real(double value) {
  Number n;
  n.exact_ = false;
  n.real_ = value;
  return n;
}

std::optional<Number> Number::read(std::string_view digits) {
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error == std::errc::result_out_of_range) {  // too small is 0, too large is refused
    const std::size_t exponent = digits.find_first_of("eE");
    if (exponent == digits.npos || digits.find('-', exponent) == digits.npos) return std::nullopt;
    value = 0;
  } else if (error != std::errc() || stop != end || !std::isfinite(value)) {
    return std::nullopt;
  }
  Wide top = 0, bottom = 1;
  bool after_point = false, point = false, small = true;
  std::size_t i = 0;
  for (; small && i < digits.size() && digits[i] != 'e' && digits[i] != 'E'; ++i) {
    if (digits[i] == '.') {
      after_point = point = true;
      continue;
    }
    top = top * 10 + (digits[i] - '0');
    if (after_point) bottom *= 10;
    small = fits(top) && fits(bottom);
  }
  int exponent = 0;
  if (small && i < digits.size()) {
    if (digits[i + 1] == '+') ++i;
    small = std::from_chars(digits.data() + i + 1, end, exponent).ec == std::errc() &&
            std::abs(exponent) <= 18;
    point = point || exponent < 0;
  }
  for (; small && exponent != 0; exponent -= exponent < 0 ? -1 : 1)
    (exponent < 0 ? bottom : top) *= 10;
  const std::optional<Number> exact = small ? reduced(top, bottom) : std::nullopt;
  if (!exact) return real(value);
  Number n = *exact;
  n.point_ = point;
  return n;
}

double Number::value() const {
  return exact_ ? static_cast<double>(top_) / static_cast<double>(bottom_) : real_;
}

bool Number::is_decimal() const {
  if (!exact_) return true;
  if (!point_ || bottom_ == 1) return false;
  std::int64_t rest = bottom_;
  while (rest % 2 == 0) rest /= 2;
  while (rest % 5 == 0) rest /= 5;
  // A double shows up to 15 digits as they were written.
  return rest == 1 && bottom_ <= 1'000'000'000'000 && std::abs(top_) <= 999'999'999'999'999;
}

std::string Number::text() const {
  if (exact_ && !is_decimal())
    return std::to_string(top_) + (bottom_ == 1 ? "" : "/" + std::to_string(bottom_));
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value()).ptr};
}

Number operator+(const Number& a, const Number& b) {
  if (a.exact_ && b.exact_) {
    // Each product has fewer than 127 bits, their sum fewer than 128.
    const std::optional<Number> sum =
        reduced(Wide(a.top_) * b.bottom_ + Wide(b.top_) * a.bottom_, Wide(a.bottom_) * b.bottom_);
    if (sum) {
      Number n = *sum;
      n.point_ = a.point_ || b.point_;
      return n;
    }
  }
  return Number::real(a.value() + b.value());
}

Number operator*(const Number& a, const Number& b) {
  if (a.exact_ && b.exact_) {
    const std::optional<Number> product =
        reduced(Wide(a.top_) * b.top_, Wide(a.bottom_) * b.bottom_);
    if (product) {
      Number n = *product;
      n.point_ = a.point_ || b.point_;
      return n;
    }
  }
  return Number::real(a.value() * b.value());
}

bool operator==(const Number& a, const Number& b) {
  if (a.exact_ != b.exact_) return false;
  return a.exact_ ? a.top_ == b.top_ && a.bottom_ == b.bottom_ : a.real_ == b.real_;
}

bool operator<(const Number& a, const Number& b) {
  if (a.exact_ && b.exact_) return Wide(a.top_) * b.bottom_ < Wide(b.top_) * a.bottom_;
  return a.value() != b.value() ? a.value() < b.value() : a.exact_ < b.exact_;
}

std::optional<Number> pow(const Number& a, const Number& b) {
  if (!a.exact_ || !b.exact_) {
    const double value = std::pow(a.value(), b.value());
    return std::isfinite(value) ? std::optional(Number::real(value)) : std::nullopt;
  }
  if (b.bottom_ == 1) {
    std::optional<Number> power = whole_power(a, b.top_);
    if (power) power->point_ = a.point_;
    return power;
  }
  if (a.top_ < 0 || b.bottom_ > 64) return std::nullopt;
  const std::optional<std::int64_t> top = whole_root(a.top_, b.bottom_);
  const std::optional<std::int64_t> bottom = whole_root(a.bottom_, b.bottom_);
  if (!top || !bottom) return std::nullopt;
  std::optional<Number> power = whole_power(Number::fraction(*top, *bottom), b.top_);
  if (power) power->point_ = a.point_;
  return power;
}

}  // namespace gradus::symbolic
