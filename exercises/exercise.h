// What an exercise is made of: a function with an empty body, a check that says what is wrong with
// it, and one line that joins the two. Start with 1_matmul.cpp; README.md says how to run it.
#pragma once

#include <gradus/gradus.h>

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace exercises {

/// Stands where your code goes.
[[noreturn]] void fill_in();

/// Collects what is right and what is wrong.
class Check {
 public:
  struct Finding {
    bool ok;
    std::string text;
  };

  /// Compares shape, then numbers, and says how they differ: transposed, an axis too many, a
  /// constant factor, the wrong sign, the place of the largest difference. `rows` is the size of
  /// the batch, for the factor of a mean in place of a sum.
  bool tensor(const std::string& name, const gradus::Tensor& here, const gradus::Tensor& expected,
              std::int64_t rows = 0, double tolerance = 1e-5);
  bool number(const std::string& name, double here, double expected, double tolerance = 1e-6);
  /// `message` says what is wrong when `ok` is false.
  bool that(bool ok, const std::string& name, const std::string& message);
  /// Runs code of the learner: an exception, and an empty body, become findings. False then.
  bool attempt(const std::string& name, const std::function<void()>& code);

  const std::vector<Finding>& findings() const { return findings_; }
  bool passed() const;
  /// One line a finding, and how many are right.
  std::string str() const;

 private:
  std::vector<Finding> findings_;
};

/// An exercise of the program it is linked into.
struct Exercise {
  Exercise(int number, std::string_view title, std::function<void(Check&)> check);
  int number;
  std::string_view title;
  std::function<void(Check&)> check;
};
/// All that are linked in, by number.
std::vector<const Exercise*> registered();

}  // namespace exercises
