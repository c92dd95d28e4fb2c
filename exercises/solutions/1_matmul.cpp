// A solution of exercise 1: one loop, the rest is broadcasting. a[i] with a new axis is a column of
// k numbers; times b it is every product of row i; summed down the columns it is row i of c.
#include <exercises/checks.h>

using namespace gradus;

static Tensor matmul_by_hand(const Tensor& a, const Tensor& b) {
  Tensors rows;
  for (std::int64_t i = 0; i < a.size(0); ++i) rows.push_back((a[{i, all, newaxis}] * b).sum({0}));
  return stack(rows);
}

static const exercises::Exercise exercise{1, "The matrix product", [](exercises::Check& check) {
                                            exercises::check_matmul(check, matmul_by_hand);
                                          }};
