// Chapter 16. Softmax, log-sum-exp, cross-entropy
//
// One output that should equal the digit was a trick to get started: a 7 is not "more" than a 2.
// Now the net has **ten outputs**, one score for each digit, and the loss has to compare ten scores
// with one label. Three steps do it: scores become probabilities (softmax), probabilities become
// logarithms, and the loss is minus the logarithm at the right answer (cross-entropy).
#include <gradus/gradus.h>

#include <cmath>

#include "lesson.h"
#include "softmax.h"

using namespace gradus;
using namespace lesson;

// ## From scores to probabilities, and their logarithm, three times
//
// -> softmax.h
//
// ## The spreadsheet
// Five outputs for one picture that shows a dog. The target is a one-hot row: 1 for dog, 0 else.
// The sheet shows six digits of each output, so what follows from them agrees to about 1e-6.
static void spreadsheet() {
  const Tensor output = tensor({-4.88522, 2.59747, .591665, -2.06894, -4.56868}, DType::f64);
  const char* names[] = {"cat", "dog", "plane", "fish", "building"};
  const Tensor p = softmax_by_hand(output), target = one_hot(tensor({1}), 5, DType::f64)[0];
  const Tensor product = target * log(p);
  std::cout << text("%-10s%10s%12s%10s%8s%14s\n", "", "output", "exp", "softmax", "target",
                    "target*ln p");
  for (int i = 0; i < 5; ++i)
    std::cout << text("%-10s%10.5f%12.6f%10.6f%8.0f%14.6f\n", names[i], output[i].item(),
                      exp(output)[i].item(), p[i].item(), target[i].item(), product[i].item() + 0.);

  row(81, "sum of the exponentials", 15.380998, exp(output).sum().item(), 1e-4);
  also_each(81, "softmax of cat, dog, plane, fish, building",
            {.000491, .873139, .117482, .008213, .000674}, p, 1e-6);
  // Minus the sum of the last column. All targets but one are 0, so the sum only looks up dog.
  row(82, "cross-entropy of the dog", .1356600528, -product.sum().item(), 1e-6);
  also(82, "the lookup alone", .1356600528, -std::log(p[1].item()), 1e-6);
  // A trap: LOG in a spreadsheet is the logarithm of base 10. The sheet shows this number instead:
  also(82, "with LOG of base 10, as the sheet says", .0589164, -std::log10(p[1].item()), 1e-6);
  row(83, "softmax adds up to", 1, p.sum().item(), 1e-12);
}

// ## The rules
// Three rules of logarithms and powers do all the work below: a quotient becomes a difference, a
// product becomes a sum, and powers of one base multiply by adding their exponents.
static void rules() {
  row(85, "ln(6/3) against ln 6 - ln 3", std::log(6. / 3), std::log(6.) - std::log(3.), 1e-15);
  // Logarithms turn products into sums: three years of interest with additions only.
  row(86, "5 %, 10 %, 2 % a year", 1.1781,
      std::exp(std::log(1.05) + std::log(1.1) + std::log(1.02)), 1e-12);
  row(90, "2^2 * 2^3 = 2^(2+3)", 32, (pow(2., tensor({2.})) * pow(2., tensor({3.}))).item(), 0);
}

// ## Why the maximum is taken out
// On paper the versions are equal. But f32 ends at $3.4\cdot10^{38}$, and $e^{89}$ is beyond: it
// becomes infinity, infinity by infinity is no number (nan), and the gradient is lost with it.
static void overflow() {
  std::cout << "log_softmax of (0, 89): naive " << log_softmax_naive(tensor({0., 89.}))
            << ", stable " << log_softmax_stable(tensor({0., 89.})) << "\n";
  row_text(88, "exp(89) in f32", "inf", to_string(exp(Tensor::scalar(89))));
  Tensor x = tensor({0., 89.}).set_requires_grad();
  const auto finite = [&](const Tensor& y) {
    x.zero_grad();
    y[1].backward();
    return astype(isfinite(y), DType::f64).sum().item() +
           astype(isfinite(x.grad()), DType::f64).sum().item();
  };
  also(88, "naive version of (0, 89): finite among 2 values, 2 slopes", 0,
       finite(log_softmax_naive(x)), 0);
  also(88, "maximum taken out: finite among them", 4, finite(log_softmax_stable(x)), 0);

  Tensor big = tensor({1000., 1001., 1002.}, DType::f64).set_requires_grad();
  row(89, "logsumexp(1000, 1001, 1002)", 1002.4076059644, logsumexp_by_hand(big).item(), 1e-10);
  also(89, "the library's", 1002.4076059644, logsumexp(big, {-1}).item(), 1e-10);
  // Its gradient is softmax, which is safe as well.
  logsumexp(big, {-1}).backward();
  also(89, "its gradient less softmax", 0, max(abs(big.grad() - softmax(big))).item(), 1e-15);
}

