// Plots at their limits: more names than colours, numbers that are none, axes of one value, numbers
// that differ in their last digit, lines that have no colours, logs that are none.
#include <gradus/autograd/backward.h>
#include <gradus/see/plot_axis.h>
#include <gradus/see/plot_run.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

using namespace gradus;
using namespace gradus::see;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

template <class P>
const P* plot_called(const std::vector<NamedPlot>& plots, const std::string& name) {
  for (const NamedPlot& plot : plots)
    if (plot.name == name) return &std::get<P>(plot.plot);
  return nullptr;
}

/// Two steps of `layers` layers with a weight and a bias each.
see::Run deep_run(int layers, bool with_rank) {
  see::Run run;
  run.name = "deep";
  for (const double step : {1.0, 2.0}) {
    see::Run::Snapshot s{step, {}, {}};
    for (int i = 0; i < layers; ++i) {
      const std::string name = std::to_string(i);
      s.layers.push_back({.name = name + " Linear", .mean = step, .std = 1, .dead = 0});
      s.parameters.push_back({name + ".weight", 0.5, 1, 0.1, with_rank ? 2u : 0u});
      s.parameters.push_back({name + ".bias", 0.5, 1, 0.1, with_rank ? 1u : 0u});
    }
    run.snapshots.push_back(std::move(s));
  }
  return run;
}

std::set<std::string> words_of(const Ruler& ruler, int wanted) {
  std::set<std::string> all;
  for (const auto& tick : ruler.ticks(wanted)) all.insert(tick.second);
  return all;
}

}  // namespace

TEST(PlotLimits, NumbersForProgramsAreNeverCut) {
  const see::Run run = deep_run(11, true);
  const auto all = plots_of({&run, 1}, {.most = 0});
  EXPECT_EQ(plot_called<LinePlot>(all, "gradient-norm")->series.size(), 22u);
  EXPECT_EQ(plot_called<LinePlot>(all, "gradient-norm")->title, "norm of the gradients");
  EXPECT_EQ(plot_called<LinePlot>(all, "activation-mean")->series.size(), 11u);
}

TEST(PlotLimits, PicturesPreferWeightsAndSayWhatIsLeftOut) {
  for (const bool with_rank : {false, true}) {
    const see::Run run = deep_run(7, with_rank);
    const auto plots = plots_of({&run, 1});
    const LinePlot& norms = *plot_called<LinePlot>(plots, "gradient-norm");
    EXPECT_EQ(norms.title, "norm of the gradients (7 of 14; --json has all)");
    for (const Series& s : norms.series) EXPECT_THAT(s.name, HasSubstr("weight"));
    EXPECT_EQ(plot_called<LinePlot>(plots, "activation-mean")->title, "mean of the activations");
  }
  const see::Run wide = deep_run(13, true);
  const auto plots = plots_of({&wide, 1});
  EXPECT_THAT(plot_called<LinePlot>(plots, "update-ratio")->title, HasSubstr("(8 of 26;"));
  EXPECT_THAT(plot_called<LinePlot>(plots, "activation-std")->title, HasSubstr("(8 of 13;"));
}

TEST(PlotLimits, DeadUnitsAreShownOfTheLayersThatMayDie) {
  // A linear layer and what follows it, `pairs` times; units of layer 4 die in the second step.
  const auto shown = [](int pairs, const std::string& follows, const char* picture = "dead") {
    see::Run run = deep_run(0, true);
    for (see::Run::Snapshot& s : run.snapshots)
      for (int i = 0; i < 2 * pairs; ++i) {
        const std::string kind = i % 2 ? follows : "Linear";
        s.layers.push_back({.name = std::to_string(i) + " " + kind, .mean = 0, .std = 1});
        s.layers.back().zero = kind == "ReLU" ? 0.5 : 0;
        s.layers.back().dead = i == 4 && s.step == 2 ? 0.1 : 0;
      }
    const auto plots = plots_of({&run, 1});
    const LinePlot& plot = *plot_called<LinePlot>(plots, picture);
    std::string text = plot.title.substr(plot.title.find('(')) + ":";
    for (const Series& s : plot.series) text += " " + s.name;
    return text;
  };
  const std::string even = "(8 of 14; --json has all): ";
  EXPECT_EQ(shown(7, "ReLU"), even + "1 ReLU 3 ReLU 4 Linear 5 ReLU 7 ReLU 9 ReLU 11 ReLU 13 ReLU");
  EXPECT_EQ(shown(7, "LeakyReLU").substr(0, even.size()), even);
  EXPECT_EQ(shown(10, "ReLU"),
            "(8 of 20; --json has all): 1 ReLU 3 ReLU 4 Linear 7 ReLU 9 ReLU 13 ReLU 15 ReLU 19 "
            "ReLU");
  // Near misses: nothing but layer 4 may die; the other pictures are of all layers.
  EXPECT_EQ(shown(7, "Tanh"), "(1 of 14; --json has all): 4 Linear");
  EXPECT_EQ(shown(7, "ReLU", "activation-mean"),
            even + "0 Linear 1 ReLU 3 ReLU 5 ReLU 7 ReLU 9 ReLU 11 ReLU 13 ReLU");
}

