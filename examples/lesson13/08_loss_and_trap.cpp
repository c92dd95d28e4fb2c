// Chapter 8. The loss, and the (n,1) - (n) trap
//
// How wrong is the model? The **mean squared error** says it in one number: take the difference of
// answer and target, square it, average, $\frac{1}{n}\sum_i (\hat y_i - y_i)^2$. Simple, but the
// answers have shape [n,1] and the targets [n], and then the rules of chapter 6 play a trick.
#include <gradus/gradus.h>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

static Tensor lin(const Tensor& x, const Tensor& w, const Tensor& b) { return matmul(x, w) + b; }

// ## Mean squared error
// Takes answers as [n,1] or as [n]. Only the last axis goes: squeeze() of all unit axes would make
// a batch of one a number without any axis.
static Tensor mse_by_hand(const Tensor& output, const Tensor& targ) {
  const Tensor flat = output.ndim() > targ.ndim() ? output.squeeze({-1}) : output;
  return square(flat - targ).mean();
}

// ## The trap
// [n,1] against [n], flush right: n meets 1 and 1 meets n, so both stretch, and the difference of
// 10,000 answers and 10,000 targets is a table of 100 million. No error, only a wrong number.
static void trap(const Tensor& res, const Tensor& y_valid) {
  const std::size_t before = memory_in_use();
  const Tensor difference = res - y_valid;
  const auto taken = static_cast<double>(memory_in_use() - before);
  std::cout << res.shape().str() << " - " << y_valid.shape().str() << " = "
            << difference.shape().str() << ", " << difference.numel() * 4 / 1000000
            << " MB if written out\n";
  // What the number would be, on three pictures: nine differences in place of three.
  const Tensor three = res[Slice{0, 3}], targets = y_valid[Slice{0, 3}];
  std::cout << "three answers: right " << mse_by_hand(three, targets).item() << ", trapped "
            << square(three - targets).mean().item() << "\n";
  row_text(19, "res - y_valid, the surprise", "[10000,10000]", difference.shape().str(),
           mnist_only);
  // The shape needs no numbers: it follows from the two shapes.
  also_text(19, "by the rule alone", "[10000,10000]",
            broadcast_shapes(res.shape(), y_valid.shape()).str(), mnist_only);
  also_band(19, "bytes taken until somebody looks", 0, 4096, taken);
}

// ## Out of it
// Three ways to lose the unit axis. None copies a number: they are other looks at one storage.
static void ways_out(const Tensor& res, const Tensor& y_valid) {
  const Tensor column = res[{all, 0}];
  std::cout << "res " << res.shape() << ", res[:,0] " << column.shape() << ", res[:,0] - y_valid "
            << (column - y_valid).shape() << "\n";
  row_text(21, "res[:,0]", "[10000]", column.shape().str(), mnist_only);
  also_text(21, "its storage is that of res", "yes",
            column.storage() == res.storage() ? "yes" : "no");
  also_text(21, "res[:,0] - y_valid", "[10000]", (column - y_valid).shape().str(), mnist_only);

  const Tensor unit = res[{newaxis, all, newaxis}];
  row_text(22, "res[None,:,None]", "[1,10000,1,1]", unit.shape().str(), mnist_only);
  also_text(22, "squeeze() of it", "[10000]", unit.squeeze().shape().str(), mnist_only);
  also_text(22, "squeeze(-1) of it", "[1,10000,1]", unit.squeeze({-1}).shape().str(), mnist_only);
  also_text(22, "all in one storage", "yes",
            unit.squeeze().storage() == res.storage() ? "yes" : "no");
}

static void run() {
  const Data& d = lesson::data();
  manual_seed(42);
  const Tensor w1 = randn({784, 50}), w2 = randn({50, 1}), b1 = zeros({50}), b2 = zeros({1});
  const auto model = [&](const Tensor& x) { return lin(relu(lin(x, w1, b1)), w2, b2); };

  // Labels are integers; for differences they become fractions.
  const Tensor y_train = d.y_train.astype(DType::f32), y_valid = d.y_valid.astype(DType::f32);
  const Tensor res = model(d.x_valid);
  trap(res, y_valid);
  ways_out(res, y_valid);

  // ## The loss of the untrained net
  const Tensor preds = model(d.x_train);
  row_text(23, "preds, the whole training set", "[50000,1]", preds.shape().str(), mnist_only);
  also_text(23, "labels as f32", "f32", dtype_name(y_train.dtype()));
  const double loss = mse_by_hand(preds, y_train).item();
  std::cout << "mse(preds, y_train) = " << loss << "\n";
  row(24, "mse(preds, y_train)", 4308.76, loss, .01, mnist_only);
  also(24, "with more digits", 4308.7606, loss, 1e-3, mnist_only);
  also_each(24, "preds", {-30.97088, -99.38207, 8.72384, -.92589, .83327}, preds[{Slice{0, 5}, 0}],
            5e-5, mnist_only);
  also(24, "mean of preds", -42.9117, preds.mean().item(), 1e-4, mnist_only);

  // ## Who minds the axis?
  // Our function takes both shapes. The library's refuses [n,1] with [n]: better an error than a
  // wrong number.
  row(40, "mse of answers [n,1]", 4308.76, mse_by_hand(preds, y_train).item(), .01, mnist_only);
  also(40, "mse of answers [n]", 4308.76, mse_by_hand(preds[{all, 0}], y_train).item(), .01,
       mnist_only);
  also(40, "the library's mse less ours", 0, mse(preds[{all, 0}], y_train).item() - loss, 1e-3);
  also_text(40, "the library's mse of [n,1] and [n] throws", "ShapeError: differ",
            error_of([&] { (void)mse(preds, y_train); }, {"differ"}));
  also_text(40, "a batch of one gives a number of shape", "[]",
            mse_by_hand(preds[Slice{0, 1}], y_train[Slice{0, 1}]).shape().str());
}

static const Chapter chapter{8, "The loss, and the (n,1) - (n) trap", run};
