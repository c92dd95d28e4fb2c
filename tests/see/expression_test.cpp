// Expressions: values against NumPy's, mistakes with the character they are about.
#include <gradus/ops/ops.h>
#include <gradus/program/observer.h>
#include <gradus/see/expression.h>

#include <gtest/gtest.h>

#include <map>

using namespace gradus;
using see::evaluate;

namespace {

/// m = [[0,1,2],[3,4,5]] f64, v = [10,20,30] i64, w = a parameter with gradient.
class Expression : public testing::Test {
 protected:
  Expression() {
    names_["m"] = tensor({{0., 1., 2.}, {3., 4., 5.}}, DType::f64);
    names_["v"] = tensor({10, 20, 30});
    names_["w"] = tensor({1.5, -2.}).set_requires_grad().set_name("w1");
    names_["w"].set_grad(tensor({7., 8.}));
  }
  see::Value value(std::string_view text) {
    return evaluate(text, [&](std::string_view name) {
      const auto found = names_.find(std::string(name));
      return found == names_.end() ? Tensor() : found->second;
    });
  }
  std::vector<double> numbers(std::string_view text) {
    return value(text).tensor.to_vector<double>();
  }
  std::string word(std::string_view text) { return value(text).str(); }
  /// "position: problem" of a mistake.
  std::string mistake(std::string_view text) {
    try {
      value(text);
    } catch (const see::ExpressionError& error) {
      return std::to_string(error.position()) + ": " + error.problem();
    }
    return "none";
  }
  std::map<std::string, Tensor> names_;
};

using Numbers = std::vector<double>;

TEST_F(Expression, ArithmeticHasTheUsualOrder) {
  EXPECT_EQ(numbers("1 + 2 * 3"), Numbers{7});
  EXPECT_EQ(numbers("(1 + 2) * 3"), Numbers{9});
  EXPECT_EQ(numbers("-2 ** 2"), Numbers{-4});
  EXPECT_EQ(numbers("2 ** 3 ** 2"), Numbers{512});
  EXPECT_EQ(numbers("8 - 4 - 2"), Numbers{2});
  EXPECT_EQ(numbers("8 / 4 / 2."), Numbers{1});
  EXPECT_EQ(numbers("1e2 + .5"), Numbers{100.5});
  EXPECT_EQ(numbers("m @ v"), (Numbers{80, 260}));
  EXPECT_EQ(numbers("m + v"), (Numbers{10, 21, 32, 13, 24, 35}));
  EXPECT_EQ(numbers("v - 1 > 10"), (Numbers{0, 1, 1}));
  EXPECT_EQ(numbers("m == 4"), (Numbers{0, 0, 0, 0, 1, 0}));
}

TEST_F(Expression, IndexesLikeNumPy) {
  EXPECT_EQ(numbers("m[1]"), (Numbers{3, 4, 5}));
  EXPECT_EQ(numbers("m[1, -1]"), Numbers{5});
  EXPECT_EQ(numbers("m[:, 0]"), (Numbers{0, 3}));
  EXPECT_EQ(numbers("m[0][::-1]"), (Numbers{2, 1, 0}));
  EXPECT_EQ(numbers("m[..., 1:]"), (Numbers{1, 2, 4, 5}));
  EXPECT_EQ(numbers("m[-1:, :2]"), (Numbers{3, 4}));
  EXPECT_EQ(numbers("m[m > 3]"), (Numbers{4, 5}));
  EXPECT_EQ(word("v[None, :, None].shape"), "[1,3,1]");
  EXPECT_EQ(numbers("m[1, m.shape[1] - 1]"), Numbers{5});
}

TEST_F(Expression, KnowsWhatATensorIs) {
  EXPECT_EQ(word("m.shape"), "[2,3]");
  EXPECT_EQ(word("m.T.strides"), "[1,3]");
  EXPECT_EQ(word("m[1].offset"), "3");
  EXPECT_EQ(word("m.ndim + m.numel"), "8");
  EXPECT_EQ(word("v.dtype"), "i64");
  EXPECT_EQ(numbers("v.dtype == v.dtype"), Numbers{1});
  EXPECT_EQ(word("w.name"), "w1");
  EXPECT_EQ(numbers("w.grad"), (Numbers{7, 8}));
  EXPECT_EQ(numbers("w.g[0]"), Numbers{7});
  EXPECT_EQ(word("m.grad"), "none");
}

TEST_F(Expression, EveryOperationCanBeCalled) {
  EXPECT_EQ(numbers("sum(m)"), Numbers{15});
  EXPECT_EQ(numbers("m.sum()"), Numbers{15});
  EXPECT_EQ(numbers("m.sum(0)"), (Numbers{3, 5, 7}));
  EXPECT_EQ(numbers("sum(m, axis=[0, 1])"), Numbers{15});
  EXPECT_EQ(word("mean(m, axis=1, keepdims=True).shape"), "[2,1]");
  EXPECT_EQ(numbers("(m * m).mean(axis=0)[2]"), Numbers{14.5});
  EXPECT_EQ(word("v.unsqueeze(-1).shape"), "[3,1]");  // the name elsewhere
  EXPECT_EQ(numbers("maximum(v, 15)"), (Numbers{15, 20, 30}));
  EXPECT_EQ(numbers("exp(m[0, 0])"), Numbers{1});
}

/// A double has 53 bits; what no int64 holds is floating.
TEST_F(Expression, WholeNumbersKeepTheirDigits) {
  for (const char* number : {"9007199254740993", "9223372036854775807", "0", "007"})
    EXPECT_EQ(value(number).tensor.item<std::int64_t>(), std::strtoll(number, nullptr, 10));
  EXPECT_EQ(value("-9007199254740993 + 1").tensor.item<std::int64_t>(), -9007199254740992);
  EXPECT_EQ(value("9223372036854775808").tensor.dtype(), DType::f64);
  EXPECT_EQ(value("1e3").tensor.dtype(), DType::f64);
}

TEST_F(Expression, MistakesPointAtTheCharacter) {
  EXPECT_EQ(mistake("m + x"), "4: nothing is called 'x' here");
  EXPECT_EQ(mistake("m +"), "3: the expression ends too early");
  EXPECT_EQ(mistake("(m"), "2: ')' is missing");
  EXPECT_EQ(mistake("m[0"), "3: ']' is missing");
  EXPECT_EQ(mistake("m.shap"), "2: a tensor has no 'shap'");
  EXPECT_EQ(mistake("m 2"), "2: '2' was not expected here");
  EXPECT_EQ(mistake(""), "0: the expression ends too early");
  EXPECT_EQ(mistake("m * )"), "4: a value is missing");
  EXPECT_EQ(mistake("1 + v.dtype"), "2: 'i64' is a word, not a tensor");
  EXPECT_EQ(mistake("sum(m, 0, 1, 2)"), "13: too many values for sum");
  EXPECT_TRUE(mistake("1 + m[5]").starts_with("5: "));        // the index
  EXPECT_TRUE(mistake("m + w").starts_with("2: "));           // shapes, at the sign
  EXPECT_TRUE(mistake("2 * summ(m)").starts_with("4: "));     // the operation
  EXPECT_TRUE(mistake("sum(m, axes=0)").starts_with("0: "));  // its attribute
  EXPECT_TRUE(mistake("m[v > 15., 1:x]").starts_with("13: "));
  EXPECT_EQ(mistake("m[0, 1.5]"), "5: an index is a whole number, not 1.5000");
  EXPECT_EQ(mistake("m[99999999999999999999]"), "2: an index is a whole number, not 1.0000e+20");
  EXPECT_EQ(mistake("m[1.5:]"), "2: an index is a whole number, not 1.5000");
  EXPECT_EQ(mistake("m[:v]"), "3: an index is a whole number, not i64[3]");
}

TEST_F(Expression, DeepTextEndsInAnError) {
  for (const char* piece : {"(", "-", "m[", "sum(", "2**", "|"}) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += piece;
    EXPECT_NE(mistake(text), "none");
  }
}

