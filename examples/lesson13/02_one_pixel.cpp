// Chapter 2. One pixel and a line
//
// The smallest model there is: look at **one** pixel and guess "is it a 3?" with a straight line,
// $\hat y = a x + b$. It will be bad, and that is the point: a line is all that one weight and one
// bias can say, and adding more lines does not help.
#include <gradus/gradus.h>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

// How to tell a line from what bends: on a line every step to the right goes up by the same amount.
// Step less the step before, the second difference, is 0 everywhere.
static double second_difference(const Tensor& y) {
  const std::int64_t n = y.size(0);
  const Tensor left = y[Slice{0, n - 2}], middle = y[Slice{1, n - 1}], right = y[Slice{2, n}];
  return max(abs(left - 2 * middle + right)).item();
}

static void run() {
  const Data& d = lesson::data();
  const Tensor is_three = (d.y_train == 3).astype(DType::f32);
  row(4, "share of threes in the training set", 5101. / 50000, is_three.mean().item(), 1e-7,
      mnist_only);
  std::cout << "share of threes: " << is_three.mean().item() << "\n";

  // ## The best line for one pixel
  // The pixel in row 14, column 14. Setting the derivative of the squared error to zero gives the
  // slope: how pixel and answer vary together, divided by how the pixel varies.
  const Tensor x = d.x_train[{all, 14 * 28 + 14}];
  const Tensor x_off = x - x.mean(), y_off = is_three - is_three.mean();
  const double a = (x_off * y_off).mean().item() / (x_off * x_off).mean().item();
  const double b = is_three.mean().item() - a * x.mean().item();
  const double constant_error = (y_off * y_off).mean().item();
  const double line_error = square(is_three - (a * x + b)).mean().item();
  std::cout << "line: " << a << " x + " << b << "\nmean squared error: " << line_error
            << " (always saying the share: " << constant_error << ")\n";
  also_band(4, "error of the line, below that of a constant", 0, constant_error, line_error);

  // ## The same line by walking downhill
  // Start with slope and offset 0. Measure how the error changes with each of the two, and move
  // both a little the other way; 200 times. No formula for the best line is needed, only slopes,
  // and so it works for models that have no such formula: it is what the rest of the lesson does.
  Tensor slope = zeros({}).set_requires_grad(), offset = zeros({}).set_requires_grad();
  optim::SGD opt({slope, offset}, {.lr = .5});
  for (int step = 0; step < 200; ++step) {
    square(slope * x + offset - is_three).mean().backward();
    opt.step();
    opt.zero_grad();
  }
  std::cout << "by gradient descent: " << slope.item() << " x + " << offset.item() << "\n";
  also(4, "slope by descent less slope by formula", 0, slope.item() - a, 1e-3);
  also(4, "offset likewise", 0, offset.item() - b, 1e-3);

  // ## A sum of lines is a line
  // More lines added up give one more line: $(a_1 x + b_1) + (a_2 x + b_2) = (a_1 + a_2) x + (b_1 +
  // b_2)$. Its second difference is zero everywhere. Something must bend.
  const Tensor t = linspace(0, 10, 11, DType::f64);
  const Tensor sum = (2 * t + 1) + (-5 * t + 3) + (.5 * t - 7);
  std::cout << "three lines added up, at 0, 1, 2, 3: " << sum[Slice{0, 4}] << "\n";
  row(5, "second difference of a sum of three lines", 0, second_difference(sum), 0);
  also(5, "of a sum of two rectified lines, it bends", 3,
       second_difference(relu(t - 5) + relu(10 - 2 * t)), 0);
}

static const Chapter chapter{2, "One pixel and a line", run};
