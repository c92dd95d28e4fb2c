// Arithmetic and sums on every instruction set: the bits of plain loops written here, over
// remainders, strides, broadcast numbers, special values, and with guard pages.
#include <gradus/kernels/arithmetic.h>
#include <gradus/kernels/reduce.h>
#include <gradus/kernels/sum.h>
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <tests/kernels/bits.h>
#include <tests/kernels/guarded.h>
#include <tests/kernels/targets.h>

namespace gradus::kernels {
namespace {

using gradus::testing::bits_of;
using gradus::testing::Edge;
using gradus::testing::Guarded;
using gradus::testing::same;
using Index = std::int64_t;

template <class T>
T plain(Arithmetic op, T a, T b) {
  switch (op) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::sub:
      return a - b;
    case Arithmetic::mul:
      return a * b;
    case Arithmetic::div:
      return a / b;
    case Arithmetic::maximum:
      return a > b || std::isnan(a) ? a : b;
    default:
      return a < b || std::isnan(a) ? a : b;
  }
}

template <class T>
T strange(Index i) {
  const T inf = std::numeric_limits<T>::infinity();
  const T numbers[] = {1,
                       -2,
                       T(0.1),
                       0,
                       T(-0.0),
                       inf,
                       -inf,
                       std::numeric_limits<T>::quiet_NaN(),
                       std::numeric_limits<T>::denorm_min(),
                       std::numeric_limits<T>::max(),
                       3};
  return numbers[(i * i + 3 * i) % 11];
}

template <class T>
void arithmetic_of_all_lengths() {
  for (const Edge edge : {Edge::front, Edge::back})
    for (Index n = 0; n < 67; ++n)
      for (const Index sa : {1, 0, -1, 2})
        for (const Index sb : {1, 0, -1, 2}) {
          const auto room = [n](Index step) { return n == 0 ? 0 : std::abs(step) * (n - 1) + 1; };
          Guarded<T> a(room(sa), edge), b(room(sb), edge), y(n, edge);
          for (Index i = 0; i < room(sa); ++i) a[i] = strange<T>(i);
          for (Index i = 0; i < room(sb); ++i) b[i] = strange<T>(i + 4);
          const T* fa = a.data() + (sa < 0 && n > 0 ? n - 1 : 0);
          const T* fb = b.data() + (sb < 0 && n > 0 ? n - 1 : 0);
          const Index one = 1;
          for (const Arithmetic op : {Arithmetic::add, Arithmetic::sub, Arithmetic::mul,
                                      Arithmetic::div, Arithmetic::maximum, Arithmetic::minimum}) {
            apply_arithmetic(op, fa, &sa, fb, &sb, y.data(), &one, &n, 1);
            for (Index i = 0; i < n; ++i)
              ASSERT_TRUE(same(plain(op, fa[i * sa], fb[i * sb]), y[i]))
                  << static_cast<int>(op) << " of " << fa[i * sa] << " and " << fb[i * sb];
          }
          apply_relu(fa, &sa, y.data(), &one, &n, 1);
          for (Index i = 0; i < n; ++i) ASSERT_TRUE(same(fa[i * sa] < 0 ? T(0) : fa[i * sa], y[i]));
        }
}
TEST(Arithmetic, LengthsStridesSpecialValuesAndGuardPages) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    arithmetic_of_all_lengths<float>();
    arithmetic_of_all_lengths<double>();
  });
}

template <class T>
std::vector<T> by_reduce(const T* x, Index rows, Index columns, Index row_step, Index column_step) {
  std::vector<T> y(static_cast<std::size_t>(columns));
  reduce(
      x, &columns, &column_step, 1, &rows, &row_step, 1, y.data(), T(0), [](T v) { return v; },
      [](T a, T b) { return a + b; }, [](T v) { return v; });
  return y;
}

template <class T>
void sums_of_all_shapes() {
  std::mt19937 random(1);
  for (const Edge edge : {Edge::front, Edge::back})
    for (const Index rows : {0, 1, 2, 15, 16, 17, 64, 1023, 1024, 1025, 2100})
      for (const Index columns : {1, 2, 15, 16, 17, 50}) {
        Guarded<T> x(rows * columns, edge);
        for (Index i = 0; i < rows * columns; ++i)
          x[i] = static_cast<T>(random()) / static_cast<T>(1u << 30) - 2;
        for (const bool turned : {false, true}) {  // the summed axis across the columns, and along
          const Index row_step = turned ? 1 : columns, column_step = turned ? rows : 1;
          std::vector<T> y(static_cast<std::size_t>(columns), T(7));
          sum(x.data(), &columns, &column_step, 1, &rows, &row_step, 1, y.data());
          ASSERT_EQ(by_reduce(x.data(), rows, columns, row_step, column_step), y)
              << rows << " x " << columns << ' ' << turned;
        }
        // All of it, through axes that do not lie in one run.
        const Index sizes[] = {columns, rows}, strides[] = {1, columns};
        T whole = 7, wanted = 8;
        sum(x.data(), nullptr, nullptr, 0, sizes, strides, 2, &whole);
        reduce(
            x.data(), nullptr, nullptr, 0, sizes, strides, 2, &wanted, T(0), [](T v) { return v; },
            [](T a, T b) { return a + b; }, [](T v) { return v; });
        ASSERT_EQ(bits_of(wanted), bits_of(whole));
      }
  const T zeros[] = {T(-0.0), T(-0.0)};
  const Index two = 2, one = 1;
  T y = 7;
  sum(zeros, nullptr, nullptr, 0, &two, &one, 1, &y);
  EXPECT_EQ(bits_of(T(0)), bits_of(y));
}
TEST(Sum, HasTheBitsOfThePlainFoldOnEveryInstructionSet) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    sums_of_all_shapes<float>();
    sums_of_all_shapes<double>();
  });
}

}  // namespace
}  // namespace gradus::kernels
