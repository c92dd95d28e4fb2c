// Exercise 1. The matrix product
//
// c[i,j] is row i of a times column j of b, element by element, added up. Three loops do it; so do
// two with a dot product of views, one with broadcasting, or einsum. Any will pass; `matmul` itself
// would be cheating. (Lesson: chapters 5 and 6.)
#include <exercises/checks.h>

using namespace gradus;

/// a [n,k], b [k,m] -> [n,m]
static Tensor matmul_by_hand([[maybe_unused]] const Tensor& a, [[maybe_unused]] const Tensor& b) {
  // a.size(0) is n. c.data<float>() points to the elements of a new tensor in rows: c[i,j] is at
  // i * m + j. Views: a[i] is a row, b[{all, j}] a column.
  exercises::fill_in();
}

static const exercises::Exercise exercise{1, "The matrix product", [](exercises::Check& check) {
                                            exercises::check_matmul(check, matmul_by_hand);
                                          }};
