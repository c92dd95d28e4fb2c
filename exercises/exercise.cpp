// How a check compares and what it says; see exercise.h.
#include <exercises/exercise.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace exercises {
namespace {

using gradus::Shape;
using gradus::Tensor;

struct NotFilledIn : std::exception {};

std::vector<const Exercise*>& registry() {
  static std::vector<const Exercise*> exercises;
  return exercises;
}

std::string text(double value) {
  char word[32];
  std::snprintf(word, sizeof word, "%.6g", value);
  return word;
}

/// What may lie behind a wrong shape; empty when nothing comes to mind.
std::string guess_shape(const Shape& here, const Shape& expected) {
  std::vector<std::int64_t> a = here.to_vector(), b = expected.to_vector();
  if (std::equal(a.begin(), a.end(), b.rbegin(), b.rend())) return ": transposed?";
  const auto without_ones = [](std::vector<std::int64_t> sizes) {
    std::erase(sizes, 1);
    return sizes;
  };
  if (without_ones(a) == without_ones(b))
    return a.size() > b.size() ? ": an axis of size 1 is left over"
                               : ": an axis of size 1 is missing";
  if (a.size() == 2 && a[0] == a[1] && b.size() == 1 && b[0] == a[0])
    return ": (n,1) with (n) broadcasts to (n,n)";
  if (a.size() < b.size()) return ": summed over too many axes?";
  if (a.size() > b.size()) return ": an axis is not summed over";
  if (here.numel() == expected.numel()) return ": as many numbers, in another arrangement";
  return "";
}

/// What a constant factor between both may mean.
std::string guess_factor(double factor, std::int64_t rows) {
  const auto is = [&](double wanted) { return std::abs(factor / wanted - 1) < 1e-3; };
  if (is(-1)) return "has the wrong sign";
  const std::string is_times = "is " + text(factor) + " times what it should be: ";
  const double n = static_cast<double>(rows);
  if (rows > 1 && is(1 / n)) return is_times + "a mean over the batch where a sum belongs?";
  if (rows > 1 && is(n)) return is_times + "divide by the number of rows";
  if (is(.5)) return is_times + "a factor of 2 is missing";
  if (is(1 / std::log(10.))) return is_times + "a logarithm of base 10?";
  return is_times + "a factor";
}

std::string position(const Shape& shape, std::int64_t flat) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t axis = index.size(); axis-- > 0; flat /= shape[static_cast<int>(axis)])
    index[axis] = flat % shape[static_cast<int>(axis)];
  std::string at;
  for (std::int64_t i : index) at += (at.empty() ? "" : ",") + std::to_string(i);
  return "[" + at + "]";
}

/// What is wrong with numbers of the right shape; empty when they agree.
std::string compare(const Tensor& here, const Tensor& expected, std::int64_t rows,
                    double tolerance) {
  const std::vector<double> a = here.to_vector<double>(), b = expected.to_vector<double>();
  std::size_t worst = 0;
  double largest = 0, scale = 1, factor = 0;
  bool is_factor = true;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) && std::isfinite(b[i]))
      return "holds " + std::string(std::isnan(a[i]) ? "nan" : "inf") + " at " +
             position(here.shape(), static_cast<std::int64_t>(i)) + ", expected " + text(b[i]) +
             ": an exponential that is too large? take the maximum out first";
    scale = std::max(scale, std::abs(b[i]));
    if (std::abs(a[i] - b[i]) > largest) {
      largest = std::abs(a[i] - b[i]);
      worst = i;
    }
    if (std::abs(b[i]) > 1e-3) {
      if (factor == 0) factor = a[i] / b[i];
      is_factor = is_factor && std::abs(a[i] / b[i] - factor) < 1e-3 * std::abs(factor);
    } else {
      is_factor = is_factor && std::abs(a[i]) < 1e-2;
    }
  }
  if (largest <= tolerance * scale) return "";
  if (std::all_of(a.begin(), a.end(), [](double v) { return v == 0; })) return "is zero everywhere";
  if (is_factor && factor != 0) return guess_factor(factor, rows);
  const std::int64_t n = here.ndim() == 2 ? here.size(0) : 0;
  if (n > 0 && n == here.size(1) && compare(here.T(), expected, 0, tolerance).empty())
    return "is transposed";
  return "differs most at " + position(here.shape(), static_cast<std::int64_t>(worst)) + ": " +
         text(a[worst]) + ", expected " + text(b[worst]);
}

}  // namespace

void fill_in() { throw NotFilledIn(); }

bool Check::that(bool ok, const std::string& name, const std::string& message) {
  findings_.push_back({ok, ok ? name : message});
  return ok;
}

bool Check::tensor(const std::string& name, const Tensor& here, const Tensor& expected,
                   std::int64_t rows, double tolerance) {
  if (!here.defined()) return that(false, name, name + " was not set: it holds no tensor");
  if (here.shape() != expected.shape())
    return that(false, name,
                name + " has shape " + here.shape().str() + ", expected " + expected.shape().str() +
                    guess_shape(here.shape(), expected.shape()));
  const std::string problem = compare(here, expected, rows, tolerance);
  return that(problem.empty(), name + " " + here.shape().str(), name + " " + problem);
}

bool Check::number(const std::string& name, double here, double expected, double tolerance) {
  return that(std::abs(here - expected) <= tolerance, name + " " + text(here),
              name + " is " + text(here) + ", expected " + text(expected));
}

bool Check::attempt(const std::string& name, const std::function<void()>& code) {
  try {
    code();
    return true;
  } catch (const NotFilledIn&) {
    findings_.push_back({false, name + " is still empty: fill it in"});
  } catch (const std::exception& error) {
    findings_.push_back({false, name + " threw an error: " + error.what()});
  }
  return false;
}

bool Check::passed() const {
  return !findings_.empty() &&
         std::all_of(findings_.begin(), findings_.end(), [](const Finding& f) { return f.ok; });
}

std::string Check::str() const {
  std::string lines;
  for (const Finding& f : findings_) lines += (f.ok ? "  right  " : "  wrong  ") + f.text + "\n";
  const auto right =
      std::count_if(findings_.begin(), findings_.end(), [](const Finding& f) { return f.ok; });
  return lines + std::to_string(right) + " of " + std::to_string(findings_.size()) + " right\n";
}

Exercise::Exercise(int number_, std::string_view title_, std::function<void(Check&)> check_)
    : number(number_), title(title_), check(std::move(check_)) {
  registry().push_back(this);
}

std::vector<const Exercise*> registered() {
  std::vector<const Exercise*> exercises = registry();
  std::sort(exercises.begin(), exercises.end(),
            [](const Exercise* a, const Exercise* b) { return a->number < b->number; });
  return exercises;
}

}  // namespace exercises
