// Every picture that `gradus plot` makes of a real run, byte for byte: plot_golden/run.jsonl is
// what
//   gradus train --size 400 --epochs 2 --hidden 6 --batch-size 50 --lr 1 --stats --log run.jsonl
// wrote, slow.jsonl the same at --batch-size 100 --lr 0.2 --schedule cosine.
#include <gradus/see/plot_run.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/see/plot_samples.h"

using namespace gradus;
using namespace gradus::test;
namespace fs = std::filesystem;

namespace {

class PlotFiles : public FolderTest {
 protected:
  /// What gradus plot run.jsonl prints.
  std::string plot(const std::string& arguments, const std::string& locale) const {
    const std::string line = "cd '" + folder_ + "' && env -u COLUMNS LC_ALL=" + locale +
                             " '" GRADUS_COMMAND_PATH "' plot '" + golden_path("run.jsonl") + "' " +
                             arguments + " >out.txt 2>&1";
    EXPECT_EQ(exit_code(line), 0) << line << "\n" << text("out.txt");
    return text("out.txt");
  }
  static std::set<std::string> files_of(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
  }
};

std::string suffix(int width, bool utf8) {
  return std::to_string(width) + (utf8 ? "" : "-ascii") + ".txt";
}

}  // namespace

TEST_F(PlotFiles, EveryPictureOfARunIsStable) {
  plot("--out pictures", "C.UTF-8");
  const std::set<std::string> made = files_of(folder_ + "/pictures");
  for (const std::string& name : made) expect_golden("run/" + name, text("pictures/" + name));
  EXPECT_EQ(made, files_of(golden_path("run"))) << "no picture is missing";
  // As docs/plots.md lists them.
  for (const std::string name :
       {"loss", "accuracy", "learning-rate", "activation-mean", "activation-std",
        "histogram-1-ReLU", "near-zero", "dead", "gradient-norm", "update-ratio", "weights",
        "confusion", "misread"})
    EXPECT_TRUE(made.contains(name + ".svg")) << name;
}

TEST_F(PlotFiles, TheTerminalsPicturesOfARunAreStable) {
  for (const int width : {60, 80, 100, 160})
    for (const bool utf8 : {true, false}) {
      const std::string out = plot("--width " + std::to_string(width), utf8 ? "C.UTF-8" : "C");
      expect_golden("run-" + suffix(width, utf8), out);
      if (!utf8) {
        EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char c) { return c > 0; }));
      }
    }
}

TEST_F(PlotFiles, TwoRunsInOnePictureAreStable) {
  std::vector<see::Run> runs;
  for (const std::string name : {"run", "slow"})
    runs.push_back(see::read_run(whole_file(golden_path(name + ".jsonl")), name));
  std::map<std::string, std::string> screens;
  std::set<std::string> shared;
  for (const see::NamedPlot& plot : see::plots_of(runs)) {
    if (!std::holds_alternative<LinePlot>(plot.plot)) continue;  // the others are each run's own
    shared.insert(plot.name + ".svg");
    expect_golden("runs/" + plot.name + ".svg", see::svg(plot.plot));
    for (const int width : {60, 80, 100, 160})
      for (const bool utf8 : {true, false})
        screens["runs-" + suffix(width, utf8)] +=
            see::text(plot.plot, {.width = width, .utf8 = utf8}) + "\n";
  }
  EXPECT_EQ(shared, files_of(golden_path("runs")));
  EXPECT_EQ(screens.size(), 8u);
  for (const auto& [name, screen] : screens) expect_golden(name, screen);
}

TEST_F(PlotFiles, ARunTodayHasTheLinesOfTheKeptOne) {
  // The kept log is one that is written today: the same events with the same fields. (Its numbers
  // may differ in their last digits, with another compiler's settings.)
  ASSERT_EQ(exit_code("cd '" + folder_ +
                      "' && env -u GRADUS_DATA '" GRADUS_COMMAND_PATH
                      "' train --size 400 --epochs 2 --hidden 6 --batch-size 50 --lr 1 --stats "
                      "--log run.jsonl >out.txt 2>&1"),
            0)
      << text("out.txt");
  const auto names = [](const see::Run& run) {
    std::string all;
    for (const see::NamedPlot& plot : see::plots_of({&run, 1})) all += plot.name + " ";
    return all;
  };
  const see::Run now = see::read_run(text("run.jsonl"), "run"),
                 kept = see::read_run(whole_file(golden_path("run.jsonl")), "run");
  EXPECT_EQ(names(now), names(kept));
  ASSERT_EQ(now.batches.size(), kept.batches.size());
  for (std::size_t i = 0; i < now.batches.size(); ++i)
    EXPECT_NEAR(now.batches[i].loss, kept.batches[i].loss, 1e-3);
  EXPECT_EQ(now.snapshots.size(), kept.snapshots.size());
}
