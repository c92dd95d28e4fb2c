// What gradus train --stats writes and gradus plot reads: the numbers against what follows from the
// update rule, the model file and the report; hand-made logs; the command as a user runs it.
#include <gradus/autograd/backward.h>
#include <gradus/io/safetensors.h>
#include <gradus/nn/layers.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/plot_run.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "tests/support/folder.h"

using namespace gradus;
using Json = nlohmann::json;
using see::LinePlot;
using testing::HasSubstr;

namespace {

class PlotRun : public test::FolderTest {
 protected:
  struct Result {
    int code;
    std::string out, err;
  };
  Result run(const std::string& arguments, const std::string& settings = "LC_ALL=C.UTF-8") const {
    const std::string line = "cd '" + folder_ + "' && env -u GRADUS_DATA " + settings +
                             " '" GRADUS_COMMAND_PATH "' " + arguments +
                             " >out.txt 2>err.txt </dev/null";
    return {test::exit_code(line), text("out.txt"), text("err.txt")};
  }
  std::map<std::string, std::vector<Json>> events(const std::string& name) const {
    std::map<std::string, std::vector<Json>> all;
    std::istringstream lines(text(name));
    for (std::string line; std::getline(lines, line);) {
      Json e = Json::parse(line);
      all[e.at("event")].push_back(std::move(e));
    }
    return all;
  }
};

std::string named(const std::vector<see::NamedPlot>& plots) {
  std::string all;
  for (const see::NamedPlot& plot : plots) all += plot.name + " ";
  return all;
}

template <class P>
const P& plot_named(const std::vector<see::NamedPlot>& plots, const std::string& name) {
  for (const see::NamedPlot& plot : plots)
    if (plot.name == name) return std::get<P>(plot.plot);
  throw std::runtime_error("no plot " + name);
}

/// One snapshot line with one layer of 4 bins.
std::string layer_line(int step, double limit, const std::string& counts) {
  return R"({"event":"layers","step":)" + std::to_string(step) +
         R"(,"layers":[{"name":"0","kind":"Linear","mean":1.5,"std":null,"near_zero":0,"dead":0,"limit":)" +
         std::to_string(limit) + R"(,"counts":)" + counts + R"(}],"parameters":[]})" + "\n";
}

}  // namespace