TEST(PlotLimits, WhatIsNoNumberIsNotDrawnAsZero) {
  const Tensor broken = full({4, 3}, NAN);
  const see::Run::Layer layer = layer_of("0 Linear", broken);
  EXPECT_TRUE(std::isnan(layer.zero) && std::isnan(layer.near_zero) && std::isnan(layer.dead));
  EXPECT_EQ(layer_of("0 Linear", zeros({4, 3})).dead, 1);
  const see::Run run = read_run(
      R"({"event":"batch","step":1,"loss":null,"accuracy":0.1,"lr":1})"
      "\n"
      R"({"event":"weights","name":"0.weight","height":1,"width":2,"unit":1,"images":[[null,null],[1,2]]})"
      "\n"
      R"({"event":"confusion","counts":[[0,0],[0,0]]})"
      "\n",
      "nan");
  const auto plots = plots_of({&run, 1});
  const Gallery* wall = plot_called<Gallery>(plots, "weights");
  ASSERT_TRUE(wall);
  EXPECT_THAT(wall->title, HasSubstr("(nan in 1 of 2 tiles)"));
  EXPECT_THAT(svg(*wall), HasSubstr("M16.0 42.0L76.0 102.0")) << "a cross";
  EXPECT_THAT(text(*wall), HasSubstr("\u00d7"));
  EXPECT_EQ(plot_called<Table>(plots, "confusion"), nullptr);
  EXPECT_THAT(run.missing, testing::ElementsAre(HasSubstr("loss: every number"),
                                                HasSubstr("confusion, misread: ")));
}

TEST(PlotLimits, AxesOfSharesEndAtZeroAndOne) {
  const Axis share{.label = "share", .most = 1};
  const std::vector<double> zeros{0, 0}, high{0.4, 1}, negative{-2, -2};
  EXPECT_EQ(Ruler::of(zeros, share, true).low, 0);
  EXPECT_EQ(Ruler::of(zeros, share, true).high, 1);
  EXPECT_EQ(Ruler::of(high, share, true).high, 1);
  EXPECT_LT(Ruler::of(negative, {}, true).low, -2);
}

TEST(PlotLimits, NumbersAtAnAxisDiffer) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {123456.1, 123457.2}, {1e-5, 1.0004e-5}, {5e9, 5e9 + 40}, {0, 50000}, {9.98e7, 1e8}}) {
    const Ruler ruler{low, high};
    const auto ticks = ruler.ticks(5);
    EXPECT_EQ(words_of(ruler, 5).size(), ticks.size()) << low;
    for (std::size_t i = 0; i < ticks.size(); ++i)
      if (ticks[i].second.find_first_of("kMGT") == std::string::npos) {
        EXPECT_NEAR(std::stod(ticks[i].second), ticks[i].first, (high - low) * 1e-3);
      }
  }
  EXPECT_EQ(words_of({0, 50000}, 5).count("20k"), 1u);
  // Long numbers have their room beside the turned name of the axis.
  LinePlot plot{"loss", {"step"}, {"loss"}, {}, {}};
  plot.series.push_back({"train", {1, 2, 3}, {123456.1, 123456.6, 123457.2}});
  EXPECT_THAT(svg(plot), Not(HasSubstr("<text x=\"62.0\"")));
}

TEST(PlotLimits, TerminalAxesKeepEvenNumbers) {
  LinePlot plot{"loss", by_steps, {"loss"}, {}, {}};
  plot.series.push_back({"train", {1000000, 1000060}, {1, 2}});
  for (const int width : {40, 60, 80}) {
    const std::string drawn = text(plot, {.width = width, .utf8 = false});
    std::string axis = drawn.substr(0, drawn.size() - 1);
    axis = axis.substr(axis.rfind('\n') + 1);
    std::vector<double> numbers;
    for (std::size_t at = 0; (at = axis.find_first_of("0123456789", at)) != axis.npos;) {
      std::size_t used = 0;
      numbers.push_back(std::stod(axis.substr(at), &used));
      at += used;
    }
    ASSERT_GE(numbers.size(), 2u) << axis;
    for (std::size_t i = 2; i < numbers.size(); ++i)
      EXPECT_EQ(numbers[i] - numbers[i - 1], numbers[1] - numbers[0]) << axis;
  }
}

