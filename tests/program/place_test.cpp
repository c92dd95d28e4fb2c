// Where the user stands: the places that tensors and nodes remember are lines of the user's
// program, also where an operation calls others or a gradient rule does.
#include <gradus/autograd/backward.h>
#include <gradus/autograd/transforms.h>
#include <gradus/ops/ops.h>

#include <gtest/gtest.h>

#include <string>

using namespace gradus;

namespace {

/// A place in this file, on the line of the call.
unsigned line(Place at = Place::current()) { return at.line(); }
bool is_here(Place at) { return std::string(at.file_name()).ends_with("place_test.cpp"); }

TEST(Place, ALeafIsMadeByItsOperation) {
  const Tensor x = zeros({3}), y = tensor({1., 2.});
  EXPECT_TRUE(is_here(x.made_at()));
  EXPECT_EQ(x.made_at().line(), line() - 2);
  EXPECT_EQ(y.made_at().line(), line() - 3);
  EXPECT_EQ(Tensor::empty({3}).made_at().line(), 0u);
  Tensor filled = Tensor::empty({3});
  filled.set_requires_grad();
  EXPECT_EQ(filled.made_at().line(), line() - 1);
}

TEST(Place, ResultsWithoutHistoryAreMadeByTheCallOfTheUser) {
  const Tensor x = ones({2, 3});
  const Tensor y = x.T();        // calls permute_dims
  const Tensor z = var(x, {0});  // calls several
  EXPECT_EQ(y.made_at().line(), line() - 2);
  EXPECT_EQ(z.made_at().line(), line() - 2);
  EXPECT_TRUE(is_here(y.made_at()) && is_here(z.made_at()));
  // What has nothing to do gives its input, which stays what it was.
  EXPECT_EQ(x.contiguous().made_at().line(), line() - 7);
}

TEST(Place, NodesInsideOfOtherCallsStandWhereTheUserCalled) {
  Tensor x = ones({2, 3}).set_requires_grad();
  const Tensor y = var(x.T(), {0});
  const unsigned called = line() - 1;
  for (const Node* node = y.history().node.get(); node != nullptr;
       node = node->inputs[0].history.node.get()) {
    EXPECT_TRUE(is_here(node->place)) << node->op.name() << " " << short_place(node->place);
    EXPECT_EQ(node->place.line(), called) << node->op.name();
  }
}

TEST(Place, AFunctionOfTheUsersStandsForItself) {
  const Tensor x = ones({2}).set_requires_grad();
  unsigned made = 0;
  const auto f = [&](std::span<const Tensor> inputs) {
    made = var(inputs[0].expand_dims(0), {1}).made_at().line();
    return Tensors{inputs[0] * 2};
  };
  const unsigned inside = line() - 3;
  checkpoint(f, std::span(&x, 1));
  EXPECT_EQ(made, inside);
}

TEST(Place, AGradientIsMadeByBackward) {
  Tensor w = ones({2, 3}).set_requires_grad();
  sum(matmul(ones({4, 2}), w)).backward();
  EXPECT_TRUE(is_here(w.grad().made_at())) << short_place(w.grad().made_at());
  EXPECT_EQ(w.grad().made_at().line(), line() - 2);
  const Tensor other = grad(sum(w * w), {w})[0];  // as the operation that is differentiated
  EXPECT_EQ(other.made_at().line(), line() - 1);
}

TEST(Place, ADetachedTensorIsMadeByDetach) {
  Tensor w = ones({2}).set_requires_grad();
  const Tensor cut = (w * 2).detach();
  EXPECT_EQ(cut.made_at().line(), line() - 1);
}

}  // namespace
