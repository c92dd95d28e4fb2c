// gradus diff as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace gradus {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Diff : public testing::Test {
 protected:
  struct Result {
    int code;
    std::string out, err;
  };
  static Result run(const std::string& arguments) {
    const std::string stem = testing::TempDir() + "gradus_diff_" + std::to_string(::getpid());
    const std::string line = "LC_ALL=C '" GRADUS_COMMAND_PATH "' diff " + arguments + " >'" + stem +
                             ".out' 2>'" + stem + ".err' </dev/null";
    const int status = std::system(line.c_str());
    const Result result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(stem + ".out"),
                        text(stem + ".err")};
    std::filesystem::remove(stem + ".out");
    std::filesystem::remove(stem + ".err");
    return result;
  }
  static std::string text(const std::string& name) {
    std::ostringstream all;
    all << std::ifstream(name).rdbuf();
    return all.str();
  }
};

TEST_F(Diff, PrintsTheDerivativeAlone) {
  const Result result = run("'3*x^2+9'");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "6*x\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(run("'x^2'").out, "2*x\n");
  EXPECT_EQ(run("'x*y' --by y").out, "x\n");
  EXPECT_EQ(run("9").out, "0\n");
}

TEST_F(Diff, AnExpressionMayBeginWithAMinus) {
  EXPECT_EQ(run("-x^2").out, "-2*x\n");
  EXPECT_EQ(run("-x^2 --at x=-3").out, "-2*x\nat x = -3: 6\n");
  EXPECT_EQ(run("--by x -- '-x*y'").out, "-y\n");
  EXPECT_EQ(run("-- --x").out, "1\n");
  EXPECT_THAT(run("-h").out, HasSubstr("--by"));
}

TEST_F(Diff, ValuesFormulasAndSteps) {
  EXPECT_EQ(run("'3*x^2+9' --at x=5").out, "6*x\nat x = 5: 30\n");
  EXPECT_EQ(run("'x^2*y' --by x --at x=5,y=2").out, "2*x*y\nat x = 5, y = 2: 20\n");
  EXPECT_EQ(run("'x^2*y' --by x --at x=5 --at y=2").out, "2*x*y\nat x = 5, y = 2: 20\n");
  EXPECT_EQ(run("'log(x)' --at x=0").out, "1/x\nat x = 0: inf\n");
  EXPECT_EQ(run("'x^3/3' --latex").out, "x^{2}\n");
  EXPECT_THAT(run("'x^3/3' --mathml").out, HasSubstr("<msup><mi>x</mi>"));
  EXPECT_EQ(run("'3*x^2' --steps").out,
            "constant factor rule: d/dx(3*x^2) = 3*d/dx(x^2)\npower rule: d/dx(x^2) = 2*x\n"
            "together: d/dx(3*x^2) = 6*x\n6*x\n");
}

TEST_F(Diff, Json) {
  const Result result = run("'3*x^2+9' --at x=5 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const json object = json::parse(result.out);
  EXPECT_EQ(object["expression"], "3*x^2+9");
  EXPECT_EQ(object["by"], "x");
  EXPECT_EQ(object["derivative"], "6*x");
  EXPECT_EQ(object["latex"], "6 x");
  EXPECT_EQ(object["value"], 30);
  EXPECT_EQ(object["at"]["x"], 5);
  EXPECT_EQ(object["steps"][0]["rule"], "sum rule");
  EXPECT_EQ(json::parse(run("'log(x)' --at x=0 --json").out)["value"], nullptr);
}

TEST_F(Diff, APlaceOutsideTheDomainIsNoNumber) {
  EXPECT_EQ(run("'sqrt(relu(x))' --at x=-1").out, "step(x)/(2*sqrt(max(x, 0)))\nat x = -1: 0\n");
  EXPECT_EQ(run("'sqrt(x)' --at x=0").out, "1/(2*sqrt(x))\nat x = 0: inf\n");
}

TEST_F(Diff, WrongUseIsCode2) {
  const std::pair<const char*, const char*> wrong[] = {
      {"'log(x)' --at x=-1", "log(x) has no real value at x = -1"},
      {"'log(x)' --at x=-1 --json", "log(x) has no real value at x = -1"},
      {"'x^y' --by y --at x=-2,y=2", "log(x) has no real value at x = -2, y = 2"},
      {"'0/0'", "0/0 has no real value"},
      {"'log(-1)'", "log(-1) has no real value"},
      {"'arctan(x)'", "write atan(x), or arctan*(...) for a product"},
      {"", "expression"},
      {"2x", "  2x\n   ^\n  hint: write 2*x"},
      {"'3*x^^2'", "\n  3*x^^2\n      ^\n"},
      {"'sin x'", "sin(x)"},
      {"''", "missing"},
      {"'x*y'", "x, y"},
      {"'x*y' --by 3", "'3' is not the name"},
      {"'x*y' --by sin", "'sin' is not the name"},
      {"x --at 5", "'5' is not variable=number"},
      {"x --at x=", "'' is no finite number"},
      {"x --at x=abc", "'abc' is no finite number"},
      {"x --at x=nan", "'nan' is no finite number"},
      {"x --at x=1,x=2", "given twice"},
      {"x --at y=2", "no variable y"},
      {"'x*y' --by x --at x=1", "y has no value"},
      {"x --latex --mathml", "choose one"},
      {"x y", "y"},
  };
  for (const auto& [arguments, says] : wrong) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_THAT(result.err, HasSubstr(says)) << arguments;
  }
}

}  // namespace
}  // namespace gradus
