// Reading: precedence, errors that point, and bytes of any kind.
#include <gradus/symbolic/parse.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tests/symbolic/random_expression.h>
#include <cmath>
#include <numbers>

#include <gradus/symbolic/derive.h>
#include <gradus/symbolic/print.h>
#include <gradus/symbolic/simplify.h>

namespace gradus::symbolic {
namespace {

double value(const std::string& e, double x = 3) { return evaluate(parse(e), {{"x", x}}); }

TEST(Parse, Precedence) {
  EXPECT_EQ(value("-x^2"), -9);
  EXPECT_EQ(value("(-x)^2"), 9);
  EXPECT_EQ(value("2^3^2"), 512);
  EXPECT_EQ(value("2**3**2"), 512);
  EXPECT_EQ(value("2^-x"), 0.125);
  EXPECT_EQ(value("-2^2"), -4);
  EXPECT_EQ(value("10 - 4 - 3"), 3);
  EXPECT_EQ(value("24/4/2"), 3);
  EXPECT_EQ(value("24/4*2"), 12);
  EXPECT_EQ(value("2 + 3*x"), 11);
  EXPECT_EQ(value("2*-x"), -6);
  EXPECT_EQ(value("- - x"), 3);
  EXPECT_EQ(value("+x"), 3);
  EXPECT_EQ(value("2*x^2"), 18);
  EXPECT_EQ(value("6/2*x"), 9);
  EXPECT_EQ(value("1/2^2"), 0.25);
}

TEST(Parse, NumbersNamesAndFunctions) {
  EXPECT_EQ(value("1.5e3"), 1500);
  EXPECT_EQ(value("1e-3"), 0.001);
  EXPECT_EQ(value("2.e1 + .5"), 20.5);
  EXPECT_EQ(value("0.30000000000000004"), 0.30000000000000004);
  EXPECT_EQ(value("pi"), std::numbers::pi);
  EXPECT_EQ(value("2*e"), 2 * std::numbers::e);
  EXPECT_EQ(value("1e-400"), 0);
  EXPECT_EQ(value(" sin ( x ) "), std::sin(3.0));
  EXPECT_EQ(value("ln(x)"), std::log(3.0));
  EXPECT_EQ(value("relu(-x) + max(x, 1) + min(x, 1)"), 4);
  EXPECT_EQ(value("step(0) + sign(-2)"), -1);
  EXPECT_EQ(evaluate(parse("x_1*w2"), {{"x_1", 2}, {"w2", 5}}), 10);
  EXPECT_EQ(variables(parse("b + a*sin(c) + pi + e")), (std::set<std::string>{"a", "b", "c"}));
}

TEST(Parse, AbbreviationsAreWhatTheyStandFor) {
  EXPECT_NEAR(value("sec(x)"), 1 / std::cos(3.0), 1e-15);
  EXPECT_NEAR(value("csc(x)"), 1 / std::sin(3.0), 1e-14);
  EXPECT_NEAR(value("cot(x)"), 1 / std::tan(3.0), 1e-14);
  EXPECT_NEAR(value("log10(100*x)"), std::log10(300.0), 1e-15);
  EXPECT_NEAR(value("log2(x)"), std::log2(3.0), 1e-15);
  EXPECT_NEAR(value("softplus(x)"), std::log1p(std::exp(3.0)), 1e-15);
  EXPECT_NEAR(value("silu(x)"), 3 / (1 + std::exp(-3.0)), 1e-15);
  EXPECT_EQ(evaluate(parse("silu(u)"), {{"u", 0}}), 0) << "u is a name like any other";
  for (const Abbreviation& a : abbreviations()) {
    EXPECT_FALSE(is_variable_name(std::string(a.name))) << a.name;
    EXPECT_EQ(find_function(a.name), nullptr) << a.name;
  }
}

TEST(Parse, SuggestsWhatMayBeMeant) {
  for (const auto& [name, meant] : {std::pair{"sinn", "sin(x)"},
                                    {"cosin", "cos(x)"},
                                    {"Sin", "sin(x)"},
                                    {"ReLU", "relu(x)"},
                                    {"arcsin", "asin(x)"},
                                    {"pow", "x^y"},
                                    {"lg", "log10(x)"},
                                    {"sigmiod", "sigmoid(x)"},
                                    {"maxx", "max(x, y)"},
                                    {"f", ""},
                                    {"foo", ""},
                                    {"x", ""}})
    EXPECT_EQ(suggestion(name), meant) << name;
  try {
    parse("1 + sinn(x)");
    ADD_FAILURE();
  } catch (const ParseError& error) {
    EXPECT_EQ(error.hint(), "write sin(x), or sinn*(...) for a product");
  }
}

struct Bad {
  const char* text;
  std::size_t position;
  const char* says;
};

TEST(Parse, ErrorsPointAtTheCharacter) {
  const Bad bad[] = {
      {"", 0, "missing"},
      {"   ", 3, "missing"},
      {"2x", 1, "operator is missing"},
      {"2 x", 2, "operator is missing"},
      {"x y", 2, "operator is missing"},
      {"(x)(x)", 3, "operator is missing"},
      {"2(x)", 1, "operator is missing"},
      {"x 2", 2, "operator is missing"},
      {"1.2.3", 3, "operator is missing"},
      {"x(3)", 0, "no function 'x'"},
      {"sinn(x)", 0, "no function 'sinn'"},
      {"sin", 0, "is a function"},
      {"sin x", 0, "is a function"},
      {"max(x)", 0, "takes 2 arguments, not 1"},
      {"sec", 0, "'sec' is a function"},
      {"relu + 1", 0, "'relu' is a function"},
      {"sin()", 0, "takes 1 argument, not 0"},
      {"relu(x, 1)", 0, "takes 1 argument, not 2"},
      {"(x + 1", 0, "never closed"},
      {"x + 1)", 5, "closes nothing"},
      {"x +", 3, "ends too early"},
      {"x + * 3", 4, "not '*'"},
      {"x ^", 3, "ends too early"},
      {"3*x^^2", 4, "not '^'"},
      {"x = 3", 2, "unexpected '='"},
      {"x, y", 1, "comma"},
      {"x $ y", 2, "unexpected '$'"},
      {".", 0, "point without digits"},
      {"1e999", 0, "too large"},
      {"x + \xC3\xA9", 4, "not '\xC3\xA9'"},
      {"sin(x, ", 7, "ends too early"},
      {"(x]", 2, "expected an operator or a )"},
  };
  for (const Bad& b : bad) {
    try {
      parse(b.text);
      ADD_FAILURE() << b.text << " was read";
    } catch (const ParseError& error) {
      EXPECT_EQ(error.position(), b.position) << b.text << "\n" << error.what();
      EXPECT_THAT(error.problem(), ::testing::HasSubstr(b.says)) << b.text;
    }
  }
}

TEST(Parse, TheCaretStandsBelow) {
  const auto said = [](const std::string& e) -> std::string {
    try {
      parse(e);
    } catch (const ParseError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(said("2x + 1"), "an operator is missing before 'x'\n  2x + 1\n   ^\n  hint: write 2*x");
  // Two bytes, one column.
  EXPECT_EQ(said("(\xC3\xA9"),
            "expected a number, a name or a (, not '\xC3\xA9'\n  (\xC3\xA9\n   ^");
  const std::string at_the_end = said(std::string(300, ' ') + "+x +");
  EXPECT_LT(at_the_end.size(), 250u) << "a long line is cut around the place";
  EXPECT_EQ(said("x\t\x01"), "unexpected control character\n  x  \n    ^");
}

TEST(Parse, DepthIsLimited) {
  for (const auto& [open, close] :
       {std::pair{"(", ")"}, {"sin(", ")"}, {"-", ""}, {"2^", ""}, {"+", ""}, {"max(1, ", ")"}}) {
    const auto nested = [&, o = std::string(open), c = std::string(close)](int depth) {
      std::string e;
      for (int i = 0; i < depth; ++i) e += o;
      e += "x";
      for (int i = 0; i < depth; ++i) e += c;
      return e;
    };
    EXPECT_NO_THROW(text(parse(nested(max_nesting - 2)))) << open;
    EXPECT_THROW(parse(nested(max_nesting + 2)), ParseError) << open;
    EXPECT_THROW(parse(nested(1000000)), ParseError) << open;
  }
  std::string flat = "x";
  for (int i = 0; i < 100000; ++i) flat += i % 2 ? "+x" : "-x*2/3";
  EXPECT_NO_THROW(simplify(parse(flat)));
}

TEST(Parse, ReadsWhatPrintWrites) {
  testing::Random random(7);
  for (int i = 0; i < 4000; ++i) {
    const Expression e = testing::random_expression(random, 1 + testing::pick(random, 4));
    const std::string written = text(e);
    const Values at{{"x", 0.7}, {"y", 1.3}};
    const double value = evaluate(e, at), again = evaluate(parse(written), at);
    if (std::isfinite(value) && std::fabs(value) < 1e6) {
      ASSERT_NEAR(again, value, 1e-9 * (1 + std::fabs(value))) << written;
    }
    const Expression simple = simplify(e);
    if (!testing::all_finite(simple, at)) continue;  // 1/0 is left as it was written
    ASSERT_EQ(text(parse(text(simple))), text(simple));
    ASSERT_EQ(text(simplify(parse(text(simple)))), text(simple));
  }
}

TEST(Parse, RandomBytesNeverCrash) {
  testing::Random random(99);
  const std::string alphabet = "xy012.9e+-*/^(),  sincolgmaxpibrtue\t=\xC3\xA9";
  int read = 0;
  for (int i = 0; i < 60000; ++i) {
    std::string bytes;
    const int length = testing::pick(random, 24);
    for (int k = 0; k < length; ++k)
      bytes +=
          i % 3 == 0 ? static_cast<char>(random() & 255) : alphabet[random() % alphabet.size()];
    try {
      const Expression e = parse(bytes);
      ++read;
      const Expression slope = derivative(e, "x");
      ASSERT_NO_THROW(parse(text(slope))) << bytes << "\n" << text(slope);
      ASSERT_FALSE(latex(slope).empty());
    } catch (const ParseError& error) {
      ASSERT_LE(error.position(), bytes.size());
    } catch (const ExpressionError& error) {  // 9/0
      ASSERT_NE(std::string(error.what()).find("has no real value"), std::string::npos) << bytes;
    }
  }
  EXPECT_GT(read, 200) << "the fuzz finds too few expressions to mean anything";
}

TEST(Expressions, RefuseWhatMakesNoSense) {
  EXPECT_THROW(evaluate(parse("x + z"), {{"x", 1}}), ExpressionError);
  EXPECT_THROW(call("nothing", {1}), ExpressionError);
  EXPECT_THROW(call("sin", {1, 2}), ExpressionError);
  Expression deep = variable("x");
  EXPECT_THROW(
      {
        for (int i = 0; i < 100000; ++i) deep = call("sin", {deep});
      },
      ExpressionError);
  Expression wide = variable("x");
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) wide = sum({wide, wide});
      },
      ExpressionError);
}

}  // namespace
}  // namespace gradus::symbolic
