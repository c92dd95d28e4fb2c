// Kernels that go by rows of the batch: which do, that bits stay, and what an error says.
#include <gradus/compile/plan.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace gradus::compile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Plan rows_plan(const TensorFunction& f, const Tensors& inputs, bool always = true) {
  return Plan(trace_for_replay(f, inputs).program, {.always_by_rows = always});
}

std::vector<std::string> by_rows(const Plan& plan) {
  std::vector<std::string> names;
  for (const KernelInfo& kernel : plan.kernels())
    if (kernel.by_rows) names.push_back(kernel.what);
  return names;
}

bool has_bits_of(const Tensor& a, const Tensor& b) {
  return a.spec() == b.spec() &&
         std::memcmp(a.contiguous().raw_data(), b.contiguous().raw_data(),
                     static_cast<std::size_t>(a.numel()) * dtype_size(a.dtype())) == 0;
}

/// The plan's results on 1 to 8 threads are those of the function.
void expect_bits(const TensorFunction& f, const Tensors& inputs) {
  const Tensors wanted = f(inputs);
  Plan plan = rows_plan(f, inputs);
  for (const int threads : {1, 2, 3, 5, 8}) {
    kernels::set_num_threads(threads);
    const Tensors got = plan.run(inputs);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      EXPECT_TRUE(has_bits_of(got[i], wanted[i])) << threads << " threads, result " << i;
  }
  kernels::set_num_threads(0);
}

TEST(Rows, AStepsMiddleGoesByRows) {
  manual_seed(1);
  const Tensor w = randn({50, 20}), v = randn({10, 50});
  const auto step = [&](std::span<const Tensor> in) {
    const Tensor h = relu(matmul(in[0], w.T()));
    const Tensor y = log_softmax(matmul(h, v.T()), 1);
    return Tensors{y, sum(y), sum(h, {0})};
  };
  const Tensors in{randn({64, 20})};
  EXPECT_THAT(by_rows(rows_plan(step, in)), ElementsAre("matmul + relu", "matmul", "log_softmax"));
  expect_bits(step, in);
}

TEST(Rows, SumsOverTheBatchDoNot) {
  const auto f = [](std::span<const Tensor> in) {
    const Tensor x = exp(in[0]);
    return Tensors{x / sum(x, {0}, true), x / sum(x, {1}, true)};
  };
  const Tensors in{randn({9, 9})};
  // The quotient by the sums over the batch waits for them.
  EXPECT_THAT(by_rows(rows_plan(f, in)), ElementsAre("exp", "sum", "div"));
  expect_bits(f, in);
}

TEST(Rows, ASquareMatrixThatIsReadAsAWholeWaits) {
  // All three axes are as long as the batch: only where the elements lie tells rows apart.
  const auto f = [](std::span<const Tensor> in) {
    const Tensor x = exp(in[0]);
    return Tensors{matmul(x, x), matmul(x.T(), in[0]), exp(x.T()), x + x.T()};
  };
  const Tensors in{randn({12, 12})};
  EXPECT_THAT(by_rows(rows_plan(f, in)), ElementsAre("exp"));
  expect_bits(f, in);
}

TEST(Rows, ARowThatStandsForAllIsReadByAll) {
  const auto f = [](std::span<const Tensor> in) {
    const Tensor x = in[0] * 2.0;
    return Tensors{x * broadcast_to(slice(x, 0, 3, 4), {7, 5}), x * slice(x, 1, 2, 3)};
  };
  const Tensors in{randn({7, 5})};
  expect_bits(f, in);
}

TEST(Rows, BuffersOfOneMomentShareNoBytes) {
  // Each value is dead after the next: one by one they would take turns in two places.
  const auto f = [](std::span<const Tensor> in) {
    Tensor x = in[0];
    for (int i = 0; i < 8; ++i) x = log_softmax(softmax(x, 1), 1);
    return Tensors{x};
  };
  const Tensors in{randn({40, 6})};
  EXPECT_EQ(by_rows(rows_plan(f, in)).size(), 16u);
  expect_bits(f, in);
}

TEST(Rows, LittleWorkStaysOnOneThread) {
  const auto f = [](std::span<const Tensor> in) { return Tensors{softmax(exp(in[0]), 1)}; };
  EXPECT_TRUE(by_rows(rows_plan(f, {randn({64, 10})}, false)).empty());
  EXPECT_EQ(by_rows(rows_plan(f, {randn({640, 10})}, false)).size(), 2u);
  EXPECT_TRUE(by_rows(rows_plan(f, {randn({16, 1000})}, false)).empty()) << "rows for one thread";
  EXPECT_EQ(by_rows(rows_plan(f, {randn({17, 1000})}, false)).size(), 2u);
  EXPECT_TRUE(by_rows(rows_plan(f, {randn({1, 10})})).empty());
  EXPECT_TRUE(by_rows(rows_plan(f, {randn({0, 10})})).empty());
}

TEST(Rows, RandomNumbersKeepTheirOrder) {
  const auto f = [](std::span<const Tensor> in) {
    const Tensor x = exp(in[0]);
    const Tensor total = sum(x, {0}, true);
    return Tensors{x * total * rand({6, 3}), rand({6, 3})};
  };
  const Tensors in{randn({6, 3})};
  manual_seed(5);
  const Tensors wanted = f(in);
  Plan plan = rows_plan(f, in);
  manual_seed(5);
  const Tensors got = plan.run(in);
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(has_bits_of(got[i], wanted[i]));
}

TEST(Rows, AnErrorNamesThePlaceInTheWholeBatch) {
  const auto f = [](std::span<const Tensor> in) { return Tensors{gather(exp(in[0]), in[1], 1)}; };
  const Tensor x = randn({64, 10});
  Plan plan = rows_plan(f, {x, zeros({64, 1}, DType::i64)});
  ASSERT_THAT(by_rows(plan), ElementsAre("exp", "gather"));
  Tensor wrong = zeros({64, 1}, DType::i64);
  wrong.data<std::int64_t>()[45] = 10;
  for (const int threads : {1, 2, 4}) {
    kernels::set_num_threads(threads);
    try {
      plan.run(Tensors{x, wrong});
      ADD_FAILURE() << "no error";
    } catch (const IndexError& error) {
      EXPECT_THAT(error.what(), HasSubstr("index 10 (number 45 of the indices)"))
          << threads << " threads";
    }
  }
  kernels::set_num_threads(0);
}

TEST(Rows, ThePlanTellsThem) {
  const auto f = [](std::span<const Tensor> in) {
    const Tensor x = softmax(in[0], 1);
    return Tensors{log_softmax(x, 1), sum(x, {0})};
  };
  EXPECT_THAT(rows_plan(f, {randn({8, 10})}).str(),
              HasSubstr("by rows: each thread takes some rows of the batch through kernels 1, 2"));
}

}  // namespace
}  // namespace gradus::compile
