// What the command answers to mistakes: what, where, how to mend it; nothing is taken in silence.
#include <gmock/gmock.h>

#include <gradus/io/idx.h>
#include <gradus/io/safetensors.h>
#include <gradus/ops/ops.h>

#include "tests/support/command.h"

namespace gradus {
namespace {

using nlohmann::json;
using test::Result;
using testing::HasSubstr;
using testing::Not;

class Messages : public test::CommandTest {
 protected:
  /// The message of a command line that is wrong.
  std::string usage(const std::string& arguments) const {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_THAT(result.err, HasSubstr("\n  hint: ")) << arguments;
    EXPECT_THAT(result.err, Not(HasSubstr(".cpp:"))) << arguments;
    return result.err;
  }
  std::string failure(const std::string& arguments) const {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 1) << arguments << result.err;
    EXPECT_THAT(result.err, HasSubstr("\n  hint: ")) << arguments;
    EXPECT_THAT(result.err, Not(HasSubstr(".cpp:"))) << arguments;
    return result.err;
  }
  void save(const std::string& name, std::vector<std::pair<std::string, Tensor>> tensors) const {
    io::SafeTensors file;
    for (auto& [key, x] : tensors) file.tensors.emplace_back(key, x);
    io::save_safetensors(folder_ + "/" + name, file);
  }
};

TEST_F(Messages, NameTheNearestWord) {
  EXPECT_EQ(usage("trian"),
            "gradus: there is no command 'trian'\n"
            "  hint: did you mean 'train'? `gradus help` lists all\n");
  EXPECT_EQ(usage("train --lrr 1"),
            "gradus: train: there is no option '--lrr'\n"
            "  hint: did you mean '--lr'? `gradus train --help` lists all\n");
  EXPECT_THAT(usage("train --optimizer adma"),
              HasSubstr("--optimizer: 'adma' is none of sgd, adam, adamw\n  hint: did you mean "
                        "'adam'?"));
  EXPECT_THAT(usage("ops sofmax"), HasSubstr("did you mean 'softmax'?"));
  EXPECT_THAT(usage("apply sofmax x"), HasSubstr("did you mean 'softmax'?"));
  EXPECT_THAT(usage("--verison"), HasSubstr("did you mean '--version'?"));
  EXPECT_THAT(failure("data digit"), HasSubstr("did you mean \"digits\"?"));
}

TEST_F(Messages, ExplainSaysWhatANameMayHaveMeant) {
  EXPECT_EQ(usage("explain matmull"),
            "gradus: there is no operation 'matmull'\n"
            "  hint: did you mean 'matmul'? `gradus ops` lists all\n");
  EXPECT_EQ(usage("explain B9"),
            "gradus: there is no code 'B9'\n  hint: `gradus explain codes` lists all\n");
  EXPECT_THAT(usage("explain w1.g"), HasSubstr("gradus explain 'w1.g' --tape run.tape"));
}

TEST_F(Messages, TheLessonsNetHasOneHiddenLayer) {
  EXPECT_THAT(usage("step --hidden 50,30"),
              HasSubstr("50,30: the lesson's net has one hidden layer, not 2\n"
                        "  hint: write --hidden 50, or --net classifier"));
  EXPECT_THAT(usage("step --hidden none"), HasSubstr("one hidden layer, not 0"));
}

TEST_F(Messages, ATapeTakesNoOptionsOfARun) {
  EXPECT_EQ(usage("step run.tape --steps 3"),
            "gradus: --steps: run.tape is recorded already, so it takes no options of a run\n"
            "  hint: leave --steps out, or the tape\n");
  EXPECT_THAT(usage("step run.tape --keep full"), HasSubstr("--keep: run.tape is recorded"));
  EXPECT_EQ(run("step nosuch.tape --json --echo").code, 1);
}

TEST_F(Messages, NumbersAreWholeWordsInTheirRange) {
  EXPECT_EQ(usage("train --seed -1"),
            "gradus: --seed: '-1' is not from 0 to 18446744073709551615\n"
            "  hint: write --seed 1\n");
  EXPECT_THAT(usage("train --seed 99999999999999999999999"), HasSubstr("is not from 0 to 1844"));
  EXPECT_THAT(usage("train --seed ''"), HasSubstr("--seed: '' is not a whole number"));
  EXPECT_THAT(usage("train --seed 1.5"), HasSubstr("'1.5' is not a whole number"));
  EXPECT_EQ(usage("train --lr ''"), "gradus: --lr: '' is not a number\n  hint: write --lr 0.5\n");
  EXPECT_THAT(usage("train --lr=.1x"), HasSubstr("'.1x' is not a number"));
  EXPECT_THAT(usage("train --lr 1e999"), HasSubstr("'1e999' is not from -1.79"));
  EXPECT_THAT(usage("train --epochs 9223372036854775808"), HasSubstr("to 9223372036854775807"));
}

TEST_F(Messages, OptionsAndArgumentsAreCounted) {
  EXPECT_THAT(usage("train --no-shuffle=5"), HasSubstr("--no-shuffle: takes no value"));
  EXPECT_THAT(usage("train --lr"), HasSubstr("--lr: needs a value\n  hint: write --lr 0.5"));
  EXPECT_THAT(usage("train --log --json"), HasSubstr("--log: needs a value"));
  EXPECT_THAT(usage("train --seed 1 --seed 2"), HasSubstr("--seed: is given twice"));
  EXPECT_THAT(usage("train digits"), HasSubstr("'digits' is one argument too many"));
  EXPECT_THAT(usage("eval"), HasSubstr("gradus: eval: the model is missing: a model.safetensors"));
  EXPECT_THAT(usage("eval a b"), HasSubstr("'b' is one argument too many: it takes one"));
  EXPECT_THAT(usage("doctor now"), HasSubstr("it takes none, only options"));
  EXPECT_THAT(usage("eval -j m"), HasSubstr("there is no option '-j'"));
  EXPECT_THAT(usage("train --size 800 --data mnist"), HasSubstr("not for --data mnist"));
  EXPECT_THAT(usage("train --optimizer adam --nesterov"), HasSubstr("--nesterov: belongs to"));
  EXPECT_THAT(usage("train --log m --out ./m"), HasSubstr("--log: and --out name the same file"));
}

TEST_F(Messages, HelpIsThereUnderEveryNameAndInTheWidth) {
  const std::string all = run("help").out;
  EXPECT_THAT(all, HasSubstr("\n  predict   What a saved model reads in pictures\n"));
  EXPECT_EQ(run("--help").out, all);
  const Result alone = run("");
  EXPECT_EQ(alone.code, 2);
  EXPECT_EQ(alone.err, all);
  const std::string train = run("help train").out;
  EXPECT_EQ(run("train --help").out, train);
  EXPECT_EQ(run("train --lr 1 -h").out, train);
  EXPECT_THAT(train, HasSubstr("\n  --lr LR                 learning rate [0.5]\n"));
  EXPECT_THAT(train, HasSubstr("\n  --optimizer sgd|adam|adamw\n"));
  for (const char* arguments :
       {"help", "help train", "help step", "ops", "ops softplus", "data digits"}) {
    std::istringstream lines(run(arguments, "COLUMNS=60").out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 60u) << line;
  }
  EXPECT_EQ(run("--version").code, 0);
}

TEST_F(Messages, NothingGivenCountsAsNotGiven) {
  EXPECT_EQ(usage("train --log ''"),
            "gradus: --log: is empty\n  hint: write --log LOG, or leave it out\n");
  EXPECT_THAT(usage("train --data="), HasSubstr("--data: is empty"));
  EXPECT_THAT(usage("train --hidden 50,"), HasSubstr("'50,' is not a list of sizes"));
  EXPECT_THAT(usage("--version extra"), HasSubstr("stands alone, but there is 'extra'"));
}

TEST_F(Messages, RatesHaveOneBoundEverywhere) {
  for (const char* flag : {"--lr", "--momentum", "--weight-decay"})
    EXPECT_THAT(usage("train --epochs 0 " + std::string(flag) + " 1e31"),
                HasSubstr("give a number from 0 to 1e30"));
  EXPECT_EQ(run("train --size 80 --epochs 0 --quiet --lr 1e30").code, 0);
}

TEST_F(Messages, PredictSaysWhyThereIsNothingToRead) {
  ASSERT_EQ(run("train --size 80 --epochs 0 --quiet --out m.st").code, 0);
  const std::string far = failure("predict m.st mnist:17");
  EXPECT_THAT(far, HasSubstr("there is no data set 'mnist' here"));
  EXPECT_THAT(far, HasSubstr("GRADUS_DATA names the folder"));
  io::write_idx(folder_ + "/none-idx3-ubyte", zeros({0, 28, 28}, DType::u8));
  EXPECT_THAT(failure("predict m.st none-idx3-ubyte"),
              HasSubstr("'none-idx3-ubyte' holds no images"));
}

TEST_F(Messages, ApplyGivesZerosWhereAGradientIsZero) {
  save("x.st", {{"0", tensor({0.f, 3.f})}});
  const Result result = run("apply norm x.st --attr ord=0 --grad --json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out)["0"]["values"], 1);
  EXPECT_EQ(json::parse(result.out)["grad.0"]["values"], json::parse("[0.0, 0.0]"));
}

TEST_F(Messages, ApplySaysHowInputsAreNamed) {
  const Tensor x = tensor({1.f, -2.f});
  save("x.st", {{"x", x}});
  EXPECT_THAT(failure("apply relu x.st"),
              HasSubstr("has 'x': 'x' is no name of an input\n  hint: inputs are named 0, 1, 2"));
  save("one.st", {{"1", x}});
  EXPECT_THAT(failure("apply relu one.st"), HasSubstr("has '1', but no '0'"));
  save("gap.st", {{"0", x}, {"2", x}});
  EXPECT_THAT(failure("apply relu gap.st"), HasSubstr("has '0', '2', but no '1'"));
  save("g.st", {{"0", x}, {"g.5", x}});
  EXPECT_THAT(failure("apply relu g.st --grad"), HasSubstr("cotangent 'g.5', but no output 5"));
  // A result is the next one's input, gradients and all.
  save("in.st", {{"0", x}});
  EXPECT_EQ(run("apply relu in.st --grad --out a.st").code, 0);
  EXPECT_EQ(run("apply exp a.st --out b.st").code, 0);
  EXPECT_THAT(usage("apply softmax in.st --attr axis=0 --attr axis=0"), HasSubstr("given twice"));
}

TEST_F(Messages, JsonTellsNanFromInfinity) {
  save("in.st", {{"0", tensor({-1., 0., 1.})}});
  const json values = json::parse(run("apply log in.st --json").out)["0"]["values"];
  EXPECT_EQ(values, json::parse(R"(["NaN", "-Infinity", 0.0])"));
  save("zero.st", {{"0", tensor({1.})}, {"1", tensor({0.})}});
  EXPECT_EQ(json::parse(run("apply div zero.st --json").out)["0"]["values"][0], "Infinity");
}

TEST_F(Messages, ModelsThatDoNotFitSaySo) {
  save("five.st", {{"0.weight", zeros({5, 784})}, {"0.bias", zeros({5})}});
  EXPECT_THAT(failure("eval five.st"), HasSubstr("the model gives 5 classes, digits has 10"));
  save("more.st", {{"0.weight", zeros({10, 784})}, {"0.bias", zeros({10})}, {"extra", zeros({1})}});
  EXPECT_THAT(failure("eval more.st"), HasSubstr("beside Linear(784, 10) it has 'extra'"));
}

TEST_F(Messages, AWrongRankIsNamed) {
  for (const char* part : {"train", "t10k"}) {
    io::write_idx(folder_ + "/" + part + "-images-idx3-ubyte", zeros({12, 6}, DType::u8));
    io::write_idx(folder_ + "/" + part + "-labels-idx1-ubyte", zeros({12}, DType::u8));
  }
  EXPECT_THAT(failure("data ."), HasSubstr("the header says rank 2, images have 3"));
}

TEST_F(Messages, ThreadsOfTheEnvironmentAreReadOrNamed) {
  const Result named = run("ops", "GRADUS_THREADS=abc");
  EXPECT_EQ(named.code, 0);
  EXPECT_THAT(named.err, HasSubstr("GRADUS_THREADS is 'abc', which is no number from 1 to 4096"));
  const Result taken = run("train --size 80 --epochs 0 --json", "GRADUS_THREADS=3");
  EXPECT_EQ(events_of(taken.out).at(0)["config"]["threads"], 3) << taken.err;
  EXPECT_EQ(taken.err, "");
}

TEST_F(Messages, MemoryIsAddedUpFirst) {
  EXPECT_THAT(failure("train --hidden 1000000,1000000"),
              HasSubstr("--hidden 1000000,1000000 is 1e12 weights"));
  EXPECT_THAT(failure("step --net classifier --hidden 1000000,1000000"),
              HasSubstr("--hidden 1000000,1000000 is 1e12 weights"));
  EXPECT_FALSE(exists("model.safetensors"));
}

}  // namespace
}  // namespace gradus