// The first and last three numbers of a row, with two digits.
static std::string ends_of_row(const Tensor& x, int row) {
  std::string words;
  for (const Slice& end : {Slice{0, 3}, Slice{-3, {}}}) {
    if (!words.empty()) words += " ..";
    for (double value : x[{row, end}].to_vector<double>()) words += text("%6.2f", value);
  }
  return words;
}

static void run() {
  spreadsheet();
  rules();
  overflow();

  // ## The same on the digits
  // The net of the second notebook, untrained: ten scores for each of the training images.
  const Data& d = lesson::data();
  manual_seed(1);
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  NoGrad guard;
  const Tensor pred = net(d.x_train), naive = log_softmax_naive(pred);
  std::cout << "pred " << pred.shape().str() << "\n";

  const char* printed[] = {" -2.37 -2.49 -2.36 .. -2.31 -2.28 -2.22",
                           " -2.37 -2.44 -2.44 .. -2.27 -2.26 -2.16",
                           " -2.48 -2.33 -2.28 .. -2.30 -2.30 -2.27"};
  for (int i : {0, 1, 2})
    std::cout << "log_softmax, row " << i << ":" << ends_of_row(naive, i) << "\n";
  row_text(84, "log_softmax(pred), row 0", printed[0], ends_of_row(naive, 0), mnist_only);
  for (int i = 0; i < 3; ++i) {
    const std::string name = ", row " + std::to_string(i);
    if (i > 0)
      also_text(84, "log_softmax(pred)" + name, printed[i], ends_of_row(naive, i), mnist_only);
    const Tensor stable = log_softmax_stable(pred), library = log_softmax(pred);
    (i ? also_text : row_text)(87, "with log rules" + name, printed[i],
                               ends_of_row(log_softmax_rules(pred), i), mnist_only);
    (i ? also_text : row_text)(92, "the library's log_softmax" + name, printed[i],
                               ends_of_row(library, i), mnist_only);
    also_text(92, "x - logsumexp(x)" + name, printed[i], ends_of_row(stable, i), mnist_only);
  }
  const auto apart = [](const Tensor& a, const Tensor& b) { return max(abs(a - b)).item(); };
  also(87, "largest difference from naive", 0, apart(log_softmax_rules(pred), naive), 1e-6);
  row(91, "by hand less the library's logsumexp", 0,
      apart(logsumexp_by_hand(pred), logsumexp(pred, {-1})), 1e-6);
  also(92, "largest difference from naive", 0, apart(log_softmax(pred), naive), 1e-6);

  // ## Integers instead of one-hot rows
  // Multiplying by zeros only to add them up is a detour: an integer label can look up its
  // logarithm directly (chapter 17 writes the lookup). Both give the same loss.
  const Tensor onehot = one_hot(d.y_train, 10);
  const double with_rows = -mean((onehot * naive).sum({-1})).item(),
               with_integers = cross_entropy(pred, d.y_train).item();
  std::cout << "loss with one-hot rows " << with_rows << ", with integers " << with_integers
            << "; ln 10 = " << std::log(10.) << "\n";
  row(80, "one-hot targets less integer targets", 0, with_rows - with_integers, 1e-6);
  also(80, "the library with one-hot targets", 0,
       cross_entropy(pred, onehot).item() - with_integers, 1e-6);
  row(93, "cross-entropy of the untrained net", 2.300276, with_integers, 1e-6, mnist_only);
  also(93, "it knows nothing yet: about ln 10", std::log(10.), with_integers, .02);
}

static const Chapter chapter{16, "Softmax, log-sum-exp, cross-entropy", run};
