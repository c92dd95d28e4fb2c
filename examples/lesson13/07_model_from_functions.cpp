// Chapter 7. A model is a function made of functions
//
// Two matrix products with a bend between them: $\mathrm{lin}(x) = xW + b$, then
// $\mathrm{relu}(x) = \max(0, x)$, then $\mathrm{lin}$ again. The first turns 784 pixels into 50
// hidden numbers, the second turns those into the answer. Nothing here is more than a function.
#include <gradus/gradus.h>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

static Tensor lin(const Tensor& x, const Tensor& w, const Tensor& b) { return matmul(x, w) + b; }

static void run() {
  const Data& d = lesson::data();
  const std::int64_t m = d.x_train.size(1);

  // ## Weights
  // nh is the number of hidden units, chosen by us. Weights start from random numbers, biases from
  // zero. The answer is **one** number, the digit itself: a hack, to keep the first net small.
  const std::int64_t nh = 50;
  manual_seed(42);
  const Tensor w1 = randn({m, nh}), b1 = zeros({nh});
  const Tensor w2 = randn({nh, 1}), b2 = zeros({1});
  std::cout << "w1 " << w1.shape().str() << "  b1 " << b1.shape().str() << "  w2 "
            << w2.shape().str() << "  b2 " << b2.shape().str() << "\n";
  row(10, "nh, hidden units: columns of w1", 50, static_cast<double>(w1.size(1)), 0);
  // The lecture says "50,000 by 50" here; the weights are 784 by 50.
  row(14, "parameters in w1, b1, w2, b2", 39301,
      static_cast<double>(w1.numel() + b1.numel() + w2.numel() + b2.numel()), 0);
  also_text(14, "w1", "[784,50]", w1.shape().str());

  // Why a hack: to this loss a 9 in place of a 2 is far worse than a 4, though both are wrong.
  row(15, "one output: error of saying 9 for a 2", 49, square(tensor({9.}) - 2).item(), 0);
  also(15, "error of saying 4 for a 2", 4, square(tensor({4.}) - 2).item(), 0);

  // ## Layer by layer
  // The first layer gives 50 numbers for each picture, about half of them negative. relu sets those
  // to zero: this is where the bends of chapter 3 come in.
  const Tensor t = lin(d.x_valid, w1, b1);
  row_text(16, "lin(x_valid, w1, b1)", "[10000,50]", t.shape().str(), mnist_only);

  const Tensor l1 = relu(t);
  const PrintOptions before = print_options();
  print_options() = {.precision = 2, .linewidth = 80, .scientific = false};
  std::cout << "relu(lin(x_valid)) =\n" << l1 << "\n";
  const std::string shown = to_string(l1);
  print_options() = before;
  // The corners, as the lesson printed them.
  const std::int64_t at[] = {0, 1, 2, -3, -2, -1};
  const std::vector<double> printed[] = {
      {0, 11.87, 0, 5.48, 2.14, 15.30},   {5.38, 10.21, 0, .88, .08, 20.23},
      {3.31, .12, 3.10, 16.89, 0, 24.74}, {4.01, 10.35, 0, .23, 0, 18.28},
      {10.62, 0, 10.72, 0, 0, 18.23},     {2.84, 0, 1.43, 0, 5.75, 2.12}};
  for (int i = 0; i < 6; ++i) {
    const Tensor line = concat({l1[{at[i], Slice{0, 3}}], l1[{at[i], Slice{-3, {}}}]});
    const double apart = max(abs(line - Tensor::of(printed[i], {6}))).item();
    const std::string name = "row " + std::to_string(at[i]) + ", largest of six differences";
    if (i == 0) row(17, "relu shown: " + name, 0, apart, .005, mnist_only);
    if (i > 0) also(17, name, 0, apart, .005, mnist_only);
  }
  also_text(17, "what is too long is printed with", "...",
            shown.find("...") != std::string::npos ? "..." : "all of it");
  also(17, "smallest value: nothing is below", 0, min(l1).item(), 0);

  // ## The model
  // Three functions, one after the other, are one function.
  const auto model = [&](const Tensor& x) { return lin(relu(lin(x, w1, b1)), w2, b2); };
  std::cout << "x_valid " << d.x_valid.shape() << " -> model(x_valid) " << model(d.x_valid).shape()
            << "\n";
  row_text(18, "model(x_valid): lin, relu, lin", "[10000,1]", model(d.x_valid).shape().str(),
           mnist_only);

  // With ten columns in the second matrix there is a score for each digit, as later in the lesson.
  const Tensor hidden = relu(lin(d.x_train, w1, b1));
  const Tensor scores = lin(hidden, randn({nh, 10}), zeros({10}));
  row_text(12, "784 x 50, cut off", "[50000,50]", hidden.shape().str(), mnist_only);
  also_text(12, "then 50 x 10", "[50000,10]", scores.shape().str(), mnist_only);
}

static const Chapter chapter{7, "A model is a function made of functions", run};
