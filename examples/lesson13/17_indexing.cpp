// Chapter 17. Picking numbers with numbers
//
// Cross-entropy needs one logarithm of each row: the one in the column that the label names. A loop
// would do; an **index made of tensors** does it in one expression. `x[{rows, columns}]` walks both
// lists side by side and takes x at (rows[0], columns[0]), (rows[1], columns[1]), and so on.
#include <gradus/gradus.h>

#include <cmath>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

// ## The negative log-likelihood
// Minus the mean of what is picked.
static Tensor nll_by_hand(const Tensor& log_probabilities, const Tensor& target) {
  return -log_probabilities[{arange(target.size(0)), target}].mean();
}

// ## Picking, and what goes back
// Backward of picking is giving back: each gradient goes to the place that its number came from.
// A place that was picked twice gets both, added.
static void picking() {
  Tensor x = zeros({3, 4}).set_requires_grad();
  const Tensor rows = tensor({0, 0, 2}), columns = tensor({1, 1, 3});
  x[{rows, columns}].sum().backward();
  std::cout << "gradient of x[{0, 0, 2}, {1, 1, 3}].sum():\n" << x.grad() << "\n";
  also(94, "gradient at (0,1), picked twice", 2, x.grad()[{0, 1}].item(), 0);
  also(94, "gradient at (2,3), picked once", 1, x.grad()[{2, 3}].item(), 0);
  also(94, "all other gradients", 3, x.grad().sum().item(), 0);
}

// ## Labels that do not exist
// A label outside 0..9 must not read a neighbour's number, or any memory at all.
static void wrong_label(const Tensor& log_probabilities) {
  also_text(95, "a label of 10 among ten classes", "IndexError: index 10",
            error_of(
                [&] {
                  nll_by_hand(log_probabilities[Slice{0, 2}], tensor({3, 10}));
                },
                {"index 10"}));
}

static void run() {
  picking();
  const Data& d = lesson::data();
  manual_seed(1);
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  const Tensor pred = no_grad([&] { return net(d.x_train); });
  const Tensor logs = log_softmax(pred);

  // ## On the digits
  // The first three labels of MNIST are 5, 0, 4: their logarithms are in these three places.
  const Tensor labels = d.y_train[Slice{0, 3}];
  std::cout << "labels " << labels << "\n";
  also_text(94, "y_train[:3]", "[5, 0, 4]", to_string(labels), mnist_only);
  const Tensor picked = logs[{tensor({0, 1, 2}), tensor({5, 0, 4})}];
  std::cout << "their logarithms " << picked << "\n";
  row(94, "log_softmax(pred)[{0,1,2}, {5,0,4}], first", -2.20, picked[0].item(), .005, mnist_only);
  also_each(94, "picked", {-2.20, -2.37, -2.36}, picked, .005, mnist_only);

  const Tensor loss = nll_by_hand(logs, d.y_train);
  std::cout << "nll over the training set " << loss.item() << ", accuracy "
            << accuracy(pred, d.y_train) << "\n";
  row(95, "nll over the training set", 2.30, loss.item(), .005, mnist_only);
  also(95, "with more digits", 2.300276, loss.item(), 1e-6, mnist_only);
  also(95, "a net that knows nothing: ln 10", 2.302585, std::log(10.), 5e-7);
  also(95, "its accuracy", .11294, accuracy(pred, d.y_train), 1e-9, mnist_only);
  wrong_label(logs);

  // ## The library's three functions
  // `nll` picks, `log_softmax` makes the logarithms, `cross_entropy` does both.
  std::cout << "nll " << nll(logs, d.y_train).item() << ", cross_entropy "
            << cross_entropy(pred, d.y_train).item() << "\n";
  row(96, "nll less by hand", 0, nll(logs, d.y_train).item() - loss.item(), 1e-6);
  also(96, "nll(log_softmax) less cross_entropy", 0,
       nll(log_softmax(pred), d.y_train).item() - cross_entropy(pred, d.y_train).item(), 1e-6);

  // ## The gradient of all of it
  // Softmax, logarithm, pick, mean: four functions, and the gradient of the whole is one
  // difference,
  // $(\mathrm{softmax}(x) - \mathrm{onehot}) / n$. Each score moves by how far its probability is
  // from the truth. That is why the library fuses them: no division by a tiny probability is left.
  Tensor scores = pred[Slice{0, 64}].clone().set_requires_grad();
  const Tensor target = d.y_train[Slice{0, 64}];
  const Tensor formula = (softmax(scores) - one_hot(target, 10)).detach() / 64;
  cross_entropy(scores, target).backward();
  also(96, "gradient of cross_entropy less (softmax - onehot)/n", 0,
       max(abs(scores.grad() - formula)).item(), 1e-8);
  scores.zero_grad();
  nll_by_hand(log(exp(scores) / exp(scores).sum({-1}, true)), target).backward();
  also(96, "gradient through every step less (softmax - onehot)/n", 0,
       max(abs(scores.grad() - formula)).item(), 1e-8);
}

static const Chapter chapter{17, "Picking numbers with numbers", run};