TEST(PlotLimits, LinesWithoutColoursCarryMarks) {
  LinePlot plot{"loss", by_steps, {"loss"}, {}, {}};
  plot.series.push_back({"train", {1, 9}, {1, 2}});
  EXPECT_THAT(text(plot, {}), Not(HasSubstr("*"))) << "one line is itself";
  plot.series.push_back({"valid", {1, 9}, {2, 1}, 1});
  plot.series.push_back({"short", {1, 1.2}, {1.5, 1.5}, 2});
  const std::string drawn = text(plot, {});
  EXPECT_THAT(drawn, AllOf(HasSubstr("* train"), HasSubstr("o valid"), HasSubstr("+ short")));
  for (const char mark : {'*', 'o', '+'})
    EXPECT_GE(std::count(drawn.begin(), drawn.end(), mark), 2) << mark;
  EXPECT_THAT(text(plot, {.colour = true}), Not(HasSubstr("* train")));
  // Two runs of eight lines each: no mark twice.
  plot.series.clear();
  for (int i = 0; i < 16; ++i)
    plot.series.push_back({"line" + std::to_string(i), {1, 9}, {1. * i, 1. * i}});
  const std::string many = text(plot, {.rows = 40, .utf8 = false});
  std::set<char> marks;
  for (std::size_t at = 0; (at = many.find(" line", at)) != many.npos; ++at)
    marks.insert(many[at - 1]);
  EXPECT_EQ(marks.size(), 16u);
}

TEST(PlotLimits, EverySeriesIsSeenOnWhite) {
  for (int i = 0; i < 8; ++i) {
    double light = 0;
    for (const auto& [part, weight] : {std::pair{0, .2126}, {1, .7152}, {2, .0722}}) {
      const double v = series_colour(i)[static_cast<std::size_t>(part)] / 255.0;
      light += weight * (v <= .04045 ? v / 12.92 : std::pow((v + .055) / 1.055, 2.4));
    }
    EXPECT_GT(1.05 / (light + .05), 2) << "contrast of colour " << i;
  }
}

TEST(PlotLimits, ALogAndATapeShareTheirLayers) {
  std::vector<see::Run> runs{deep_run(2, true), deep_run(2, true)};
  for (see::Run::Snapshot& s : runs[1].snapshots)
    for (see::Run::Layer& l : s.layers) l.name = "layer " + l.name.substr(0, 1);
  match_layers(runs);
  EXPECT_EQ(runs[1].snapshots[0].layers[1].name, "1 Linear");
}

TEST(PlotLimits, WhatIsNoLogIsSaidInOwnWords) {
  const auto said = [](const std::string& log) {
    try {
      read_run(log, "run.jsonl");
    } catch (const DataError& error) {
      return error.problem();
    }
    return std::string();
  };
  EXPECT_EQ(said("{\"event\":\"batch\"}\n"),
            "line 1 of run.jsonl is no event of a run: the field 'step' is missing");
  EXPECT_EQ(said("{\"event\":\"batch\",\"step\":\"one\"}\n"),
            "line 1 of run.jsonl is no event of a run: a field is of another kind than it should "
            "be");
}

TEST(PlotLimits, AnswersOfATapeThatAreNoNumbersAreNotCounted) {
  const Tensor x = full({4, 3}, NAN).set_name("x");
  Tensor w = ones({3, 2}).set_name("w");
  w.set_requires_grad();
  see::Recorder recorder({.level = TapeLevel::full});
  cross_entropy(matmul(x, w), Tensor::of(Ints{0, 0, 1, 1}, {4})).backward();
  recorder.finish();
  const see::Run run = run_of(recorder.tape(), "nan");
  EXPECT_TRUE(run.confusion.empty());
  EXPECT_EQ(run.batches.at(0).accuracy, 0);
  EXPECT_THAT(run.missing, testing::Contains(HasSubstr("gave no row an answer")));
  for (const see::Run::Layer& layer : run.snapshots.at(0).layers)
    EXPECT_TRUE(std::isnan(layer.zero) && std::isnan(layer.dead)) << layer.name;
}
