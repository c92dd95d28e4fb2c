// gradus train as a user runs it: what it leaves behind, what it says when a run goes astray, and
// the lesson's runs on the real data.
#include <gmock/gmock.h>

#include <cmath>

#include <gradus/io/safetensors.h>

#include "tests/support/command.h"
#include "tests/support/real_data.h"
#include "tests/support/transcripts.h"

namespace gradus {
namespace {

using nlohmann::json;
using test::Result;
using testing::HasSubstr;
using testing::Not;

class TrainCommand : public test::CommandTest {
 protected:
  void expect_run(const std::string& arguments, const std::vector<double>& first,
                  const std::vector<double>& accuracy, double test_accuracy) const {
    const Result result = run("train --json --no-shuffle " + arguments);
    ASSERT_EQ(result.code, 0) << result.err;
    const std::vector<json> events = events_of(result.out);
    ASSERT_EQ(events.size(), first.size() + 2);
    for (std::size_t e = 0; e < first.size(); ++e) {
      EXPECT_NEAR(events[e + 1]["first_batch_loss"].get<double>(), first[e], 1e-5);
      EXPECT_DOUBLE_EQ(events[e + 1]["valid_accuracy"].get<double>(), accuracy[e]);
    }
    EXPECT_DOUBLE_EQ(events.back()["test_accuracy"].get<double>(), test_accuracy);
  }
};

// PyTorch's numbers: the lesson's row 105, and the run on Fashion-MNIST.
TEST_F(TrainCommand, MnistGivesTheLessonsRow) {
  const auto folder = test::real_data("mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("mnist");
  expect_run("--data '" + std::filesystem::absolute(*folder).string() + "'",
             {2.3036487, .1237482, .0923254}, {.9428, .9591, .9603}, .9549);
  // The model knows what it was trained on; where that is not here, it says so.
  const std::string model = "eval model.safetensors";
  const Result lost = run(model);
  EXPECT_EQ(lost.code, 1);
  EXPECT_THAT(lost.err, HasSubstr("was trained on 'mnist', which is not here\n  hint: say where"));
  const std::filesystem::path home = std::filesystem::absolute(*folder);
  for (const std::string& variable : {home.string(), home.parent_path().string()})
    EXPECT_THAT(run(model, "GRADUS_DATA='" + variable + "'").out,
                HasSubstr("10000 test images of mnist: accuracy 0.9549"));
  EXPECT_THAT(run(model + " --data digits").err, HasSubstr("was trained on mnist, not on digits"));
}

TEST_F(TrainCommand, FashionGivesPyTorchsRun) {
  const auto folder = test::real_data("fashion-mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("fashion-mnist");
  expect_run("--lr 0.1 --data '" + std::filesystem::absolute(*folder).string() + "'",
             {2.3200960, .5113121, .3921112}, {.7336, .7938, .8078}, .7973);
}

/// Without the times, which differ from run to run.
std::string without_seconds(std::string text) {
  for (std::size_t at = text.find(" s\n"); at != text.npos; at = text.find(" s\n", at + 1)) {
    const std::size_t begin = text.rfind(' ', at - 1);
    text.replace(begin + 1, at - begin - 1, "T");
    at = begin + 2;
  }
  return text;
}

TEST_F(TrainCommand, TheReadmeShowsThisRun) {
  const std::string page = test::whole_file(GRADUS_SOURCE_DIR "/README.md"),
                    open = "$ ./dev train\n";
  const std::size_t begin = page.find(open);
  ASSERT_NE(begin, page.npos);
  const std::string screen =
      page.substr(begin + open.size(), page.find("```", begin) - begin - open.size());
  const std::size_t gap = screen.find("...\n");
  ASSERT_NE(gap, screen.npos);
  const std::string out = without_seconds(run("train").out);
  EXPECT_TRUE(out.starts_with(without_seconds(screen.substr(0, gap)))) << out;
  EXPECT_TRUE(out.ends_with("\n" + without_seconds(screen.substr(gap + 4)))) << out;
}

TEST_F(TrainCommand, ADigitsModelStaysOnDigits) {
  const auto folder = test::real_data("mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("mnist");
  ASSERT_EQ(run("train --size 800 --epochs 1 --quiet").code, 0);
  EXPECT_THAT(run("eval model.safetensors",
                  "GRADUS_DATA='" + std::filesystem::absolute(*folder).string() + "'")
                  .out,
              HasSubstr("2000 test images of digits"));
}

TEST_F(TrainCommand, NothingIsEmptiedBeforeARunCanBegin) {
  std::ofstream(folder_ + "/run.jsonl") << "kept\n";
  EXPECT_EQ(run("train --data nowhere --log run.jsonl").code, 1);
  EXPECT_EQ(text("run.jsonl"), "kept\n");
  EXPECT_FALSE(exists("model.safetensors"));
}

TEST_F(TrainCommand, LinesThatCannotBeWrittenAreTold) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const Result log = run("train --size 80 --log /dev/full");
  EXPECT_EQ(log.code, 1);
  EXPECT_THAT(log.err, HasSubstr("cannot write the events to '/dev/full': No space left"));
  EXPECT_FALSE(exists("model.safetensors"));
  for (const char* arguments : {"train --size 80 --epochs 1 --json", "train --size 80 --epochs 1",
                                "ops --json", "ops", "help", "doctor"}) {
    const Result result =
        shell(std::string("LC_ALL=C '" GRADUS_COMMAND_PATH "' ") + arguments + " >/dev/full");
    EXPECT_EQ(result.code, 1) << arguments;
    EXPECT_THAT(result.err, HasSubstr("cannot write")) << arguments;
  }
}

TEST_F(TrainCommand, AReaderThatGoesDoesNotEndTheRun) {
  const Result result = shell("env -u GRADUS_DATA '" GRADUS_COMMAND_PATH
                              "' train --size 8000 --epochs 3 --out m.st | head -1 >out.txt; exit "
                              "${PIPESTATUS[0]}");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("digits: 6000 train"));
  EXPECT_THAT(result.err, HasSubstr("nobody read the output to its end; the model is in m.st"));
  EXPECT_NO_THROW(io::load_safetensors(folder_ + "/m.st"));
}

TEST_F(TrainCommand, ARunThatGoesAstraySaysSoOnce) {
  const Result result = run("train --size 800 --lr 1e30 --log run.jsonl");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("gradus: the loss is nan in step "));
  EXPECT_THAT(result.err, HasSubstr("\n  hint: the steps are too long: try --lr 0.5"));
  EXPECT_EQ(result.err.find("the loss is"), result.err.rfind("the loss is"));
  EXPECT_THAT(result.out, HasSubstr("no answer for 100 of 100 test images"));
  EXPECT_THAT(result.out, Not(HasSubstr("-nan")));
  int told = 0;
  for (const json& event : events_of(text("run.jsonl"))) told += event["event"] == "not_finite";
  EXPECT_EQ(told, 1);
  const Result seen = run("predict model.safetensors digits:0 digits:1");
  EXPECT_EQ(seen.out, "digits:0: no answer\ndigits:1: no answer\n");
  EXPECT_THAT(seen.err, HasSubstr("no finite numbers"));
  EXPECT_EQ(json::parse(run("predict model.safetensors digits:0 --json").out)["prediction"],
            json());
  EXPECT_THAT(run("eval model.safetensors").err, HasSubstr("no finite number"));
}

TEST_F(TrainCommand, TheLogSaysWhatRepeatsTheRun) {
  const Result first = run("train --size 400 --epochs 1 --seed 7 --log run.jsonl --quiet");
  ASSERT_EQ(first.code, 0) << first.err;
  const json config = events_of(text("run.jsonl")).at(0)["config"];
  EXPECT_EQ(config["data"], "digits");
  EXPECT_EQ(config["size"], 400);
  const std::string model = text("model.safetensors");
  std::string again = "train --quiet --out again.safetensors";
  for (const auto& [name, value] : config.items()) {
    std::string option = "--" + name,
                word = value.is_string() ? value.get<std::string>() : value.dump();
    for (char& c : option) c = c == '_' ? '-' : c;
    if (name == "out") continue;
    if (value.is_boolean())
      again += name == "shuffle" ? (value ? " --shuffle" : " --no-shuffle")
               : value           ? " " + option
                                 : "";
    else
      again += " " + option + " " + (value.is_array() ? word.substr(1, word.size() - 2) : word);
  }
  ASSERT_EQ(run(again).code, 0) << again;
  EXPECT_EQ(text("again.safetensors"), model);
}

TEST_F(TrainCommand, LinesKeepToTheWidth) {
  std::istringstream lines(run("train --size 800 --epochs 2", "COLUMNS=60").out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 60u) << line;
}

}  // namespace
}  // namespace gradus
