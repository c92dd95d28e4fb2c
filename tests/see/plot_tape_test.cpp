// Pictures from a tape: each number against plain loops over what the program itself held, at both
// levels, saved and opened; holes where there is no number; the command as a user runs it.
#include <gradus/autograd/backward.h>
#include <gradus/nn/layers.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/plot_run.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

using namespace gradus;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

namespace {

using Numbers = std::vector<double>;

double norm(const Numbers& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

constexpr std::size_t examples = 40, pixels = 16, units = 6, classes = 3;

/// What the program itself held in a step.
struct Held {
  double loss = 0, lr = 0;
  Numbers hidden, scores, labels;
  std::map<std::string, Numbers> before, after, gradient;
};

struct Recorded {
  see::Tape tape;
  std::vector<Held> steps;
  Numbers images;
};

/// 16 - 6 - 3 on 4 x 4 pictures; weights [in, out] as the lesson's or [out, in] as nn::Linear's.
Recorded record(see::TapeLevel level, bool linear, const std::string& optimizer = "sgd") {
  manual_seed(7);
  const auto n = static_cast<std::int64_t>(examples), p = static_cast<std::int64_t>(pixels),
             u = static_cast<std::int64_t>(units), c = static_cast<std::int64_t>(classes);
  Tensor x = randn({n, p}), labels = randint(0, c, {n});
  Tensor w1 = randn({linear ? u : p, linear ? p : u}), w2 = randn({u, c});
  w1.set_requires_grad().set_name("w1");
  w2.set_requires_grad().set_name("w2");
  {  // a unit that never wakes up
    const NoGrad guard;
    x = abs(x);
    if (linear)
      w1[0].fill_(-3);
    else
      w1[{all, 0}].fill_(-3);
  }
  std::unique_ptr<optim::Optimizer> update;
  if (optimizer == "adamw")
    update = std::make_unique<optim::AdamW>(Tensors{w1, w2},
                                            optim::AdamOptions{.lr = 0.01, .weight_decay = 0.1});
  else if (optimizer == "adam")
    update = std::make_unique<optim::Adam>(Tensors{w1, w2}, optim::AdamOptions{});
  else
    update = std::make_unique<optim::SGD>(Tensors{w1, w2}, optim::SGDOptions{.momentum = 0.9});
  Recorded result;
  result.images = x.to_vector<double>();
  see::Recorder recorder({.level = level});
  for (int step = 0; step < 4; ++step) {
    Held seen;
    seen.lr = 0.3 / (1 << step);
    update->set_lr(seen.lr);
    update->zero_grad();
    Tensor hidden, scores;
    {
      const Scope here("lin1");
      hidden = matmul(x, linear ? w1.T() : w1);
    }
    {
      const Scope here("relu1");
      hidden = relu(hidden);
    }
    {
      const Scope here("lin2");
      scores = matmul(hidden, w2);
    }
    const Tensor loss = cross_entropy(scores, labels);
    loss.backward();
    {
      const Unobserved quiet;
      seen.loss = loss.item();
      seen.hidden = hidden.to_vector<double>(), seen.scores = scores.to_vector<double>();
      seen.labels = labels.to_vector<double>();
      for (const Tensor& w : {w1, w2}) {
        seen.before[w.name()] = w.to_vector<double>();
        seen.gradient[w.name()] = w.grad().to_vector<double>();
      }
    }
    {
      const Scope here("update");
      update->step();
    }
    const Unobserved quiet;
    for (const Tensor& w : {w1, w2}) seen.after[w.name()] = w.to_vector<double>();
    result.steps.push_back(std::move(seen));
  }
  recorder.finish();
  result.tape = recorder.tape();
  return result;
}

std::size_t best(const double* scores) {
  std::size_t found = 0;
  for (std::size_t c = 1; c < classes; ++c)
    if (scores[c] > scores[found]) found = c;
  return found;
}

const see::Run::Layer& layer(const see::Run::Snapshot& of, const std::string& name) {
  for (const see::Run::Layer& l : of.layers)
    if (l.name == name) return l;
  throw std::runtime_error("no layer " + name);
}

std::string names_of(const std::vector<see::NamedPlot>& plots) {
  std::string all;
  for (const see::NamedPlot& plot : plots) all += plot.name + " ";
  return all;
}

void expect_statistics(const Recorded& r, const see::Run& run) {
  ASSERT_EQ(run.batches.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const Held& seen = r.steps[i];
    EXPECT_NEAR(run.batches[i].loss, seen.loss, 1e-6);
    EXPECT_EQ(run.batches[i].lr, seen.lr);
    const see::Run::Layer& relu = layer(run.snapshots[i], "relu1");
    double zeros = 0;
    for (const double v : seen.hidden) zeros += v == 0;
    EXPECT_EQ(relu.zero, zeros / (examples * units));
    double counted = 0;
    for (const double count : relu.by_size) counted += count;
    EXPECT_EQ(counted, examples * units);
    EXPECT_EQ(relu.by_size[32], zeros);
    ASSERT_EQ(run.snapshots[i].parameters.size(), 2u);
    for (const see::Run::Parameter& p : run.snapshots[i].parameters) {
      Numbers change = seen.after.at(p.name);
      for (std::size_t k = 0; k < change.size(); ++k) change[k] -= seen.before.at(p.name)[k];
      EXPECT_NEAR(p.norm, norm(seen.before.at(p.name)), 1e-6 * p.norm);
      EXPECT_NEAR(p.gradient_norm, norm(seen.gradient.at(p.name)), 1e-6 * p.gradient_norm);
      EXPECT_NEAR(p.update_norm, norm(change), 1e-5 * p.update_norm);
    }
  }
}

}  // namespace

TEST(PlotTape, StatisticsGiveRatesLayersAndUpdates) {
  const Recorded r = record(see::TapeLevel::stats, true);
  const std::string path = testing::TempDir() + "gradus_plot_tape_" + std::to_string(::getpid());
  see::save_tape(path, r.tape);
  const see::Run run = see::run_of(see::open_tape(path), "stats");
  std::remove(path.c_str());
  expect_statistics(r, run);
  EXPECT_TRUE(std::isnan(run.batches[0].accuracy));
  ASSERT_FALSE(run.missing.empty());
  EXPECT_THAT(run.missing[0], testing::AllOf(HasSubstr("dead units"), HasSubstr("--keep full")));
  EXPECT_THAT(names_of(see::plots_of({&run, 1})),
              testing::AllOf(HasSubstr("loss learning-rate activation-mean activation-std zero"),
                             HasSubstr("gradient-norm update-ratio"), HasSubstr("histogram-relu1"),
                             Not(HasSubstr("accuracy"))));
}

TEST(PlotTape, ElementsGiveWhatATrainingLogHas) {
  for (const bool linear : {false, true}) {
    const Recorded r = record(see::TapeLevel::full, linear);
    const see::Run run = see::run_of(r.tape, "full");
    expect_statistics(r, run);
    EXPECT_THAT(run.missing, testing::IsEmpty());
    for (std::size_t i = 0; i < 4; ++i) {
      const Held& seen = r.steps[i];
      double right = 0, dead = 0;
      for (std::size_t n = 0; n < examples; ++n)
        right += static_cast<double>(best(&seen.scores[n * classes])) == seen.labels[n];
      EXPECT_EQ(run.batches[i].accuracy, right / examples);
      for (std::size_t u = 0; u < units; ++u) {
        bool is_dead = true;
        for (std::size_t n = 0; n < examples; ++n) is_dead &= seen.hidden[n * units + u] < 1e-3;
        dead += is_dead;
      }
      EXPECT_GE(dead, 1);
      EXPECT_EQ(layer(run.snapshots[i], "relu1").dead, dead / units);
    }
    // Of the last step: the weights after its update, and its rows.
    const Held& last = r.steps.back();
    ASSERT_EQ(run.weights.size(), units);
    for (std::size_t u = 0; u < units; ++u)
      for (std::size_t i = 0; i < pixels; ++i)
        ASSERT_EQ(run.weights[u].values[i],
                  last.after.at("w1")[linear ? u * pixels + i : i * units + u]);
    std::vector<Numbers> confusion(classes, Numbers(classes, 0));
    std::size_t wrong = 0;
    for (std::size_t n = 0; n < examples; ++n) {
      const std::size_t answer = best(&last.scores[n * classes]);
      ++confusion[static_cast<std::size_t>(last.labels[n])][answer];
      wrong += static_cast<double>(answer) != last.labels[n];
    }
    EXPECT_EQ(run.confusion, confusion);
    ASSERT_EQ(run.misread.size(), std::min<std::size_t>(wrong, 12));
    double before = 1;
    for (const see::Run::Misread& m : run.misread) {
      const auto n = static_cast<std::size_t>(m.row);
      const double* scores = &last.scores[n * classes];
      double sum = 0;
      for (std::size_t c = 0; c < classes; ++c) sum += std::exp(scores[c]);
      EXPECT_NEAR(m.confidence, std::exp(scores[best(scores)]) / sum, 1e-12);
      EXPECT_LE(m.confidence, before);
      before = m.confidence;
      EXPECT_EQ(m.truth, last.labels[n]);
      EXPECT_NE(m.answer, m.truth);
      for (std::size_t i = 0; i < pixels; ++i)
        ASSERT_EQ(m.image.values[i], r.images[n * pixels + i]);
    }
    EXPECT_THAT(names_of(see::plots_of({&run, 1})),
                testing::AllOf(HasSubstr("accuracy"), HasSubstr("dead"), HasSubstr("weights"),
                               HasSubstr("confusion"), HasSubstr("misread")));
  }
}

/// A run that ended at a label that is no class still has a tape, and its pictures.
TEST(PlotTape, ALabelThatIsNoClassIsNotCounted) {
  manual_seed(2);
  const Tensor x = rand({4, 16}), w = randn({16, 3}).set_requires_grad().set_name("w");
  see::Recorder recorder({.level = see::TapeLevel::full});
  const auto loss = [&](const Tensor& labels) { return cross_entropy(matmul(x, w), labels); };
  loss(tensor({0, 1, 2, 0})).backward();
  EXPECT_THROW(loss(tensor({0, 1, 2, 1000000})), IndexError);
  recorder.finish();
  const see::Run run = see::run_of(recorder.tape(), "labels from 1");
  ASSERT_EQ(run.confusion.size(), 3U);
  double rows_counted = 0;
  for (const std::vector<double>& truth : run.confusion)
    rows_counted += std::accumulate(truth.begin(), truth.end(), 0.);
  EXPECT_EQ(rows_counted, 4) << "those of the call that came to its end";
}

TEST(PlotTape, SeveralWritesHaveAHoleUnlessTheElementsWereKept) {
  // AdamW pulls the weights before it moves them: two writes.
  const Recorded r = record(see::TapeLevel::full, false, "adamw");
  const see::Run full = see::run_of(r.tape, "full");
  const see::Run stats = see::run_of(record(see::TapeLevel::stats, false, "adamw").tape, "stats");
  for (std::size_t i = 0; i < 4; ++i) {
    for (const see::Run::Parameter& p : full.snapshots[i].parameters) {
      Numbers change = r.steps[i].after.at(p.name);
      for (std::size_t k = 0; k < change.size(); ++k) change[k] -= r.steps[i].before.at(p.name)[k];
      EXPECT_NEAR(p.update_norm, norm(change), 1e-12);
    }
    if (i < 3) {  // the elements of the last step are still there
      EXPECT_TRUE(std::isnan(stats.snapshots[i].parameters[0].update_norm));
    }
  }
}

TEST(PlotTape, TheLearningRateIsThatOfTheScheduleForEveryOptimizer) {
  for (const char* optimizer : {"sgd", "adam", "adamw"}) {
    const Recorded r = record(see::TapeLevel::stats, false, optimizer);
    const std::string path = testing::TempDir() + "gradus_rates_" + std::to_string(::getpid());
    see::save_tape(path, r.tape);
    const see::Run run = see::run_of(see::open_tape(path), optimizer);
    std::remove(path.c_str());
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(run.batches[i].lr, r.steps[i].lr) << optimizer;
    EXPECT_THAT(names_of(see::plots_of({&run, 1})), HasSubstr("learning-rate"));
  }
}

TEST(PlotTape, ALossThatIsNoNumberIsCounted) {
  Tensor w = ones({1}).set_requires_grad();
  see::Recorder recorder;
  for (const double factor : {1., 1e30, 2.}) {
    w.zero_grad();
    square(w * factor).sum().backward();
    no_grad([&] { w.sub_(w.grad() * 0.); });
  }
  recorder.finish();
  see::Run run = see::run_of(recorder.tape(), "overflows");
  EXPECT_THAT(see::text(see::plots_of({&run, 1})[0].plot),
              testing::StartsWith("loss (NaN or infinite in 2 of 3 steps)\n"));
  run.batches.erase(run.batches.begin() + 1, run.batches.end());
  EXPECT_THAT(see::text(see::plots_of({&run, 1})[0].plot), testing::StartsWith("loss\n"));
}

TEST(PlotTape, ANormWithAnInfinityIsAHoleAndNotThatOfTheRest) {
  Tensor w = ones({3}).set_requires_grad().set_name("w");
  see::Recorder recorder;
  for (const double last : {2., 1e30, double{INFINITY}}) {
    w.zero_grad();
    sum(w * tensor({3., 4., last})).backward();
    no_grad([&] { w.sub_(w.grad()); });
  }
  recorder.finish();
  const see::Run run = see::run_of(recorder.tape(), "overflows");
  ASSERT_EQ(run.snapshots.size(), 3U);
  EXPECT_NEAR(run.snapshots[0].parameters.at(0).gradient_norm, std::sqrt(29.), 1e-6);
  EXPECT_NEAR(run.snapshots[1].parameters.at(0).gradient_norm, 1e30, 1e24);
  EXPECT_TRUE(std::isnan(run.snapshots[2].parameters.at(0).gradient_norm));
  EXPECT_TRUE(std::isnan(run.snapshots[2].parameters.at(0).update_norm));
}

TEST(PlotTape, NumbersThatAreNotFiniteAndUpdatesOfZeroAreHoles) {
  see::Run run;
  for (int step = 0; step < 5; ++step) {
    run.batches.push_back({.step = 1. * step, .loss = step == 2 ? double{NAN} : 1. + step});
    run.snapshots.push_back({1. * step, {}, {{"w", 1, 1, step == 2 ? 0 : 0.5}}});
  }
  const auto plots = see::plots_of({&run, 1});
  ASSERT_EQ(names_of(plots), "loss gradient-norm update-ratio ");
  for (const std::size_t which : {0u, 2u}) {
    // The line has two strokes, none across the hole.
    const std::string svg = see::svg(plots[which].plot);
    std::size_t strokes = 0;
    for (std::size_t at = svg.find("stroke-width=\"2\""); at != svg.npos;
         at = svg.find("stroke-width=\"2\"", at + 1)) {
      const std::size_t begin = svg.rfind("<path", at);
      for (std::size_t i = begin + 6; i < at; ++i) strokes += svg[i] == 'M';
    }
    EXPECT_EQ(strokes, 2u) << plots[which].name << svg;
  }
  for (see::Run::Snapshot& s : run.snapshots) s.parameters[0].update_norm = 0;
  EXPECT_THAT(names_of(see::plots_of({&run, 1})), Not(HasSubstr("update-ratio")))
      << "zeros alone are no picture on a logarithmic axis";
}

TEST(PlotTape, ALossOfTwoDecadesIsLogarithmicUnlessAskedOtherwise) {
  using LossAxis = see::PlotOptions::LossAxis;
  const auto is_log = [](std::vector<double> losses, LossAxis axis) {
    see::Run run;
    for (const double loss : losses)
      run.batches.push_back({.step = static_cast<double>(run.batches.size()), .loss = loss});
    const auto plots = see::plots_of({&run, 1}, {.loss_axis = axis});
    return std::get<see::LinePlot>(plots.at(0).plot).y.log;
  };
  EXPECT_TRUE(is_log({5, 1, 0.05}, LossAxis::automatic));
  EXPECT_TRUE(is_log({0.05, NAN, INFINITY, 5}, LossAxis::automatic));
  EXPECT_FALSE(is_log({5, 1, 0.06}, LossAxis::automatic));
  EXPECT_FALSE(is_log({5, 1, 0}, LossAxis::automatic)) << "0 would be hidden";
  EXPECT_FALSE(is_log({5, 1, 0.05}, LossAxis::linear));
  EXPECT_TRUE(is_log({5, 1, 0.06}, LossAxis::log));
}

TEST(PlotTape, BinsOfATapeStandWhereTheirSizesAre) {
  // Ten sizes down from the largest, 4..16: the least begins at 4^-8. Rows from below: -4..-1 down
  // to -4^-7..-4^-8 are nine, then what is nearly 0, then ten up to 4..16.
  see::Run run;
  for (int step = 0; step < 3; ++step) {
    see::Run::Layer l{.name = "relu1"};
    const see::Statistics s =
        see::statistics(tensor({0.0, 0.0, 1e-9, -1e-6, 2.0, 3.0, 5.0, -2.0, -1e-4, double{NAN}}));
    l.by_size.assign(s.histogram.begin(), s.histogram.end());
    run.snapshots.push_back({1. * step, {l}, {}});
  }
  const auto plots = see::plots_of({&run, 1});
  ASSERT_EQ(names_of(plots), "histogram-relu1 ");
  const auto& map = std::get<see::Heatmap>(plots[0].plot);
  EXPECT_EQ(map.bottom, 0);
  EXPECT_EQ(map.top, 20);
  ASSERT_EQ(map.grid.rows, 20u);
  std::map<int, double> expected = {{0, 1}, {7, 1}, {9, 4}, {18, 2}, {19, 1}};
  for (int row = 0; row < 20; ++row)
    EXPECT_DOUBLE_EQ(map.grid.values[static_cast<std::size_t>(19 - row) * 3],
                     std::log1p(expected[row]))
        << row;
  std::map<std::string, double> marks;
  for (const auto& [place, words] : map.y.marks) marks[words] = place;
  EXPECT_EQ(marks.at("1"), 18);
  EXPECT_EQ(marks.at("-1"), 1);
  EXPECT_EQ(marks.at("~0"), 9.5);
  EXPECT_THAT(see::text(plots[0].plot), HasSubstr("by size [activation]"));
}

TEST(PlotTape, LogsWithTheNewerEventsAreRead) {
  const std::string log =
      R"({"event":"start","data":{"train":130},"config":{"batch_size":64}})"
      "\n"
      R"({"event":"batch","step":1,"loss":2.5,"accuracy":0.5,"lr":0.1})"
      "\n"
      R"({"event":"batch","step":2,"loss":null,"accuracy":0.1,"lr":0.1})"
      "\n"
      R"({"event":"not_finite","step":2,"epoch":1,"batch":2,"loss":"nan","hint":"lower --lr"})"
      "\n"
      R"({"event":"interrupted","epochs":0,"seconds":0.5,"model":"m.safetensors"})"
      "\n";
  const see::Run run = see::read_run(log, "stopped");
  ASSERT_EQ(run.batches.size(), 2u);
  EXPECT_TRUE(std::isnan(run.batches[1].loss));
  EXPECT_EQ(names_of(see::plots_of({&run, 1})), "loss accuracy learning-rate ");
}

TEST(PlotTape, JsonHasTheNumbersThatAreDrawn) {
  const Recorded r = record(see::TapeLevel::full, false);
  const see::Run run = see::run_of(r.tape, "full");
  std::map<std::string, Json> all;
  for (const see::NamedPlot& plot : see::plots_of({&run, 1})) {
    const std::string line = see::json_text(plot);
    EXPECT_EQ(line.find('\n'), line.npos);
    all[plot.name] = Json::parse(line);
    EXPECT_EQ(all[plot.name]["picture"], plot.name);
  }
  EXPECT_EQ(all["learning-rate"]["kind"], "lines");
  EXPECT_EQ(all["learning-rate"]["series"][0]["y"], Json({0.3, 0.3 / 2, 0.3 / 4, 0.3 / 8}));
  EXPECT_EQ(all["confusion"]["counts"].get<std::vector<Numbers>>(), run.confusion);
  EXPECT_EQ(all["weights"]["images"].size(), units);
  EXPECT_EQ(all["weights"]["images"][2]["grid"]["values"].get<Numbers>(), run.weights[2].values);
  EXPECT_EQ(all["histogram-relu1"]["kind"], "map");
  see::LinePlot hole{"t", {"x"}, {"y"}, {{"s", {0, 1}, {NAN, 2}}}, {}};
  EXPECT_EQ(Json::parse(see::json_text({"t", hole}))["series"][0]["y"], Json({nullptr, 2.0}));
}
