// Learning rates on a tape: of an optimizer, of an update by hand, of groups of parameters; told by
// the plot, at the prompt and as JSON.
#include <gradus/autograd/backward.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/plot_run.h>
#include <gradus/see/recorder.h>
#include <gradus/see/tape_view.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

using namespace gradus;
using Json = nlohmann::json;

namespace {

/// Nobody tells the rate of p -= lr * g; of a factor beside a quotient it is not guessed.
TEST(PlotTape, AnUpdateByHandHasTheRateThatIsWritten) {
  for (const bool divides : {false, true}) {
    Tensor w = ones({3}).set_requires_grad().set_name("w");
    see::Recorder recorder;
    for (const double lr : {0.5, 0.25}) {
      mean(square(w)).backward();
      const NoGrad guard;
      const Tensor g = w.grad();
      w.sub_(lr * (divides ? g / 2 : g));
      w.zero_grad();
    }
    recorder.finish();
    const see::Run run = see::run_of(recorder.tape(), "by hand");
    ASSERT_EQ(run.batches.size(), 2u);
    EXPECT_EQ(std::isnan(run.batches[0].lr), divides);
    if (divides) continue;
    EXPECT_EQ(run.batches[0].lr, 0.5);
    EXPECT_EQ(run.batches[1].lr, 0.25);
  }
}

/// Two tensors of one name are two parameters.
TEST(PlotTape, GroupsGoByTensorNotByName) {
  const Tensor a = ones({2}).set_requires_grad().set_name("w"),
               b = ones({2}).set_requires_grad().set_name("w");
  optim::SGD sgd(std::vector<optim::Group>{{{a}, 0.5}, {{b}, 0.125}}, {});
  see::Recorder recorder;
  mean(a * b).backward();
  sgd.step();
  recorder.finish();
  const see::Run run = see::run_of(recorder.tape(), "alike");
  ASSERT_EQ(run.groups.size(), 2u);
  EXPECT_THAT(run.groups[0].lr, testing::ElementsAre(0.5));
  EXPECT_THAT(run.groups[1].lr, testing::ElementsAre(0.125));
  // Each says which it is.
  EXPECT_THAT(run.groups[0].name, testing::StartsWith("w (tensor "));
  EXPECT_THAT(run.groups[1].name, testing::StartsWith("w (tensor "));
  EXPECT_NE(run.groups[0].name, run.groups[1].name);
}

TEST(PlotTape, ParametersOfOneNameAreToldByTheirModules) {
  const Tensor a = ones({2}).set_requires_grad().set_name("weight"),
               b = ones({2}).set_requires_grad().set_name("weight");
  optim::SGD sgd(std::vector<optim::Group>{{{a}, 0.5}, {{b}, 0.125}}, {});
  see::Recorder recorder;
  const auto times = [](const char* module, const Tensor& x, const Tensor& w) {
    const Scope scope(module);
    return x * w;
  };
  mean(times("net.lin2", times("net.lin1", ones({2}), a), b)).backward();
  sgd.step();
  recorder.finish();
  const see::Run run = see::run_of(recorder.tape(), "modules");
  ASSERT_EQ(run.groups.size(), 2u);
  EXPECT_EQ(run.groups[0].name, "net.lin1.weight");
  EXPECT_EQ(run.groups[1].name, "net.lin2.weight");
}

/// Each parameter's update has the rate of its own group; a step's is that of the first. The plot
/// has a line for each group; c, which learns from the second step on, belongs to b's.
TEST(PlotTape, GroupsHaveRatesOfTheirOwn) {
  const Tensor a = ones({2}).set_requires_grad().set_name("a"),
               b = ones({2}).set_requires_grad().set_name("b"),
               c = ones({2}).set_requires_grad().set_name("c");
  optim::Adam adam(std::vector<optim::Group>{{{a}, 0.5}, {{b, c}, 0.125}}, {});
  see::Recorder recorder;
  mean(a * b).backward();
  adam.step();
  mean(a * b * c).backward();
  adam.step();
  recorder.finish();
  std::map<std::string, double> rates;
  const see::Tape& tape = recorder.tape();
  for (const see::TapeEvent& e : tape.events)
    if (e.lr) rates[tape.name_of(e.target)] = *e.lr;
  EXPECT_THAT(rates, testing::ElementsAre(testing::Pair("a", 0.5), testing::Pair("b", 0.125),
                                          testing::Pair("c", 0.125)));
  const std::vector<see::Run> runs{see::run_of(tape, "groups")};
  EXPECT_EQ(runs[0].batches.at(0).lr, 0.5);
  const std::vector<see::NamedPlot> plots = see::plots_of(runs);
  const auto drawn = std::find_if(plots.begin(), plots.end(),
                                  [](const auto& p) { return p.name == "learning-rate"; });
  ASSERT_NE(drawn, plots.end());
  const auto& series = std::get<see::LinePlot>(drawn->plot).series;
  ASSERT_EQ(series.size(), 2u);
  EXPECT_EQ(series[0].name, "lr of a");
  EXPECT_EQ(series[1].name, "lr of b and 1 more");
  EXPECT_THAT(series[0].y, testing::ElementsAre(0.5, 0.5));
  EXPECT_THAT(series[1].y, testing::ElementsAre(0.125, 0.125));
  const std::string screen = see::where_text(tape, {tape.ticks_of(1).second - 1}, {});
  EXPECT_THAT(screen, testing::HasSubstr("learning rates 0.5 of a, 0.125 of b and 1 more\n"));
  const auto told = Json::parse(see::stop_json(tape, {tape.ticks_of(1).second - 1}, "", {}));
  EXPECT_EQ(told["lr"], Json::parse(R"([{"lr":0.5,"tensors":["a"]},
                                                  {"lr":0.125,"tensors":["b","c"]}])"));
}

}  // namespace
