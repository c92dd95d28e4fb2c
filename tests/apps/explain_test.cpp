// gradus explain as a user runs it: the sessions of docs/explain.md, its switches, and the lesson's
// numbers on MNIST.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/real_data.h"
#include "tests/support/transcripts.h"

namespace gradus {
namespace {

using nlohmann::json;
using test::whole_file;
using testing::HasSubstr;

class ExplainCommand : public test::FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    std::filesystem::create_symlink(GRADUS_COMMAND_PATH, folder_ + "/gradus");
  }

  /// Standard output of a line of the shell.
  std::string run(const std::string& line, int expected = 0) const {
    std::ofstream(folder_ + "/line.sh") << line << "\n";
    const std::string whole =
        "cd '" + folder_ +
        "' && env -u GRADUS_DATA LC_ALL=C.UTF-8 COLUMNS=100 PATH=\"$PWD:$PATH\" "
        "sh line.sh >out.txt 2>err.txt </dev/null";
    EXPECT_EQ(test::exit_code(whole), expected) << line << "\n" << text("err.txt");
    return text("out.txt");
  }
};

TEST_F(ExplainCommand, SessionsOfTheDocumentationAreTrue) {
  EXPECT_GE(
      test::expect_true_page(
          "explain.md", [&](const test::Transcript& t) { return std::optional(run(t.command)); }),
      5);
}

TEST_F(ExplainCommand, JsonHasFormulaCostAndCheck) {
  const json object = json::parse(run("gradus explain matmul --json --shape 50,7 --shape 7,3"));
  EXPECT_EQ(object["gradients"][1]["text"], "a.T @ g");
  EXPECT_EQ(object["gradients"][1]["shape"], (json{7, 3}));
  EXPECT_EQ(object["gradients"][1]["flops"], 2 * 50 * 7 * 3);
  EXPECT_EQ(object["saved_bytes"], 4 * (50 * 7 + 7 * 3));
  EXPECT_TRUE(object["check"]["ok"]);
}

TEST_F(ExplainCommand, JsonOfATapeHasTheCheckAndLatexTheChain) {
  run("gradus step --size 400 --steps 1 --keep full --tape run.tape");
  const json page = json::parse(run("gradus explain 'w1.g[237,39]' --tape run.tape --json"));
  EXPECT_EQ(page["element"]["index"], (json{237, 39}));
  EXPECT_EQ(page["element"]["check"]["ok"], true);
  EXPECT_NEAR(page["element"]["check"]["numeric"].get<double>(), 97.679045, 1e-4);
  EXPECT_EQ(page["saved"], (json{"x"}));
  EXPECT_THAT(run("gradus explain w1.g --tape run.tape --latex"),
              HasSubstr("\\mathbf{1}[\\mathrm{l1} > 0]"));
}

/// An object has the formulas as LaTeX among the rest, with a tape and without; a code has none.
TEST_F(ExplainCommand, LatexGivesWayToJsonAndIsNoPartOfACode) {
  run("gradus step --size 80 --steps 1 --keep full --tape run.tape");
  const json page = json::parse(run("gradus explain w2.g --tape run.tape --latex --json"));
  EXPECT_THAT(page["latex"].get<std::string>(), HasSubstr("^{\\top}"));
  const json op = json::parse(run("gradus explain matmul --latex --json"));
  EXPECT_THAT(op["gradients"][0]["latex"].get<std::string>(), HasSubstr("^{\\top}"));
  for (const std::string what : {"B1", "b1", "codes", "B1 --json"}) {
    EXPECT_EQ(run("gradus explain " + what + " --latex", 2), "");
    EXPECT_THAT(text("err.txt"), HasSubstr("has no formula")) << what;
  }
}

TEST_F(ExplainCommand, MistakesAreNamed) {
  run("gradus explain matmul --shape 3,x", 2);
  run("gradus explain matmul --shape 3,4", 2);
  run("gradus explain matmul --shape 3,4 --shape 5,6", 2);
  run("gradus explain w1.g --tape nowhere.tape --shape 3,4", 2);
  run("gradus explain w1.g --tape nowhere.tape", 1);
}

TEST_F(ExplainCommand, CodesAreOneObject) {
  const json codes = json::parse(run("gradus explain codes --json"));
  EXPECT_EQ(codes["codes"][0]["code"], "B1");
}

/// A network of nn::Linear: its weights have names, their transposes have none.
TEST_F(ExplainCommand, ANetworkOfModulesIsToldByItsParameters) {
  run("printf 'j step=1\\nend\\n' | gradus step --data digits --size 300 --net classifier --hidden "
      "12,8 --steps 2 --batch-size "
      "32 "
      "--keep full --optimizer adamw --lr 0.01 --tape c.tape");
  const std::string page = run("gradus explain 1.out.g --tape c.tape");
  EXPECT_THAT(page, HasSubstr("1.out.g = 2.out.g \u00b7 2.weight"));
  EXPECT_THAT(page, HasSubstr("einsum(\"in,nj->ij\", 2.out.g, 2.weight)"));
  EXPECT_THAT(page, testing::Not(HasSubstr("permute")));
  EXPECT_THAT(page, HasSubstr("read again: 2.weight\n")) << "a weight is kept once";
  EXPECT_THAT(page, HasSubstr(" (step 1, t")) << "one of two steps";
  EXPECT_THAT(run("gradus explain 1.out.g --tape c.tape --latex"),
              HasSubstr("\\mathrm{4.weight} \\odot \\mathbf{1}[\\mathrm{2.out} > 0]"));
  // The loss's gradient by the factors of its formula.
  EXPECT_THAT(run("gradus explain out.g[3,6] --tape c.tape"),
              HasSubstr(" = 1/32 0.03125 * (softmax(out, axis=1) - [j ==\n         "
                        "y[:,None]])[3,6] "));
  const auto hint = [&](const char* name) {
    run(std::string("gradus explain ") + name + " --tape c.tape", 1);
    return text("err.txt");
  };
  EXPECT_THAT(hint("x.g"), HasSubstr("computed from one: 0.weight.g"));
  EXPECT_THAT(hint("nosuch.g"), HasSubstr("computed from one: 0.weight.g"));
  EXPECT_THAT(hint("loss.g"), HasSubstr("loss.g is 1: the backward pass starts there"));
}

/// The numbers of the lesson and its recomputation.
TEST_F(ExplainCommand, OnMnistItHasTheNumbersOfTheLesson) {
  const auto data = test::real_data("mnist");
  if (!data) GTEST_SKIP() << test::no_real_data("mnist");
  run("gradus step --data '" + *data + "' --steps 1 --keep full --tape run.tape");
  const std::string page = run("gradus explain 'w1.g[237,39]' --tape run.tape");
  EXPECT_THAT(page, HasSubstr("x\u1d40[784,50000] \u00b7 l1.g[50000,50] -> w1.g[784,50]"));
  EXPECT_THAT(page, HasSubstr("w1.g[237,39] = 151.951 (t8)"));
  EXPECT_THAT(page, HasSubstr("29356 of 50000 rows"));
  EXPECT_THAT(page, HasSubstr("each of the 39200 weights of lin1"));
  EXPECT_THAT(page, HasSubstr("builds 7.84 GB"));
  EXPECT_THAT(page, HasSubstr("ok (0 kinks crossed)"));
  EXPECT_THAT(page, HasSubstr("L2 3258.1"));
  EXPECT_THAT(page, HasSubstr("FORMULA  in f64 w1.g[237,39] = 151.951"));
}

}  // namespace
}  // namespace gradus
