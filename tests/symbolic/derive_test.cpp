// Derivatives against finite differences, against SymPy, and in the form a person would write.
#include <gtest/gtest.h>

#include <tests/symbolic/random_expression.h>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include <gradus/symbolic/derive.h>
#include <gradus/symbolic/domain.h>
#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>
#include <gradus/symbolic/simplify.h>

namespace gradus::symbolic {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(GRADUS_SOURCE_DIR "/tests/golden/symbolic.json"));
  return all;
}

std::string diff(const std::string& e, const std::string& by = "x") {
  return text(derivative(parse(e), by));
}

TEST(Derivative, OfTheLesson) {
  EXPECT_EQ(diff("x^2"), "2*x");
  EXPECT_EQ(diff("3*x^2+9"), "6*x");
  EXPECT_EQ(diff("x^b"), "b*x^(b - 1)");
  EXPECT_EQ(diff("9"), "0");
  EXPECT_EQ(evaluate(derivative(parse("3*x^2 + 9"), "x"), {{"x", 5}}), 30);
  EXPECT_EQ(diff("x*y"), "y");
  EXPECT_EQ(diff("x*y", "y"), "x");
  EXPECT_EQ(diff("x*y", "z"), "0");
}

TEST(Derivative, TextbookFormsAreWhatAPersonWrites) {
  int count = 0;
  for (const auto& entry : golden()["textbook"]) {
    const std::string e = entry["expression"];
    EXPECT_EQ(diff(e), entry["derivative"].get<std::string>())
        << "d/dx " << e << ", SymPy " << entry["sympy"];
    ++count;
  }
  EXPECT_GE(count, 40);
}

TEST(Derivative, EqualsSymPyByValue) {
  int count = 0;
  for (const auto& entry : golden()["cases"]) {
    const Expression e = parse(entry["expression"]);
    const Expression slope = derivative(e, entry["by"]);
    for (const auto& place : entry["places"]) {
      const Values at = place["at"];
      const double expected = place["value"];
      // How much of the difference is the rounding of the place itself?
      EXPECT_NEAR(evaluate(slope, at), expected, 1e-9 * (1 + std::fabs(expected)))
          << entry["expression"] << " by " << entry["by"] << " at " << place["at"] << ": "
          << text(slope);
      ++count;
    }
  }
  EXPECT_GT(count, 1000);
}

TEST(Derivative, EqualsFiniteDifferencesOnRandomExpressions) {
  testing::Random random(25);
  int checked = 0;
  for (int i = 0; checked < 3000; ++i) {
    ASSERT_LT(i, 100000) << "too few could be checked";
    const Expression e = testing::random_expression(random, 2 + testing::pick(random, 3));
    if (!depends_on(e, "x")) continue;
    const Values at{{"x", 0.05 * (testing::pick(random, 80) - 35) + 0.013},
                    {"y", 0.05 * (testing::pick(random, 80) - 35) + 0.017}};
    const std::optional<double> expected = testing::slope_by_differences(e, at);
    if (!expected) continue;
    const Expression slope = derivative(e, "x");
    ASSERT_NEAR(evaluate(slope, at), *expected, 1e-6 * (1 + std::fabs(*expected)))
        << text(e) << "\n  " << text(slope) << "\n  at x = " << at.at("x")
        << ", y = " << at.at("y");
    ++checked;
  }
}

TEST(Derivative, AtKinks) {
  const auto at = [](const std::string& e, double x, double y = 0) {
    return evaluate(derivative(parse(e), "x"), {{"x", x}, {"y", y}});
  };
  EXPECT_EQ(at("relu(x)", 0), 0) << "as the lesson: (l1 > 0)";
  EXPECT_EQ(at("max(0, x)", 0), 0);
  EXPECT_EQ(at("relu(x)", 2), 1);
  EXPECT_EQ(at("relu(x)", -2), 0);
  EXPECT_EQ(at("abs(x)", 0), 0);
  EXPECT_EQ(at("abs(x)", -3), -1);
  EXPECT_EQ(at("max(x, y)", 1, 1), 0) << "the slope of the second argument";
  EXPECT_EQ(at("max(y, x)", 1, 1), 1);
  EXPECT_EQ(at("min(x, y)", 0, 1), 1);
  EXPECT_EQ(at("min(x, y)", 2, 1), 0);
  EXPECT_EQ(at("max(x^2, x)", 3), 6);
  EXPECT_EQ(at("max(x^2, x)", 0.5), 1);
}

TEST(Derivative, ABranchThatDoesNotCountMayHaveAnySlope) {
  const auto at = [](const std::string& e, double x) {
    return evaluate(derivative(parse(e), "x"), {{"x", x}});
  };
  EXPECT_EQ(at("sqrt(relu(x))", -1), 0) << "step(-1) = 0 times 1/sqrt(0)";
  EXPECT_EQ(at("sqrt(relu(x))", 4), .25);
  EXPECT_EQ(at("max(x, log(x))", 0), 1) << "log has slope inf there, and is not the larger one";
  EXPECT_EQ(at("min(1/x, x^2)", 0), 0) << "the other one is infinite";
  EXPECT_TRUE(std::isinf(at("sqrt(x)", 0)));
}

