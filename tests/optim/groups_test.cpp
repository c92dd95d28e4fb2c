// Parameter groups and clipped gradients, against PyTorch 2 in f64.
#include <gtest/gtest.h>

#include <gradus/gradus.h>

namespace gradus::optim {
namespace {

/// 20 steps on a small function of two parameters, gradients limited to .8.
template <class Make>
void expect_groups_like_torch(Make&& make, std::vector<double> torch) {
  Tensor a = tensor({1., -2.}, DType::f64).set_requires_grad(),
         b = tensor({3.}, DType::f64).set_requires_grad();
  auto optimizer = make(a, b);
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    (sum(a * a) * 1.5 + sum(sin(b)) + sum(b * b) * sum(a)).backward();
    clip_grad_value({a, b}, .8);
    optimizer.step();
  }
  const std::vector<double> ours = {a[0].item(), a[1].item(), b[0].item()};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(ours[i], torch[i], 1e-12) << i;
}

std::vector<Group> groups(const Tensor& a, const Tensor& b) {
  return {{{a}, .05, .1}, {{b}, .01, 0}};
}

TEST(Groups, HaveTheirOwnRatesAndDecays) {
  expect_groups_like_torch(
      [](const Tensor& a, const Tensor& b) { return SGD(groups(a, b), {.momentum = .9}); },
      {-3.6555894140981335, -4.9998536051641596, 3.9675351913052097});
  expect_groups_like_torch([](const Tensor& a, const Tensor& b) { return Adam(groups(a, b), {}); },
                           {0.007023375704897382, -2.9891105048907876, 3.1999999975});
  expect_groups_like_torch([](const Tensor& a, const Tensor& b) { return AdamW(groups(a, b), {}); },
                           {-0.04928470505551557, -2.763116145879368, 3.1999999975});
}

TEST(ClipValue, RefusesWhatIsNoLimit) {
  const Tensor p = zeros({1}).set_requires_grad();
  EXPECT_THROW(clip_grad_value({p}, -1), ValueError);
  EXPECT_THROW(clip_grad_value({p}, NAN), ValueError);
  EXPECT_NO_THROW(clip_grad_value({p}, 1)) << "no gradient yet";
}

}  // namespace
}  // namespace gradus::optim
