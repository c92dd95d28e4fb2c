// Chapter 1. The data: 50,000 small pictures
//
// MNIST is a stack of handwritten digits, 28 x 28 grey pixels each, with the digit that somebody
// meant to write. The files hold bytes 0..255; the lesson works with fractions, **byte / 256**, not
// 255 as elsewhere: every number that follows depends on it.
// Each picture becomes one row of 784 numbers, so that the whole training set is one matrix.
//
// Without MNIST at hand the same program runs on digits that gradus draws itself.
#include <gradus/gradus.h>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

// ## How numbers are printed
// Two digits after the point and no powers of ten, as in the lesson; the seed makes everybody's
// random numbers the same.
static void print_settings() {
  const PrintOptions before = print_options();
  print_options() = {.precision = 2, .linewidth = 125, .scientific = false};
  manual_seed(42);
  const Tensor w = randn({784, 50});
  std::cout << "randn({784, 50})[0, :4] = " << w[{0, Slice{0, 4}}] << "\n";
  row_text(2, "printing settings and a seed", "[ 1.93,  1.49,  0.90, -2.11]",
           to_string(w[{0, Slice{0, 4}}]));
  also_text(2, "a small number keeps its notation", "[0.00, 1.00]",
            to_string(tensor({0.00001, 1.0})));
  print_options() = before;
}

// ## The pictures
// A row of x_train is a picture, laid out line after line; drawn here with a denser letter for a
// darker pixel.
static std::string letters(const Tensor& picture) {
  std::string lines;
  for (std::int64_t i = 0; i < picture.size(0); ++i, lines += '\n')
    for (double pixel : picture[i].to_vector<double>())
      lines += " .:-=+*#%@"[static_cast<int>(pixel * 10)];  // 0 to 255/256
  return lines;
}

static void run() {
  print_settings();
  const Data& d = lesson::data();
  std::cout << "x_train " << d.x_train.shape() << "  y_train " << d.y_train.shape() << "  x_valid "
            << d.x_valid.shape() << "  y_valid " << d.y_valid.shape() << "\n";
  std::cout << "the first picture, labelled " << d.y_train[0].item() << ":\n";
  // Every second line of its 28: letters are twice as high as wide.
  std::cout << letters(d.x_train[0].reshape({14, 2, 28})[{all, 0}]);

  row(3, "MNIST as tensors: x_train[0][203]", .19140625, d.x_train[{0, 203}].item(), 0, mnist_only);
  also_text(3, "x_train", "[50000,784]", d.x_train.shape().str(), mnist_only);
  also_text(3, "x_valid", "[10000,784]", d.x_valid.shape().str(), mnist_only);
  // A trap: divided by 255 these would be .19215686 and 1.
  also_each(3, "x_train[0][200:210]",
            {0, 0, 0, .19140625, .9296875, .98828125, .98828125, .98828125, .98828125, .98828125},
            d.x_train[{0, Slice{200, 210}}], 0, mnist_only);
  also(3, "imgs[0,20,15]", .98828125, d.x_train.reshape({-1, 28, 28})[{0, 20, 15}].item(), 0,
       mnist_only);
  // The sums of all bytes say that no byte was lost on the way.
  const auto bytes = [](const Tensor& x) { return (astype(x, DType::f64) * 256).sum().item(); };
  also(3, "sum of all training bytes", 1309089051, bytes(d.x_train), 0, mnist_only);
  also(3, "of all validation bytes", 258209494, bytes(d.x_valid), 0, mnist_only);
  also(3, "of all test bytes", 264923200, bytes(d.x_test), 0, mnist_only);
  also_text(3, "y_valid[:10]", "[3, 8, 6, 9, 6, 4, 5, 3, 8, 4]", to_string(d.y_valid[Slice{0, 10}]),
            mnist_only);
  also_text(3, "y_train[-3:]", "[8, 4, 8]", to_string(d.y_train[Slice{-3, {}}]), mnist_only);

  // ## n, m and c
  // The three sizes that everything later is made of: pictures, pixels, classes.
  const auto [n, m] = unpack<2>(d.x_train.shape());
  const std::int64_t c = max(d.y_train).item<std::int64_t>() + 1;
  std::cout << "n = " << n << ", m = " << m << ", c = " << c << "\n";
  row(9, "n, m, c: pictures", 50000, static_cast<double>(n), 0, mnist_only);
  also(9, "m, pixels", 784, static_cast<double>(m), 0);
  also(9, "c, classes: max() + 1", 10, static_cast<double>(c), 0);
}

static const Chapter chapter{1, "The data: 50,000 small pictures", run};