TEST_F(PlotRun, StatsAddLinesAndChangeNothing) {
  const std::string train = "train --size 400 --epochs 2 --lr 0.25 --batch-size 50 --json ";
  ASSERT_EQ(run(train + "--out plain.safetensors --log plain.jsonl").code, 0);
  const Result result = run(train + "--stats --out m.safetensors --log m.jsonl");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, text("m.jsonl"));
  EXPECT_EQ(text("plain.safetensors"), text("m.safetensors"));
  auto plain = events("plain.jsonl"), all = events("m.jsonl");
  EXPECT_EQ(plain.size(), 3u) << "start, epoch, end and nothing else without --stats";
  for (const char* kind : {"start", "epoch", "end"})
    for (std::size_t i = 0; i < plain[kind].size(); ++i)
      for (const char* key : {"parameters", "data", "first_batch_loss", "train_loss", "valid_loss",
                              "valid_accuracy", "test_loss", "test_accuracy"})
        EXPECT_EQ(plain[kind][i].value(key, Json()), all[kind][i].value(key, Json())) << key;
  // 300 images are 6 batches an epoch.
  ASSERT_EQ(all["batch"].size(), 12u);
  EXPECT_EQ(all["batch"][6]["loss"], all["epoch"][1]["first_batch_loss"]);
  EXPECT_EQ(all["batch"][6]["epoch"], 2);
  double sum = 0;
  for (int i = 0; i < 6; ++i)
    sum += all["batch"][static_cast<std::size_t>(i)]["loss"].get<double>();
  EXPECT_NEAR(sum / 6, all["epoch"][0]["train_loss"].get<double>(), 1e-12);
  // The first weights are those of the seed; plain SGD moves them by lr times the gradient.
  ASSERT_EQ(all["layers"].size(), 12u);
  manual_seed(1);
  const nn::Linear first(784, 50);
  double squares = 0;
  for (const double v : first.weight.to_vector<double>()) squares += v * v;
  const Json& weight = all["layers"][0]["parameters"][0];
  EXPECT_EQ(weight["name"], "0.weight");
  EXPECT_NEAR(weight["norm"].get<double>(), std::sqrt(squares), 1e-9);
  for (const Json& line : all["layers"])
    for (const Json& p : line["parameters"])
      EXPECT_NEAR(p["update_norm"].get<double>(), 0.25 * p["gradient_norm"].get<double>(),
                  1e-5 * p["gradient_norm"].get<double>());
  // Layers: names, every activation counted once, moments within a bin of the histogram's.
  for (const Json& line : all["layers"]) {
    ASSERT_EQ(line["layers"].size(), 3u);
    for (const Json& layer : line["layers"]) {
      const auto counts = layer["counts"].get<std::vector<double>>();
      ASSERT_EQ(counts.size(), 40u);
      const double total = std::accumulate(counts.begin(), counts.end(), 0.0),
                   limit = layer["limit"];
      EXPECT_EQ(total, layer["name"] == "2" ? 500 : 2500);
      double mean = 0;
      for (std::size_t b = 0; b < 40; ++b)
        mean += counts[b] / total * limit * ((static_cast<double>(b) + .5) / 20 - 1);
      EXPECT_NEAR(layer["mean"].get<double>(), mean, limit / 40);
    }
    EXPECT_EQ(line["layers"][1]["kind"], "ReLU");
    EXPECT_GT(line["layers"][1]["near_zero"], 0.2);
    EXPECT_LT(line["layers"][0]["near_zero"], 0.1);
  }
  // Weights are the model's to half a hundredth of the largest.
  const Json& pictures = all["weights"].at(0);
  const io::SafeTensors model = io::load_safetensors(folder_ + "/m.safetensors");
  const std::vector<double> kept = model.at("0.weight").to_vector<double>();
  const double unit = pictures["unit"];
  for (std::size_t u = 0; u < 50; ++u)
    for (std::size_t i = 0; i < 784; ++i)
      ASSERT_NEAR(pictures["images"][u][i].get<double>() * unit, kept[u * 784 + i], unit * 0.501);
  // The confusion matrix is the test accuracy written out.
  double right = 0, images = 0;
  const auto counts = all["confusion"].at(0)["counts"].get<std::vector<std::vector<double>>>();
  for (std::size_t t = 0; t < 10; ++t) {
    right += counts[t][t];
    images += std::accumulate(counts[t].begin(), counts[t].end(), 0.0);
  }
  EXPECT_EQ(images, 50);
  EXPECT_NEAR(right / images, all["end"][0]["test_accuracy"].get<double>(), 1e-12);
  EXPECT_LE(all["misread"].size(), 12u);

  // And the command reads it.
  const Result plotted = run("plot m.jsonl --out pictures --width 72");
  EXPECT_EQ(plotted.code, 0) << plotted.err;
  EXPECT_EQ(plotted.out.find('\x1b'), std::string::npos) << "no colours into a pipe";
  EXPECT_THAT(plotted.out, HasSubstr("\u2502"));
  for (const char* name : {"loss", "accuracy", "learning-rate", "activation-mean", "activation-std",
                           "near-zero", "dead", "gradient-norm", "update-ratio", "histogram-1-ReLU",
                           "weights", "confusion", "misread"})
    EXPECT_THAT(text(std::string("pictures/") + name + ".svg"), testing::StartsWith("<svg"))
        << name;
  const Result ascii = run("plot m.jsonl", "LC_ALL=C");
  for (const char c : ascii.out) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_EQ(ascii.out, run("plot m.jsonl --ascii").out);
  const Result both = run("plot plain.jsonl m.jsonl");
  EXPECT_EQ(both.code, 0);
  EXPECT_THAT(both.out, testing::AllOf(HasSubstr("train plain"), HasSubstr("valid m")));
  EXPECT_THAT(run("plot plain.jsonl").out, HasSubstr("--stats writes down more"));
}

TEST_F(PlotRun, WrongUseEndsInAMessage) {
  std::ofstream(folder_ + "/bad.jsonl") << "hello\n";
  std::ofstream(folder_ + "/odd.jsonl") << R"({"event":"batch"})"
                                        << "\n";
  std::ofstream(folder_ + "/start.jsonl")
      << R"({"event":"start","data":{"train":64},"config":{"batch_size":64}})"
      << "\n";
  std::ofstream(folder_ + "/empty.jsonl") << "";
  std::ofstream(folder_ + "/short.tape") << "abc";
  std::ofstream(folder_ + "/epoch.jsonl")
      << R"({"event":"epoch","epoch":1,"train_loss":2,"valid_loss":3})"
      << "\n";
  std::filesystem::create_directories(folder_ + "/taken/loss.svg");
  for (const auto& [arguments, code, words] :
       std::vector<std::tuple<std::string, int, std::string>>{
           {"", 2, "run"},
           {"nowhere.jsonl", 1, "nowhere.jsonl"},
           {"bad.jsonl", 1, "line 1 of bad.jsonl is no JSON"},
           {"odd.jsonl", 1,
            "line 1 of odd.jsonl is no event of a run: the field 'step' is missing"},
           {"start.jsonl", 1, "nothing to plot"},
           {"empty.jsonl", 1, "nothing to plot"},
           {"short.tape", 1, "short.tape"},
           {"epoch.jsonl --out taken", 1, "there is a folder of that name"},
           {"epoch.jsonl --out ''", 2, "--out"},
           {"a b c", 2, "two at most"},
           {"start.jsonl --width 5", 2, "--width"}}) {
    const Result result = run("plot " + arguments);
    EXPECT_EQ(result.code, code) << arguments << result.err;
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_TRUE(result.out.empty());
  }
  EXPECT_EQ(run("train --size 80 --epochs 1 --stats").code, 2) << "statistics need a place to go";
}

