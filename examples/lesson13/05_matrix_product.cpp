// Chapter 5. One matrix product, eight ways
//
// A layer of a network gives each picture a score for each digit: multiply each pixel by a weight,
// add everything up, $t_{ij} = \sum_k a_{ik} b_{kj}$. That is one row of $a$ times one column of
// $b$, for every row and every column. Here it is written eight times, from plain loops to one
// call, and every version must give the same numbers.
#include <gradus/gradus.h>

#include "lesson.h"
#include "race.h"

using namespace gradus;
using namespace lesson;

// ## Seven ways for five pictures
// 1. As written on paper, one element at a time. Each element access makes a small tensor.
static Tensor by_elements(const Tensor& a, const Tensor& b) {
  std::vector<double> t;
  for (std::int64_t i = 0; i < a.size(0); ++i)
    for (std::int64_t j = 0; j < b.size(1); ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.size(1); ++k) sum += a[{i, k}].item() * b[{k, j}].item();
      t.push_back(sum);
    }
  return astype(Tensor::of(t, {a.size(0), b.size(1)}), DType::f32);
}

// 2. The same loops over plain memory. 3. With the loops over k and j exchanged, neighbours in the
// innermost loop are neighbours in memory, and the compiler can take several at once.
static Tensor by_raw_loops(const Tensor& a, const Tensor& b, bool exchanged) {
  const std::int64_t n = a.size(0), K = a.size(1), m = b.size(1);
  const Tensor rows = a.contiguous();
  Tensor t = zeros({n, m});
  const float *x = rows.data<float>(), *w = b.data<float>();
  float* out = t.data<float>();
  for (std::int64_t i = 0; i < n; ++i)
    if (exchanged)
      for (std::int64_t k = 0; k < K; ++k)
        for (std::int64_t j = 0; j < m; ++j) out[i * m + j] += x[i * K + k] * w[k * m + j];
    else
      for (std::int64_t j = 0; j < m; ++j)
        for (std::int64_t k = 0; k < K; ++k) out[i * m + j] += x[i * K + k] * w[k * m + j];
  return t;
}

// 4. The innermost loop is a dot product of a row and a column.
static Tensor by_dots(const Tensor& a, const Tensor& b) {
  Tensors t;
  for (std::int64_t i = 0; i < a.size(0); ++i)
    for (std::int64_t j = 0; j < b.size(1); ++j) t.push_back(dot(a[i], b[{all, j}]));
  return stack(t).reshape({a.size(0), b.size(1)});
}

// 5. One loop: a row as a column, [784,1], stretches over the ten columns of b (chapter 6).
static Tensor by_broadcasting(const Tensor& a, const Tensor& b) {
  Tensors t;
  for (std::int64_t i = 0; i < a.size(0); ++i) t.push_back((a[{i, all, newaxis}] * b).sum({0}));
  return stack(t);
}

// 6. Einstein's notation: the letter that the result lacks is summed. 7. And the call itself.
static Tensor by_einsum(const Tensor& a, const Tensor& b) { return einsum("ik,kj->ij", {a, b}); }
static Tensor by_matmul(const Tensor& a, const Tensor& b) { return matmul(a, b); }

// ## The race
//
// -> race.h
//
// Five pictures of 784 pixels times ten columns of weights: 39,200 multiplications, each with an
// addition. The lecture's plain Python loops took 421 ms for them, its fastest version 0.07 ms.
// What is printed here was measured on one machine, and is no check: only the numbers are.
static double apart(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item(); }

static void run() {
  const Data& d = lesson::data();
  manual_seed(1);
  const Tensor m1 = d.x_valid[Slice{0, 5}], m2 = randn({784, 10});
  const Tensor in_f64 = matmul(astype(m1, DType::f64), astype(m2, DType::f64));
  // What the lecture printed for five pictures and random weights.
  const Tensor printed = tensor({
      {-10.9417, -.6844, -7.0038, -4.0066, -2.0857, -3.3588, 3.9127, -3.4375, -11.4696, -2.1153},
      {14.5430, 5.9977, 2.8914, -4.0777, 6.5914, -14.7383, -9.2787, 2.1577, -15.2772, -2.6758},
      {2.2204, -3.2171, -4.7988, -6.0453, 14.1661, -8.9824, -4.7922, -5.4446, -20.6758, 13.5657},
      {-6.7097, 8.8998, -7.4611, -7.8966, 2.6994, -4.7260, -11.0278, -12.9776, -6.4443, 3.6376},
      {-2.4444, -6.4034, -2.3984, -9.0371, 11.1772, -5.7724, -8.9214, -3.7862, -8.9827, 5.2797},
  });
  row(11, "matrix product m1 @ m2: t1[0,0]", -10.9417, matmul(m1, m2)[{0, 0}].item(), 1e-3,
      mnist_only);
  also(11, "largest difference from the 50 printed", 0, apart(matmul(m1, m2), printed), 1e-3,
       mnist_only);
  also(11, "dot([1,2,3], [2,3,4])", 20, dot(tensor({1., 2., 3.}), tensor({2., 3., 4.})).item(), 0);

  Race race;
  const auto version = [&](const char* name, auto product) {
    const Tensor t = race.run(name, 5. * 784 * 10, [&] { return product(m1, m2); });
    also(11, std::string(name) + " less f64", 0, apart(astype(t, DType::f64), in_f64), 1e-4);
  };
  version("1 elements", by_elements);
  version("2 raw loops", [](auto& a, auto& b) { return by_raw_loops(a, b, false); });
  version("3 loops exchanged", [](auto& a, auto& b) { return by_raw_loops(a, b, true); });
  version("4 dot products", by_dots);
  version("5 broadcasting", by_broadcasting);
  version("6 einsum", by_einsum);
  version("7 matmul", by_matmul);

  // ## 8. The whole training set at once
  // Only here the processor has enough to do: all cores, several numbers an instruction. The
  // lecture's notebook needed 15.2 ms for it, and 0.458 ms on a graphics card.
  const double pairs = static_cast<double>(d.x_train.numel()) * 10;
  const Tensor whole =
      race.run("8 matmul, all pictures", pairs, [&] { return matmul(d.x_train, m2); });
  const auto ends = [&](int i) {
    return concat({whole[{i, Slice{0, 3}}], whole[{i, Slice{-3, {}}}]});
  };
  also(11, "whole set, row 0 less the printed", 0,
       apart(ends(0), tensor({.96, -2.96, -2.11, -15.09, -17.69, .60})), .005, mnist_only);
  also(11, "whole set, last row less the printed", 0,
       apart(ends(-1), tensor({15.70, 4.12, -5.62, 8.08, -12.21, .42})), .005, mnist_only);
  also(11, "whole set: einsum less matmul", 0, apart(by_einsum(d.x_train, m2), whole), 1e-3);

  // ## What is being added up
  // Keeping the letter k in the result shows all the products before they are added.
  const Tensor products = einsum("ik,kj->ikj", {m1, m2});
  std::cout << "ik,kj->ikj: " << products.shape()
            << ", summed over k: " << products.sum({1}).shape() << "\n";
  also_text(11, "einsum ik,kj->ikj", "[5,784,10]", products.shape().str());
  also(11, "its sum over k less f64", 0, apart(astype(products.sum({1}), DType::f64), in_f64),
       1e-4);
}

static const Chapter chapter{5, "One matrix product, eight ways", run};
