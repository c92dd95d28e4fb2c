// The command as a user runs it: output, messages, exit codes, what is left behind.
#include <gmock/gmock.h>

#include <set>

#include <gradus/gradus.h>
#include <gradus/io/safetensors.h>

#include "tests/support/command.h"

namespace gradus {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

using test::Result;
class Command : public test::CommandTest {};

TEST_F(Command, TrainsEvaluatesAndPredicts) {
  const Result trained =
      run("train --size 800 --epochs 2 --json --log run.jsonl --out m.safetensors");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(trained.out, text("run.jsonl"));
  const std::vector<json> events = events_of(trained.out);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0]["parameters"], 39760);
  EXPECT_EQ(events[0]["data"],
            json::parse(R"({"name":"digits","train":600,"valid":100,"test":100})"));
  EXPECT_EQ(events[2]["epoch"], 2);
  EXPECT_GT(events[1]["samples_per_second"], 0);
  EXPECT_EQ(events[3]["model"], "m.safetensors");
  const io::SafeTensors model = io::load_safetensors(folder_ + "/m.safetensors");
  EXPECT_EQ(model.at("0.weight").shape(), Shape({50, 784}));
  EXPECT_EQ(model.at("2.bias").shape(), Shape({10}));
  const Result evaluated = run("eval m.safetensors --json");
  EXPECT_EQ(json::parse(evaluated.out)["samples"], 2000);
  const Result predicted = run("predict m.safetensors digits:0 --json");
  EXPECT_EQ(json::parse(predicted.out)["probabilities"].size(), 10u);
  const Result plain = run("train --size 80 --epochs 1 --out m.safetensors");
  EXPECT_EQ(plain.code, 0);
  EXPECT_EQ(plain.out.find('\x1b'), std::string::npos) << "no control characters into a pipe";
  EXPECT_EQ(plain.out.find('\r'), std::string::npos);
  EXPECT_THAT(plain.out, HasSubstr("saved m.safetensors"));
}

TEST_F(Command, EqualSeedsGiveEqualFiles) {
  for (const char* threads : {"1", "2", "4"})
    ASSERT_EQ(run(std::string("train --size 400 --epochs 1 --quiet --threads ") + threads +
                  " --out " + threads + ".safetensors")
                  .code,
              0);
  EXPECT_EQ(text("1.safetensors"), text("2.safetensors"));
  EXPECT_EQ(text("1.safetensors"), text("4.safetensors"));
  // Neither do they depend on how the steps run.
  const Result plan = run("train --size 400 --epochs 1 --explain-plan --out a.safetensors");
  EXPECT_THAT(plan.out, HasSubstr("pass over its zeros"));
  const Result dense =
      run("train --size 400 --epochs 1 --explain-plan --dense --out b.safetensors");
  EXPECT_THAT(dense.out, Not(HasSubstr("zeros")));
  ASSERT_EQ(run("train --size 400 --epochs 1 --quiet --eager --out c.safetensors").code, 0);
  for (const char* other : {"a", "b", "c"})
    EXPECT_EQ(text("1.safetensors"), text(std::string(other) + ".safetensors")) << other;
}

TEST_F(Command, WrongUseIsCode2AndLeavesNothing) {
  for (const char* arguments : {"",
                                "fly",
                                "train --nope",
                                "train --lr nan",
                                "train --lr -1",
                                "train --epochs x",
                                "train --hidden 50,x",
                                "train --hidden 0,5",
                                "train --optimizer sgdd",
                                "train --batch-size 0",
                                "train --scale 128",
                                "train --nesterov",
                                "train --optimizer adam --momentum 0.9",
                                "eval",
                                "predict m.safetensors",
                                "apply",
                                "train --threads 0",
                                "ops nothing",
                                "apply nothing bad.safetensors",
                                "apply softmax --attr axis",
                                "apply softmax --attr axis=x",
                                "apply softmax --attr axes=1",
                                "apply softmax --attr axis=1 --attr axis=0",
                                "explain Z9",
                                "help nothing"}) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments << result.err;
    EXPECT_FALSE(result.err.empty()) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
  }
  EXPECT_FALSE(exists("model.safetensors"));
}

