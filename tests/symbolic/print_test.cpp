// LaTeX and MathML: no two different expressions look alike, and MathML is well-formed XML.
#include <gradus/symbolic/print.h>

#include <gtest/gtest.h>

#include <tests/symbolic/random_expression.h>
#include <map>

#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/simplify.h>

namespace gradus::symbolic {
namespace {

TEST(Text, SignsFractionsAndParentheses) {
  for (const char* same : {"x - y",       "x - (y - 1)",     "x + (y + 1)", "-x^2",
                           "(-x)^2",      "(x + 1)*y",       "x/y",         "x/(y*2)",
                           "x^(1/2 + y)", "(x^2)^3",         "2^x",         "(1/2)^x",
                           "x^(-y)",      "(x*y)^2",         "1/x^2",       "-x/2",
                           "x*y/3",       "sin(x)^2",        "max(x, y)",   "sqrt(x)",
                           "1/sqrt(x)",   "(x + 1)/(x - 1)", "exp(-x)",     "1.5*x",
                           "-1",          "1 - 2",           "2*(x + 1)",   "e^x",
                           "pi"})
    EXPECT_EQ(text(parse(same)), same);
}

TEST(Latex, Forms) {
  const std::pair<const char*, const char*> forms[] = {
      {"3*x^2 + 9", R"(3 x^{2} + 9)"},
      {"x/2 - 1", R"(\frac{x}{2} - 1)"},
      {"-1/x^2", R"(-\frac{1}{x^{2}})"},
      {"sqrt(x + 1)", R"(\sqrt{x + 1})"},
      {"sin(x)^2", R"(\sin^{2}\left(x\right))"},
      {"sin(x^2)", R"(\sin\left(x^{2}\right))"},
      {"exp(-x)", R"(e^{-x})"},
      {"(x + 1)*y", R"(\left(x + 1\right) y)"},
      {"(x + 1)/y", R"(\frac{x + 1}{y})"},
      {"(x/y)^2", R"(\left(\frac{x}{y}\right)^{2})"},
      {"x^(y + 1)", R"(x^{y + 1})"},
      {"2*3", R"(2 \cdot 3)"},
      {"x*2^y", R"(x \cdot 2^{y})"},
      {"log(abs(x))", R"(\ln\left(\left|x\right|\right))"},
      {"step(x - 3)", R"(\mathbf{1}_{x - 3 > 0})"},
      {"max(x, 0)", R"(\max\left(x, 0\right))"},
      {"alpha*x_1 + rate", R"(\alpha x_{1} + \mathrm{rate})"},
      {"w1*pi", R"(w_{1} \pi)"},
      {"1e30*x", R"(1 \cdot 10^{30} x)"},
      {"(x^2)^3", R"(\left(x^{2}\right)^{3})"},
      {"(-x)^2", R"(\left(-x\right)^{2})"},
  };
  for (const auto& [from, to] : forms) EXPECT_EQ(latex(parse(from)), to) << from;
}

/// A small check of XML: tags nest and close, no stray < > &.
::testing::AssertionResult well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < xml.size();) {
    const std::string rest = xml.substr(i, 40);
    if (xml[i] == '<') {
      const std::size_t end = xml.find('>', i);
      if (end == xml.npos) return ::testing::AssertionFailure() << "open tag at " << rest;
      const std::string tag = xml.substr(i + 1, end - i - 1);
      if (tag[0] == '/') {
        if (open.empty() || open.back() != tag.substr(1))
          return ::testing::AssertionFailure() << "closes nothing: " << rest;
        open.pop_back();
      } else {
        open.push_back(tag.substr(0, tag.find(' ')));
      }
      i = end + 1;
    } else if (xml[i] == '&') {
      const std::size_t end = xml.find(';', i);
      if (end == xml.npos || end - i > 9)
        return ::testing::AssertionFailure() << "bad reference: " << rest;
      i = end + 1;
    } else if (xml[i] == '>' || static_cast<unsigned char>(xml[i]) > 126) {
      return ::testing::AssertionFailure() << "stray character: " << rest;
    } else {
      ++i;
    }
  }
  if (!open.empty()) return ::testing::AssertionFailure() << open.back() << " is never closed";
  return ::testing::AssertionSuccess();
}

/// Elements that need a fixed number of children: a missing one makes browsers draw an error.
void check_children(const std::string& xml) {
  std::vector<std::pair<std::string, int>> open{{"", 0}};
  for (std::size_t i = xml.find('<'); i != xml.npos; i = xml.find('<', i + 1)) {
    const std::string tag = xml.substr(i + 1, xml.find_first_of(" >", i) - i - 1);
    if (tag[0] != '/') {
      ++open.back().second;
      open.emplace_back(tag, 0);
      continue;
    }
    const auto [name, children] = open.back();
    if (name == "mfrac" || name == "msup" || name == "msub") {
      EXPECT_EQ(children, 2) << xml;
    }
    open.pop_back();
  }
}

TEST(Mathml, IsWellFormed) {
  testing::Random random(5);
  for (int i = 0; i < 2000; ++i) {
    const std::string xml = mathml(testing::random_expression(random, testing::pick(random, 5)));
    ASSERT_TRUE(well_formed(xml)) << xml;
    check_children(xml);
  }
  EXPECT_EQ(
      mathml(parse("x^2/2")),
      R"(<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><mfrac><mrow>)"
      R"(<msup><mi>x</mi><mrow><mn>2</mn></mrow></msup></mrow><mrow><mn>2</mn></mrow></mfrac>)"
      R"(</mrow></math>)");
}

TEST(Writing, DifferentExpressionsLookDifferent) {
  testing::Random random(6);
  std::map<std::string, std::string> by_latex, by_mathml;
  for (int i = 0; i < 6000; ++i) {
    const Expression e = simplify(testing::random_expression(random, testing::pick(random, 4)));
    const std::string t = text(e);
    EXPECT_EQ(by_latex.emplace(latex(e), t).first->second, t) << latex(e);
    EXPECT_EQ(by_mathml.emplace(mathml(e), t).first->second, t) << mathml(e);
  }
}

}  // namespace
}  // namespace gradus::symbolic
