// The bits of what is not zero: every instruction set, sizes around words and vectors, rows that
// lie apart, -0, NaN and subnormal numbers, guard pages, threads.
#include <gradus/kernels/nonzeros.h>
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "guarded.h"
#include "targets.h"

namespace gradus::kernels {
namespace {

using gradus::testing::Edge;
using gradus::testing::Guarded;
using Index = std::int64_t;

void fill(float* data, Index n) {
  std::mt19937 random(static_cast<unsigned>(n));
  const float values[] = {0.0f, -0.0f, 1.0f, -2.5f, std::nanf(""), -INFINITY, 1e-42f, 0.0f};
  for (Index i = 0; i < n; ++i) data[i] = values[random() % 8];
}

/// Whether bit k of a matrix's row i is what it must be.
void check(const float* x, Index rows, Index columns, Index step) {
  SCOPED_TRACE(::testing::Message() << rows << "x" << columns << " step " << step);
  const auto size = [](Index n) { return static_cast<std::size_t>(n); };
  constexpr std::uint64_t garbage = 0xabcdefabcdefabcdu;
  std::vector<std::uint64_t> by_row(size(words_of(columns) * rows), garbage),
      by_column(size(words_of(rows) * columns), garbage);
  find_nonzeros(x, rows, columns, step, by_row.data(), by_column.data());
  std::vector<std::uint64_t> expected_rows(by_row.size()), expected_columns(by_column.size());
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j) {
      const std::uint64_t is_number = x[i * step + j] != 0;
      expected_rows[size(j / 64 * rows + i)] |= is_number << j % 64;
      expected_columns[size(i / 64 * columns + j)] |= is_number << i % 64;
    }
  EXPECT_EQ(expected_rows, by_row);
  EXPECT_EQ(expected_columns, by_column);
}

TEST(NonZeros, BitsOfRowsAndColumns) {
  for_each_target([](const char* target) {
    SCOPED_TRACE(target);
    for (const Index rows : {1, 31, 32, 33, 64, 65, 130})
      for (const Index columns : {1, 7, 16, 63, 64, 65, 100, 784})
        for (const Edge edge : {Edge::front, Edge::back}) {
          Guarded<float> x(rows * columns, edge);
          fill(x.data(), rows * columns);
          check(x.data(), rows, columns, columns);
          if (columns > 1) check(x.data(), rows, columns - 1, columns);
        }
  });
}

TEST(NonZeros, AnyNumberOfThreads) {
  std::vector<float> x(300 * 1000);
  fill(x.data(), 300 * 1000);
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    check(x.data(), 300, 1000, 1000);
  }
  set_num_threads(0);
}

}  // namespace
}  // namespace gradus::kernels