TEST_F(Command, BadFilesAreCode1WithARepair) {
  std::ofstream(folder_ + "/bad.safetensors") << "nonsense";
  std::filesystem::create_directory(folder_ + "/empty");
  for (const char* arguments :
       {"train --data nowhere", "train --data empty", "train --out nowhere/m.safetensors",
        "train --log nowhere/log", "eval bad.safetensors", "eval missing.safetensors",
        "predict bad.safetensors digits:0", "data nowhere", "apply relu bad.safetensors"}) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 1) << arguments << result.err;
    EXPECT_THAT(result.err, HasSubstr("hint: ")) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
  }
  EXPECT_FALSE(exists("model.safetensors"));
}

class Interrupted : public Command {
 protected:
  /// The events of `train OPTIONS` that got Ctrl-C once its log had `seen`.
  std::vector<json> train(const std::string& options, const std::string& seen) {
    const Result result =
        shell("env -u GRADUS_DATA LC_ALL=C '" GRADUS_COMMAND_PATH "' train " + options +
              " --quiet --log run.jsonl --out m.safetensors & for i in {1..600}; do grep -q " +
              seen + " run.jsonl && break; sleep .1; done; kill -INT $!; wait $!");
    EXPECT_EQ(result.code, 130);
    EXPECT_THAT(result.err, HasSubstr("interrupted after"));
    const std::vector<json> events = events_of(text("run.jsonl"));
    EXPECT_GE(events.size(), 2U);
    EXPECT_EQ(events.back()["event"], "interrupted");
    EXPECT_EQ(events.back()["model"], "m.safetensors");
    EXPECT_NO_THROW(io::load_safetensors(folder_ + "/m.safetensors"));
    return events;
  }
};

TEST_F(Interrupted, ItSavesAndSaysSo) {
  const std::vector<json> events = train("--epochs 1000000", "epoch.:1");
  EXPECT_EQ(events[1]["event"], "epoch");
}

TEST_F(Interrupted, InItsFirstEpochItSavesTheWeightsSoFar) {
  const auto events = train("--epochs 1 --batch-size 1 --hidden 4096", "start");
  EXPECT_EQ(events.size(), 2U) << "no epoch ended";
}

TEST_F(Command, OpsAndApplyComeFromTheRegistry) {
  const json ops = json::parse(run("ops --json").out);
  ASSERT_EQ(ops.size(), all_ops().size());
  for (const json& op : ops)
    for (const char* key :
         {"name", "formula", "doc", "shapes", "also", "differentiable", "primitive"})
      EXPECT_TRUE(op.contains(key)) << key;
  io::SafeTensors in;
  in.tensors = {{"0", tensor({{1., 2.}, {3., 4.}})}, {"g.0", tensor({{1., 0.}, {0., 0.}})}};
  io::save_safetensors(folder_ + "/in.safetensors", in);
  const Result result =
      run("apply softmax in.safetensors --attr axis=1 --grad --out out.safetensors --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const io::SafeTensors out = io::load_safetensors(folder_ + "/out.safetensors");
  const double p = 1 / (1 + std::exp(1.0));
  EXPECT_NEAR((out.at("0")[{0, 0}].item()), p, 1e-6);
  EXPECT_NEAR((out.at("grad.0")[{0, 0}].item()), p * (1 - p), 1e-6);
  EXPECT_EQ(json::parse(result.out)["0"]["shape"], json::parse("[2,2]"));
}

TEST_F(Command, DocumentationIsFresh) {
  std::ostringstream file;
  file << std::ifstream(GRADUS_SOURCE_DIR "/docs/ops.md").rdbuf();
  EXPECT_EQ(run("ops --markdown").out, file.str()) << "run ./dev docs";
}

/// The row of a table of docs/plots.md that begins with `event`.
std::string documented(const std::string& event) {
  std::ifstream page(GRADUS_SOURCE_DIR "/docs/plots.md");
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("| `" + event + "` |")) return line;
  return "";
}

TEST_F(Command, EveryFieldOfTheLogIsDocumented) {
  std::set<std::string> seen;
  const std::string line = "train --size 800 --epochs 1 --json ";
  for (const char* options :
       {"--stats", "--watch --lr 30", "--explain-plan", "--eager --explain-plan", "--lr 1e30"})
    for (const json& event : events_of(run(line + options).out)) {
      const std::string name = event["event"];
      seen.insert(name);
      const std::string row = documented(name);
      for (const auto& [field, value] : event.items())
        if (field != "event") {
          EXPECT_THAT(row, HasSubstr("`" + field + "`")) << name;
        }
    }
  EXPECT_THAT(seen, testing::UnorderedElementsAre("start", "epoch", "end", "not_finite", "warning",
                                                  "health", "plan", "no_plan", "batch", "layers",
                                                  "weights", "confusion", "misread"));
}

