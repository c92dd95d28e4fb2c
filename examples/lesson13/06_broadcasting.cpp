// Chapter 6. Broadcasting: shapes that stretch
//
// Arithmetic on tensors goes element by element. When the shapes differ, the smaller one is
// stretched, without being copied. The rule: write both shapes flush right; two sizes fit when they
// are **equal, or one of them is 1** (a missing one counts as 1). A size of 1 is repeated.
#include <gradus/gradus.h>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

// The numbers of a tensor in a line.
static std::string numbers(const Tensor& x) {
  std::string line;
  for (std::int64_t value : x.to_vector<std::int64_t>())
    line += (line.empty() ? "" : " ") + std::to_string(value);
  return line;
}

// ## Element by element
// Two tensors of one shape are added, multiplied, compared place by place. A comparison gives a
// tensor of truths, 1 and 0, whose mean is the share of truths.
static void elements() {
  const Tensor a = tensor({10, 6, -4}), b = tensor({2, 8, 7});
  std::cout << "a + b = " << a + b << ", a < b = " << (a < b) << ", m * m =\n"
            << square(tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}})) << "\n";
  also_text(20, "a + b", "12 14 3", numbers(a + b));
  also(20, "mean(a < b): share of truths", .67, (a < b).mean().item(), .005);
  also_text(20, "a > 0", "1 1 0", numbers(a > 0));
  also_text(20, "a + 1", "11 7 -3", numbers(a + 1));

  const Tensor m = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  also(20, "sum(m * m)", 285, (m * m).sum().item(), 0);
  also(20, "its root, the Frobenius norm", 16.88, sqrt((m * m).sum()).item(), .005);
  also_text(20, "m[2], a row", "7 8 9", numbers(m[2]));
  also_text(20, "m[:,2], a column", "3 6 9", numbers(m[{all, 2}]));
  also_text(20, "2 * m", "2 4 6 8 10 12 14 16 18", numbers(2 * m));
}

// ## A row, a column, a table
// $c$ has shape [3]: against [3,3] it is a row, written under each row. With a unit axis behind it,
// [3,1], it is a column. A column against a row makes a table of all pairs.
static void stretching() {
  const Tensor m = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}), c = tensor({10, 20, 30});
  const Tensor as_row = c[{newaxis, all}], as_column = c[{all, newaxis}];
  std::cout << "m + c =\n" << m + c << "\nm + c[:,None] =\n" << m + as_column << "\n";
  std::cout << "c[None] * c[:,None] =\n" << as_row * as_column << "\n";
  also_text(20, "m + c", "11 22 33 14 25 36 17 28 39", numbers(m + c));
  also_text(20, "m + c[:,None]", "11 12 13 24 25 26 37 38 39", numbers(m + as_column));
  also_text(20, "c[None] * c[:,None]", "100 200 300 200 400 600 300 600 900",
            numbers(as_row * as_column));
  also_text(20, "c[None] > c[:,None]", "0 1 1 0 0 1 0 0 0", numbers(as_row > as_column));
  also_text(20, "unsqueeze(0)", "[1,3]", c.expand_dims(0).shape().str());
  also_text(20, "unsqueeze(1)", "[3,1]", c.expand_dims(1).shape().str());

  // ## Stretched, not copied
  // The stretched tensor is a view: going down a row costs a step of 0 in memory.
  const Tensor t = broadcast_to(c, {3, 3});
  std::cout << "c stretched: shape " << t.shape().str() << ", strides " << t.strides().str()
            << "\n";
  also_text(20, "c stretched to 3 x 3: strides", "[0,1]", t.strides().str());
  also(20, "numbers that its storage holds", 3,
       static_cast<double>(t.storage().bytes() / dtype_size(t.dtype())), 0);
  also_text(20, "the storage is that of c", "yes", t.storage() == c.storage() ? "yes" : "no");
  // Shapes alone can be asked, without any tensor: a picture and a factor per colour.
  also_text(20, "[256,256,3] with [3]", "[256,256,3]", broadcast_shapes({256, 256, 3}, {3}).str());
}

// ## Shapes that do not fit
// Neither 3 nor 4 is 1: the error names both shapes and says how to mend it.
static void misfit() {
  const auto add = [] { (void)(tensor({1, 2, 3}) + tensor({1, 2, 3, 4})); };
  row_text(20, "[3] + [4] throws, and names both", "ShapeError: [3] [4]",
           error_of(add, {"[3]", "[4]"}));
}

static void run() {
  elements();
  stretching();
  misfit();
}

static const Chapter chapter{6, "Broadcasting: shapes that stretch", run};