TEST_F(PlotRun, ALogThatWasCutIsReadSoFar) {
  const std::string epoch = R"({"event":"epoch","epoch":1,"train_loss":0.5,"valid_loss":null})";
  const see::Run cut = see::read_run(epoch + "\n" + epoch.substr(0, 20), "cut");
  ASSERT_EQ(cut.epochs.size(), 1u);
  EXPECT_EQ(cut.epochs[0].train_loss, 0.5);
  EXPECT_TRUE(std::isnan(cut.epochs[0].valid_loss));
  EXPECT_THROW(see::read_run(epoch.substr(0, 20) + "\n" + epoch, "broken"), DataError);
  EXPECT_THROW(see::read_run(layer_line(1, 3, "[1,2,3,4]"), "limit 3"), DataError);
  EXPECT_THROW(see::read_run(layer_line(1, 2, "[1,2,3]"), "three bins"), DataError);
}

TEST_F(PlotRun, NarrowHistogramsFitWideOnesExactly) {
  const std::string log = layer_line(1, 1, "[1,2,3,4]") + layer_line(11, 4, "[5,6,7,8]");
  const see::Run one = see::read_run(log, "h");
  const auto plots = see::plots_of({&one, 1});
  EXPECT_EQ(named(plots), "activation-mean near-zero dead histogram-0-Linear ");
  const auto& map = plot_named<see::Heatmap>(plots, "histogram-0-Linear");
  EXPECT_EQ(map.top, 4);
  EXPECT_EQ(map.bottom, -4);
  // Bins of width 2 from the top: those of -1..1 fall into the two in the middle.
  ASSERT_EQ(map.grid.rows, 4u);
  const std::vector<double> counts = {0, 8, 7, 7, 3, 6, 0, 5};
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_DOUBLE_EQ(map.grid.values[i], std::log1p(counts[i])) << i;
}

TEST_F(PlotRun, TwoRunsShareAxesInSteps) {
  const std::string start = R"({"event":"start","data":{"train":130},"config":{"batch_size":64}})";
  const std::string epochs = start + "\n" +
                             R"({"event":"epoch","epoch":1,"train_loss":2,"valid_loss":3})" + "\n" +
                             R"({"event":"epoch","epoch":2,"train_loss":1,"valid_loss":2})" + "\n";
  const std::string batches = R"({"event":"batch","step":1,"loss":4,"accuracy":0.5,"lr":0.1})";
  const see::Run alone = see::read_run(epochs, "a");
  const LinePlot by_epoch = plot_named<LinePlot>(see::plots_of({&alone, 1}), "loss");
  EXPECT_EQ(by_epoch.x.label, "epoch");
  EXPECT_EQ(by_epoch.series[1].x, std::vector<double>({1, 2}));
  const see::Run runs[] = {alone, see::read_run(batches, "b")};
  const auto plots = see::plots_of(runs);
  const auto& by_step = plot_named<LinePlot>(plots, "loss");
  EXPECT_EQ(by_step.x.label, "step");
  EXPECT_EQ(by_step.series[0].x, std::vector<double>({3, 6})) << "130 images are 3 batches of 64";
  EXPECT_EQ(by_step.series[0].name, "train a");
  EXPECT_TRUE(by_step.series.back().dashed);
}

TEST_F(PlotRun, ATapeIsARunToo) {
  manual_seed(5);
  Tensor w = randn({3, 2}).set_requires_grad().set_name("w"), x = randn({4, 3});
  see::Recorder recorder;
  optim::SGD sgd({w}, {.lr = 0.1});
  std::vector<double> losses, norms, means;
  for (int step = 0; step < 3; ++step) {
    Tensor out;
    {
      Scope here("lin");
      out = matmul(x, w);
    }
    const Tensor loss = mse(out, zeros({4, 2}));
    loss.backward();
    {
      const Unobserved quiet;
      losses.push_back(loss.item());
      means.push_back(mean(astype(out.detach(), DType::f64)).item());
      norms.push_back(std::sqrt(sum(square(astype(w.grad(), DType::f64))).item()));
    }
    sgd.step();
    sgd.zero_grad();
  }
  recorder.finish();
  see::save_tape(folder_ + "/run.tape", recorder.tape());
  const see::Run run_of_tape = see::run_of(recorder.tape(), "tape");
  ASSERT_EQ(run_of_tape.batches.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(run_of_tape.batches[i].loss, losses[i], 1e-6);
    const see::Run::Snapshot& s = run_of_tape.snapshots[i];
    ASSERT_EQ(s.parameters.size(), 1u);
    EXPECT_EQ(s.parameters[0].name, "w");
    EXPECT_NEAR(s.parameters[0].gradient_norm, norms[i], 1e-6 * norms[i]);
    ASSERT_GE(s.layers.size(), 1u);
    EXPECT_EQ(s.layers[0].name, "lin");
    EXPECT_NEAR(s.layers[0].mean, means[i], 1e-6);
  }
  const Result plotted = run("plot run.tape");
  EXPECT_EQ(plotted.code, 0) << plotted.err;
  EXPECT_THAT(plotted.out, testing::AllOf(HasSubstr("loss"), HasSubstr("norm of the gradients")));
}
