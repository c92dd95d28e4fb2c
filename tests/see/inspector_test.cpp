// The inspector: whole transcripts, commands on a stream and everything that was written.
#ifdef __GNUC__
// GCC 12 sees values that are not set inside std::regex under the sanitizers (GCC bug 105562).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <gradus/nn/layers.h>
#include <gradus/see/inspector.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

using namespace gradus;
using see::Inspector;
using testing::HasSubstr;

namespace {

/// Line numbers of this file are not what is tested.
std::string plain(const std::string& text) {
  return std::regex_replace(text, std::regex("_test\\.cpp:\\d+"), "_test.cpp");
}

Tensor lin_grad(const Tensor& inp, const Tensor& out) {
  Scope here("lin_grad");
  GRADUS_BREAKPOINT(inp, out);
  return inp.T();
}

TEST(Inspector, ShowsTensorsAndTakesCommands) {
  std::istringstream in("p inp.shape\np inp[0, 1:] * 2\np inp.g\np out + \nl\nw\nz\n\nc\n");
  std::ostringstream out;
  const Tensor inp = tensor({{1., 2., 3.}, {4., 5., 6.}}), scores = tensor({7, 8});
  {
    Inspector inspector(in, out, {.echo = true});
    Scope outside("training");
    lin_grad(inp, scores);
    EXPECT_EQ(inspector.stops(), 1);
  }
  lin_grad(inp, scores);  // without inspector nothing happens
  const std::string text = plain(out.str());
  EXPECT_TRUE(text.starts_with(
      "stop 1: training.lin_grad at inspector_test.cpp\n"
      "  inp  f32[2,3] strides [3,1]: 1 2 3 4 5 ...  min 1 max 6 mean 3.5 std 1.7078\n"
      "  out  i64[2] strides [1]: 7 8  min 7 max 8 mean 7.5\n"
      "(gradus) p inp.shape\n"
      "[2,3]\n"
      "(gradus) p inp[0, 1:] * 2\n"
      "[4., 6.]\n"
      "(gradus) p inp.g\n"
      "none\n"
      "(gradus) p out +\n"
      "                ^ the expression ends too early\n"
      "(gradus) l\n"
      "  inp  f32[2,3] strides [3,1]: 1 2 3 4 5 ...  min 1 max 6 mean 3.5 std 1.7078\n"
      "  out  i64[2] strides [1]: 7 8  min 7 max 8 mean 7.5\n"
      "(gradus) w\n"
      "  inspector_test.cpp in "))
      << text;
  EXPECT_TRUE(
      text.ends_with("  in the scope training.lin_grad\n"
                     "  in the scope training\n"
                     "(gradus) z\n"
                     "'z' is not a command; h lists them\n"
                     "(gradus) \n"
                     "'z' is not a command; h lists them\n"
                     "(gradus) c\n"))
      << text;
}

TEST(Inspector, NextStopsAtTheNextCall) {
  std::istringstream in("n\nn\np y\nc\n");
  std::ostringstream out;
  const Tensor x = tensor({1., 2.});
  Inspector inspector(in, out, {.prompt = "> "});
  GRADUS_BREAKPOINT(x);
  (void)(x + x);
  (void)(x * x);
  (void)(x - x);
  EXPECT_EQ(inspector.stops(), 3);
  EXPECT_EQ(plain(out.str()),
            "stop 1: breakpoint at inspector_test.cpp\n"
            "  x  f32[2] strides [1]: 1 2  min 1 max 2 mean 1.5 std 0.5\n"
            "> stop 2: add at inspector_test.cpp\n"
            "  x0  f32[2] strides [1]: 1 2  min 1 max 2 mean 1.5 std 0.5\n"
            "  x1  f32[2] strides [1]: 1 2  min 1 max 2 mean 1.5 std 0.5\n"
            "  y   f32[2] strides [1]: 2 4  min 2 max 4 mean 3 std 1\n"
            "> stop 3: mul at inspector_test.cpp\n"
            "  x0  f32[2] strides [1]: 1 2  min 1 max 2 mean 1.5 std 0.5\n"
            "  x1  f32[2] strides [1]: 1 2  min 1 max 2 mean 1.5 std 0.5\n"
            "  y   f32[2] strides [1]: 1 4  min 1 max 4 mean 2.5 std 1.5\n"
            "> [1., 4.]\n"
            "> ");
}

struct Net : nn::Module {
  nn::Linear lin1{3, 2}, lin2{2, 1};
  GRADUS_FIELDS(lin1, lin2)
  Tensor forward(const Tensor& x) override { return lin2(relu(lin1(x))); }
};

/// The heads of the stops of a forward and backward pass, in order.
std::vector<std::string> stops_of(const std::vector<std::string>& patterns, int passes = 1) {
  std::string commands;
  for (int i = 0; i < 100; ++i) commands += "c\n";
  std::istringstream in(commands);
  std::ostringstream out;
  Net net;
  Inspector inspector(in, out);
  for (const std::string& pattern : patterns) inspector.stop_at(pattern);
  for (int i = 0; i < passes; ++i) net(ones({4, 3})).sum().backward();
  std::vector<std::string> heads;
  std::istringstream lines(out.str());
  const std::regex head("stop \\d+: (.*) at .*");
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("(gradus) ")) line = line.substr(9);
    if (std::regex_match(line, found, head)) heads.push_back(found[1]);
  }
  EXPECT_EQ(static_cast<int>(heads.size()), inspector.stops());
  return heads;
}