TEST_F(Expression, BarsAreTheEuclideanNorm) {
  EXPECT_EQ(numbers("|w|"), std::vector<double>{2.5});  // 1.5, -2
  EXPECT_EQ(numbers("2*|w| - |w*2|"), std::vector<double>{0});
  EXPECT_EQ(numbers("||w|-4|"), std::vector<double>{1.5});
  EXPECT_EQ(numbers("|v[:1]|/|w|"), std::vector<double>{4});
  EXPECT_EQ(mistake("|w"), "2: '|' is missing");
}

TEST_F(Expression, NamesAreReadWithoutComputing) {
  const auto unknown = [](std::string_view text) {
    return see::unknown_names(text, [](std::string_view name) {
      return name == "m" || name == "lin1.out" || name == "w.g";
    });
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(unknown("m[7, :3, m > 2].mean(axis=0) @ lin1.out > |m - 1|"), Names{});
  EXPECT_EQ(unknown("m.shape[0] + sum(m, 0) + w.g.max()"), Names{});
  EXPECT_EQ(unknown("los > 5*mm[-1] + net.lin9.weight.mean()"),
            (Names{"los", "mm", "net.lin9.weight"}));
  EXPECT_EQ(unknown("v.g.T"), Names{"v.g"});
  for (const char* text : {"m > (", "m[", "summ(m)", "m.nix", "sum(m, axes=0)", "m +", "|m", ""})
    EXPECT_THROW(unknown(text), see::ExpressionError) << text;
}

TEST_F(Expression, AGradientThatIsNotThereIsAnUnknownName) {
  EXPECT_EQ(word("m.g"), "none");
  EXPECT_THROW(value("m.g > 1"), see::UnknownName);
  EXPECT_THROW(value("|m.g|"), see::UnknownName);
}

TEST_F(Expression, NothingIsRecordedOrSeen) {
  struct Counter : Observer {
    int calls = 0;
    void after(const Event&) override { ++calls; }
  } counter;
  Observe watching(counter);
  EXPECT_FALSE(value("w * 2").tensor.requires_grad());
  EXPECT_EQ(counter.calls, 0);
  (void)(names_["w"] * 2);
  EXPECT_EQ(counter.calls, 1);
}

}  // namespace
