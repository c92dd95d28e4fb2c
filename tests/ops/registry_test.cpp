// The loop over the registry: every operation, on each of its samples, in every layout, against
// finite differences; forward mode against reverse mode.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gradus/gradus.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace {

Tensors run(const Op& op, std::span<const Tensor> inputs) { return apply_all(op, inputs); }

bool any_floating(const Tensors& tensors) {
  for (const Tensor& x : tensors)
    if (is_floating(x.dtype())) return true;
  return false;
}

/// The same values in another layout.
Tensor relaid(const Tensor& x, std::string_view layout) {
  NoGrad guard;
  const int n = x.ndim();
  if (layout == "transposed" && n >= 2) {
    Ints order(static_cast<std::size_t>(n));
    for (int k = 0; k < n; ++k) order[static_cast<std::size_t>(k)] = n - 1 - k;
    return permute_dims(clone(permute_dims(x, order)), order);
  }
  if (layout == "sliced" && n >= 1) {
    Tensor wide = full_like(concat({x, x, x}, -1), 1);
    Tensor hole = slice(wide, -1, 1, 1 + 2 * x.size(-1), 2);
    hole.copy_(x);
    return hole;
  }
  if (layout == "reversed" && n >= 1) return flip(clone(flip(x)));
  return x;
}

class EveryOp : public testing::TestWithParam<std::size_t> {
 protected:
  const Op& op() const { return all_ops()[GetParam()]; }
};

TEST_P(EveryOp, HasACardAndSamples) {
  const Card& card = op().card();
  EXPECT_FALSE(card.name.empty());
  EXPECT_FALSE(card.doc.empty());
  EXPECT_FALSE(card.formula.empty());
  EXPECT_FALSE(card.shapes.empty());
  EXPECT_TRUE(card.doc.ends_with('.')) << card.doc;
  EXPECT_FALSE(op().samples().empty()) << "an operation without samples is not tested";
  for (const Sample& s : op().samples()) EXPECT_EQ(s.op.name(), op().name());
}

// What the door takes for granted of an elementwise definition, of which it asks no rule then.
TEST_P(EveryOp, ElementwiseIsWhatItsRulesSay) {
  const detail::Facts& facts = op().facts();
  if (facts.elementwise == 0) return;
  for (DType dtype : {DType::f32, DType::f64}) {
    const auto n = static_cast<std::size_t>(facts.elementwise);
    const Tensors inputs(n, zeros({2, 3}, dtype));
    const std::vector<Spec> specs(n, Spec{{2, 3}, dtype});
    EXPECT_TRUE(op().model().prepare(inputs).empty());
    const Specs results = op().model().infer(specs);
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0], (Spec{{2, 3}, facts.is_truth ? DType::boolean : dtype}));
  }
}

TEST_P(EveryOp, AttributesSurviveText) {
  for (const Sample& s : op().samples()) {
    Op copy = op();
    for (const AttributeInfo& info : s.op.attributes())
      copy = copy.with(info.name, to_text(info.value));
    EXPECT_EQ(copy.str(), s.op.str());
  }
}

TEST_P(EveryOp, GradientsAgreeWithDifferencesInEveryLayout) {
  for (const Sample& s : op().samples()) {
    if (!s.op.has_gradient() || !any_floating(run(s.op, s.inputs)) || s.inputs.empty()) continue;
    for (std::string_view layout : {"contiguous", "transposed", "sliced", "reversed"}) {
      Tensors inputs;
      for (const Tensor& x : s.inputs) inputs.push_back(relaid(x, layout));
      const GradcheckReport report =
          gradcheck([&](std::span<const Tensor> x) { return run(s.op, x); }, inputs);
      EXPECT_TRUE(report.ok()) << s.op.str() << " " << layout << ": " << report.str();
    }
  }
}

TEST_P(EveryOp, ValuesDoNotDependOnLayout) {
  for (const Sample& s : op().samples()) {
    const Tensors expected = run(s.op, s.inputs);
    for (std::string_view layout : {"transposed", "sliced", "reversed"}) {
      Tensors inputs;
      for (const Tensor& x : s.inputs) inputs.push_back(relaid(x, layout));
      const Tensors got = run(s.op, inputs);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t k = 0; k < got.size(); ++k) {
        EXPECT_EQ(got[k].spec(), expected[k].spec());
        EXPECT_EQ(got[k].to_vector<double>(), expected[k].to_vector<double>())
            << s.op.str() << " " << layout;
      }
    }
  }
}

TEST_P(EveryOp, ForwardModeIsTheTransposeOfReverseMode) {
  for (const Sample& s : op().samples()) {
    if (!s.op.has_gradient() || s.inputs.empty()) continue;
    auto f = [&](std::span<const Tensor> x) {
      Tensors floating;
      for (const Tensor& y : run(s.op, x)) floating.push_back(astype(y, DType::f64));
      return floating;
    };
    const Tensors y = f(s.inputs);
    Tensors v, u;
    for (std::size_t i = 0; i < s.inputs.size(); ++i)
      v.push_back(sample(s.inputs[i].shape().to_vector(), -1, 1, 11 + static_cast<int>(i)));
    for (std::size_t k = 0; k < y.size(); ++k)
      u.push_back(sample(y[k].shape().to_vector(), -1, 1, 21 + static_cast<int>(k)));
    const Tensors jv = jvp(f, s.inputs, v).tensors, x_bar = vjp(f, s.inputs, u).tensors;
    double left = 0, right = 0;
    for (std::size_t k = 0; k < y.size(); ++k) left += sum(jv[k] * u[k]).item();
    for (std::size_t i = 0; i < v.size(); ++i)
      if (is_floating(s.inputs[i].dtype())) right += sum(v[i] * x_bar[i]).item();
    EXPECT_NEAR(left, right, 1e-11 * std::max(1.0, std::abs(right))) << s.op.str();
  }
}

TEST_P(EveryOp, IsDifferentiableWhereAGradientFlows) {
  bool flows = false;
  for (const Sample& s : op().samples()) {
    Tensors inputs;
    for (const Tensor& x : s.inputs) {
      inputs.push_back(is_floating(x.dtype()) ? x.detach() : x);
      if (is_floating(x.dtype())) inputs.back().set_requires_grad();
    }
    try {
      for (const Tensor& y : run(s.op, inputs)) flows |= y.requires_grad();
    } catch (const GradError&) {  // no rule
      EXPECT_FALSE(op().has_gradient());
    }
  }
  EXPECT_EQ(op().has_gradient(), flows);
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryOp, testing::Range<std::size_t>(0, all_ops().size()),
                         [](const auto& each) {
                           return std::string(all_ops()[each.param].name());
                         });

TEST(Registry, NamesAreUnique) {
  std::vector<std::string_view> names;
  for (const Op& op : all_ops()) names.push_back(op.name());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Registry, FindsNamesFromElsewhere) {
  EXPECT_EQ(find_op("unsqueeze").name(), "expand_dims");
  EXPECT_EQ(find_op("torch.cat").name(), "concat");
  EXPECT_EQ(find_op("multiply").name(), "mul");
  EXPECT_EQ(find_op("T").name(), "transpose");
  try {
    find_op("sofmax");
    FAIL();
  } catch (const NameError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("did you mean 'softmax'?"));
  }
}

}  // namespace
}  // namespace gradus