using Heads = std::vector<std::string>;

TEST(Inspector, StopsAtModulesOperationsAndBackward) {
  // A module counts once each time it is entered; an operation each time.
  EXPECT_EQ(stops_of({"lin2"}).size(), 1u);
  EXPECT_EQ(stops_of({"lin2"}, 3).size(), 3u);
  // The outermost call of the module, as somebody wrote it; not what that is made of.
  EXPECT_THAT(stops_of({"lin2"})[0], testing::StartsWith("lin2.transpose"));
  EXPECT_EQ(stops_of({"relu"}), Heads{"relu"});
  EXPECT_THAT(stops_of({"lin*"}),
              testing::ElementsAre(testing::StartsWith("lin1."), testing::StartsWith("lin2.")));
  EXPECT_EQ(stops_of({"nothing"}), Heads{});
  EXPECT_EQ(stops_of({"relu", "sum"}).front(), "relu");
  EXPECT_EQ(stops_of({"relu.backward"}).size(), 1u);
  EXPECT_THAT(stops_of({"relu.backward"})[0], testing::StartsWith("relu.backward: "));
  EXPECT_THAT(stops_of({"lin2.backward"})[0], testing::StartsWith("lin2."));
  // Backward goes from the end to the beginning.
  const Heads all = stops_of({"*.backward"});
  ASSERT_GE(all.size(), 4u);
  EXPECT_THAT(all.front(), testing::StartsWith("sum.backward"));
  EXPECT_THAT(all.back(), testing::StartsWith("lin1."));
}

TEST(Inspector, QuitsAndSurvivesTheEndOfCommands) {
  const Tensor x = tensor({1., 2.});
  for (const char* commands : {"q\n", "", "b add\nq\n"}) {
    std::istringstream in(commands);
    std::ostringstream out;
    Inspector inspector(in, out);
    inspector.stop_at("*");
    (void)(x + x);
    (void)(x + x);
    GRADUS_BREAKPOINT(x);
    EXPECT_EQ(inspector.stops(), 1);
  }
}

TEST(Inspector, ErrorsOfAnExpressionLeaveTheProgramAlone) {
  std::istringstream in("p x @ x @ x @ 3\np exp(\np x[9]\nc\n");
  std::ostringstream out;
  const Tensor x = tensor({1., 2.}).set_requires_grad();
  Inspector inspector(in, out);
  GRADUS_BREAKPOINT(x);
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2, 4}));
  EXPECT_EQ(inspector.stops(), 1);
}

TEST(Inspector, DescribesAnyTensorInOneLine) {
  EXPECT_EQ(see::describe({}), "empty");
  EXPECT_EQ(see::describe(Tensor::scalar(2.5)), "f32[] strides []: 2.5");
  EXPECT_EQ(see::describe(zeros({0, 3})), "f32[0,3] strides [3,1]");
  EXPECT_EQ(see::describe(broadcast_to(tensor({10, 20, 30}), {2, 3})),
            "i64[2,3] strides [0,1]: 10 20 30 10 20 ...  min 10 max 30 mean 20");
  EXPECT_THAT(see::describe(tensor({1., NAN, INFINITY})), HasSubstr(", 1 NaN, 1 inf"));
  // A product that broadcasting blows up stays unwritten while it is looked at.
  reset_peak_memory();
  const std::size_t before = memory_in_use();
  const Tensor product = ones({5000, 784, 1}) * ones({5000, 1, 50});
  EXPECT_EQ(see::describe(product), "f32[5000,784,50] strides [39200,50,1]: mul, not written out");
  EXPECT_LT(peak_memory() - before, 40u << 20);
}

}  // namespace