TEST_F(Command, TrainTellsItsHealthAndKeepsTheBits) {
  const std::string line = "train --size 1600 --epochs 1 --quiet --out ";
  ASSERT_EQ(run(line + "a.safetensors").code, 0);
  const Result healthy = run(line + "b.safetensors --health");
  EXPECT_THAT(healthy.out, HasSubstr("health of the first 19 steps\nhealthy: no mistake"));
  EXPECT_EQ(text("a.safetensors"), text("b.safetensors"));
  // A rate of 30 is far too high: the loss explodes.
  EXPECT_THAT(run(line + "c.safetensors --health --lr 30").out, HasSubstr("\nX1 warn   loss "));
  const Result events = run("train --size 800 --epochs 1 --lr 30 --health --json");
  bool told = false;
  for (const json& event : events_of(events.out))
    if (event["event"] == "health")
      told = event["found"][0]["code"] == "X1" && event["found"][0]["severity"] == "warn";
  EXPECT_TRUE(told) << events.out;
}

TEST_F(Command, TrainWatchesTheWholeRunAndKeepsTheBits) {
  const std::string line = "train --size 1600 --epochs 3 --quiet --out ";
  ASSERT_EQ(run(line + "a.safetensors").code, 0);
  const Result healthy = run(line + "b.safetensors --watch");
  EXPECT_THAT(healthy.out, HasSubstr("health of all 57 steps\n"));
  EXPECT_EQ(text("a.safetensors"), text("b.safetensors"));
  // Units die in each window: one line with a count, and a warning in the log at the first time.
  const Result events = run("train --size 1600 --epochs 3 --lr 3 --watch --json");
  int warnings = 0, dead = 0;
  for (const json& event : events_of(events.out)) {
    warnings += event["event"] == "warning";
    if (event["event"] != "health") continue;
    EXPECT_EQ(event["steps"], 57);
    EXPECT_EQ(event["found"].size(), static_cast<std::size_t>(warnings));
    for (const json& found : event["found"])
      if (found["code"] == "D1") {
        ++dead;
        EXPECT_GE(found["count"], 2) << found;
      }
  }
  EXPECT_EQ(dead, 1) << events.out;
}

TEST_F(Command, TrainWatchCountsStepsOfTheRun) {
  const Result events =
      run("train --size 8000 --epochs 1 --schedule one-cycle --lr 2 --hidden 100 --watch --json");
  int dead = 0;
  for (const json& event : events_of(events.out)) {
    if (event["event"] != "warning" || event["found"]["code"] != "D1") continue;
    ++dead;
    // No unit dies in the first window, whose steps are small.
    EXPECT_THAT(event["found"]["what"].get<std::string>(),
                testing::ContainsRegex("rows since step [2-9][0-9] "));
  }
  EXPECT_EQ(dead, 1) << events.out;
}

TEST_F(Command, ExplainsCodes) {
  const std::string page = run("explain b1").out;
  EXPECT_THAT(page, HasSubstr("B1 error: a loss of two shapes that broadcast\n\nWHAT    "));
  EXPECT_THAT(page, HasSubstr("\nTRY     Tensor pred = rand({10, 1});\n"));
  EXPECT_THAT(page, HasSubstr("\nSAYS    B1 error  mse(pred, target): (10,1) and (10,)"));
  const json object = json::parse(run("explain T1 --json").out);
  EXPECT_EQ(object["code"], "T1");
  EXPECT_EQ(object["severity"], "warn");
  EXPECT_THAT(object["mended"].get<std::string>(), HasSubstr("sgd.zero_grad();"));
  std::ostringstream file;
  file << std::ifstream(GRADUS_SOURCE_DIR "/docs/diagnostics.md").rdbuf();
  EXPECT_EQ(run("explain codes").out, file.str()) << "run ./dev docs";
  EXPECT_EQ(run("explain Z9").code, 2);
}

TEST_F(Command, DoctorFindsEverythingWell) { EXPECT_EQ(run("doctor").code, 0); }

}  // namespace
}  // namespace gradus