TEST(Derivative, OfWhatHasNoValueIsAnError) {
  const std::pair<const char*, const char*> wrong[] = {
      {"0/0", "0/0"},
      {"log(-1)", "log(-1)"},
      {"x + acos(2)", "acos(2)"},
      {"x*sqrt(1 - 3)", "sqrt(1 - 3)"},
      {"log(x - x - 1)", "log(-1)"},
      {"x*log(0)", "log(0)"},
      {"sin(x/(2 - 2))", "x/(2 - 2)"},
  };
  for (const auto& [e, part] : wrong) {
    try {
      ADD_FAILURE() << e << " gives " << diff(e);
    } catch (const ExpressionError& error) {
      EXPECT_EQ(error.what(), std::string(part) + " has no real value") << e;
    }
  }
  EXPECT_EQ(diff("10^400*x"), text(simplify(parse("10^400")))) << "large is not undefined";
}

TEST(Domain, NamesThePartThatHasNoValue) {
  const auto part = [](const std::string& e, double x) {
    const auto found = undefined_part(parse(e), {{"x", x}});
    return found ? text(*found) : "";
  };
  EXPECT_EQ(part("2*log(x) + 1", -1), "log(x)");
  EXPECT_EQ(part("2*log(x) + 1", 1), "");
  EXPECT_EQ(part("sin(sqrt(x - 3))", 2), "sqrt(x - 3)");
  EXPECT_EQ(part("sin(x)/x", 0), "sin(x)/x");
  EXPECT_EQ(part("(x - 1)^(1/3)", 0), "(x - 1)^(1/3)");
  EXPECT_EQ(part("x^-2", 0), "1/x^2");
  EXPECT_EQ(part("step(x)*log(x)", -1), "") << "a gate that is 0";
  EXPECT_EQ(part("exp(x)", 1e4), "") << "too large for a double";
  EXPECT_THROW((void)undefined_part(parse("x + y"), {{"x", 1}}), ExpressionError);
}

TEST(Derivative, SecondDerivativesToo) {
  const Expression e = parse("exp(-x^2)*sin(x)");
  const Expression second = derivative(derivative(e, "x"), "x");
  const double h = 1e-4, x = 0.7;
  const auto f = [&](double by) { return evaluate(e, {{"x", x + by}}); };
  EXPECT_NEAR(evaluate(second, {{"x", x}}), (f(h) - 2 * f(0) + f(-h)) / (h * h), 1e-6);
  EXPECT_EQ(text(derivative(derivative(parse("x^3"), "x"), "x")), "6*x");
}

std::vector<std::string> steps(const std::string& e) {
  std::vector<Step> steps;
  derivative(parse(e), "x", &steps);
  std::vector<std::string> lines;
  for (const Step& step : steps) lines.push_back(step.str());
  return lines;
}

TEST(Steps, NameTheRules) {
  EXPECT_EQ(steps("3*x^2 + 9"), (std::vector<std::string>{
                                    "sum rule: d/dx(3*x^2 + 9) = d/dx(3*x^2) + d/dx(9)",
                                    "constant factor rule: d/dx(3*x^2) = 3*d/dx(x^2)",
                                    "power rule: d/dx(x^2) = 2*x",
                                    "constant rule: d/dx(9) = 0",
                                    "together: d/dx(3*x^2 + 9) = 6*x",
                                }));
  EXPECT_EQ(steps("sin(x^2)"),
            (std::vector<std::string>{
                "rule of sin and chain rule: d/dx(sin(x^2)) = cos(x^2)*d/dx(x^2)",
                "power rule: d/dx(x^2) = 2*x",
                "together: d/dx(sin(x^2)) = 2*x*cos(x^2)",
            }));
  EXPECT_EQ(steps("x*exp(x)"), (std::vector<std::string>{
                                   "product rule: d/dx(x*exp(x)) = d/dx(x)*exp(x) + d/dx(exp(x))*x",
                                   "variable: d/dx(x) = 1",
                                   "rule of exp: d/dx(exp(x)) = exp(x)",
                                   "together: d/dx(x*exp(x)) = x*exp(x) + exp(x)",
                               }));
  EXPECT_EQ(steps("sin(x)/x")[0],
            "quotient rule: d/dx(sin(x)/x) = (d/dx(sin(x))*x - sin(x)*d/dx(x))/x^2");
  EXPECT_EQ(steps("x*x")[0], "simplify: x*x = x^2");
  EXPECT_EQ(steps("max(x, x^2)")[0],
            "max rule: d/dx(max(x, x^2)) = step(x - x^2)*d/dx(x) + (1 - step(x - x^2))*d/dx(x^2)");
  EXPECT_EQ(steps("x - sin(x)")[0], "sum rule: d/dx(x - sin(x)) = d/dx(x) - d/dx(sin(x))");
}

TEST(Derivative, DeepAndLongExpressionsEndInTimeOrInAnError) {
  std::string deep = "x";
  for (int i = 0; i < 350; ++i) deep = "sin(" + deep + ")";
  const Expression slope = derivative(parse(deep), "x");
  EXPECT_TRUE(std::isfinite(evaluate(slope, {{"x", 0.5}})));
  std::string tower = "x";
  for (int i = 0; i < 300; ++i) tower += "^x";
  EXPECT_TRUE(std::isfinite(evaluate(derivative(parse(tower), "x"), {{"x", 1}})));
  std::string longest = "x";
  for (int i = 1; i < 20000; ++i) longest += "*x";
  EXPECT_EQ(diff(longest), "20000*x^19999");
  std::string many = "1";
  for (int i = 1; i < 3000; ++i) many += "*sin(x+" + std::to_string(i) + ")";
  EXPECT_THROW(derivative(parse(many), "x"), ExpressionError) << "nine million factors";
}

}  // namespace
}  // namespace gradus::symbolic
