// What the step debugger tells a program: one JSON object for each command.
#include <gradus/see/picture.h>
#include <nlohmann/json.hpp>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(StepOnLine, JsonGivesValuesAsTheyAre) {
  Stepper json(rerun.tape(), {.style = {.width = 20}, .json = true}, &rerun);
  json.ended();
  const auto ask = [&](const std::string& line) {
    const std::string text = json.execute(line);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    return nlohmann::json::parse(text);
  };
  ask("j t=4");
  const auto printed = ask("p w.g, w[0,0]/3, w.dtype, x/0");
  EXPECT_EQ(printed["values"][0]["elements"], nlohmann::json::parse("[6.5,-12.0]"));
  EXPECT_EQ(printed["values"][0]["shape"], nlohmann::json::parse("[2,1]"));
  EXPECT_EQ(printed["values"][1]["expression"], "w[0,0]/3");
  EXPECT_EQ(printed["values"][1]["elements"][0].get<float>(), 0.5F / 3.F);
  EXPECT_EQ(printed["values"][2]["word"], "f32");
  EXPECT_EQ(printed["values"][3]["elements"][3], "-inf");
  const auto checked = ask("check w.g[0,0]")["check"];
  EXPECT_NEAR(checked["numeric"].get<double>(), 6.5, 1e-6);
  EXPECT_EQ(checked["ours"], 6.5);
  EXPECT_EQ(checked["ok"], true);
  EXPECT_EQ(ask("why w.g[1,0]")["value"]["elements"][0], -12.0);
  EXPECT_EQ(ask("gears w.g[1,0]")["gears"]["product"], -2.0);
  const auto rates = ask("whatif lr 0.0625 0.125")["rates"];
  EXPECT_EQ(rates[0]["lr"], 0.0625);
  EXPECT_NEAR(rates[0]["loss"].get<double>(), (0.09375 * 0.09375 + 1.71875 * 1.71875) / 2, 1e-5);
  EXPECT_NEAR(rates[1]["loss"].get<double>(), (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2, 1e-5);
  EXPECT_EQ(ask("health")["found"][0]["code"], "X1");
  EXPECT_EQ(ask("first |w.g|>13")["found"]["t"], 4);
  const auto shown = ask("display w[0,0]");
  EXPECT_EQ(shown["value"]["elements"][0], 0.5);
  EXPECT_EQ(ask("n")["displays"][0]["expression"], "w[0,0]");
  EXPECT_EQ(ask("n-")["displays"][0]["number"], shown["number"]);
  EXPECT_EQ(ask("display")["displays"][0]["number"], shown["number"]);
  const auto wrong = ask("p w, wg");
  EXPECT_TRUE(wrong.contains("error"));
  EXPECT_EQ(wrong["problem"], "nothing is called 'wg' here");
  EXPECT_EQ(wrong["hint"], "did you mean 'w'?");
  EXPECT_EQ(wrong["position"], 5);
  EXPECT_FALSE(ask("diff nix").contains("position"));
  const auto summary = ask("pp x")["summary"];
  EXPECT_EQ(summary["count"], 4);
  EXPECT_EQ(summary["mean"], 0.5);
  // 1 and 2, 3 are within [1,4), -4 within [-16,-4].
  EXPECT_EQ(summary["histogram"], nlohmann::json::parse(R"([{"low":-16.0,"high":-4.0,"count":1},
                                      {"low":1.0,"high":4.0,"count":3}])"));
  const auto reason = ask("why w.g[1,0]")["why"];
  EXPECT_EQ(reason["sum_of"], nlohmann::json::parse("[\"x[n,1]\",\"out.g[n,0]\"]"));
  EXPECT_EQ(reason["largest"][0]["value"], -10.0);
  EXPECT_EQ(reason["largest"][0]["factors"], nlohmann::json::parse("[-4.0,2.5]"));
  EXPECT_EQ(reason["lowering"], nlohmann::json::parse(R"({"terms":2,"sum":-12.0})"));
  EXPECT_EQ(reason["followed"]["chain"][1]["value"], 2.0);
  EXPECT_THAT(ask("ll")["output"].get<std::string>(), HasSubstr("w.g [2,1]"));  // nothing is cut
}

TEST_F(StepOnLine, JsonOfSourcesPicturesRangesAndPlots) {
  Stepper json(rerun.tape(), {.style = {.width = 20}, .json = true}, &rerun);
  json.ended();
  const auto ask = [&](const std::string& line) {
    return nlohmann::json::parse(json.execute(line));
  };
  ask("home");
  EXPECT_TRUE(ask("src")["source"]["file"].is_null());
  ask("j step=0 t=1");
  const auto source = ask("src")["source"];
  EXPECT_THAT(source["file"].get<std::string>(), HasSubstr("step_support.h"));
  ASSERT_EQ(source["lines"].size(), 9u);
  EXPECT_EQ(source["lines"][4]["number"], source["line"]);
  EXPECT_THAT(source["lines"][4]["text"].get<std::string>(), HasSubstr("matmul"));
  EXPECT_EQ(source["lines"][4]["made"][0]["name"], "out");
  EXPECT_EQ(source["lines"][4]["made"][0]["shape"], nlohmann::json::parse("[2,1]"));

  const auto picture = ask("pic x/0*0+x")["picture"];  // x/0*0 is NaN
  EXPECT_EQ(picture["rows"], 2);
  EXPECT_EQ(picture["columns"], 2);
  EXPECT_EQ(picture["values"][1][0], "nan");
  const auto plain = ask("pic x")["picture"];
  const auto elements = ask("p x")["values"][0]["elements"];
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(plain["values"][i / 2][i % 2], elements[i]);

  const auto range = ask("pt x -r [-inf,0]")["range"];
  EXPECT_EQ(range["low"], "-inf");
  EXPECT_EQ(range["high"], 0.0);
  EXPECT_EQ(range["of"], 4);
  EXPECT_EQ(range["count"], range["elements"].size());
  for (const auto& one : range["elements"]) {
    const std::size_t i =
        one["index"][0].get<std::size_t>() * 2 + one["index"][1].get<std::size_t>();
    EXPECT_EQ(one["value"], elements[i]);
    EXPECT_LE(one["value"], 0);
  }
  EXPECT_EQ(ask("pt x")["value"]["elements"], elements);
  for (const char* wrong : {"pt x -r", "pt x -r [1", "pt x -r [1,2", "pt x -r 1", "pt x -r [a,b]",
                            "pt x -r [1,2]3", "pt x -r [nan,1]"})
    EXPECT_TRUE(ask(wrong).contains("error")) << wrong;

  ask("end");
  const auto names = ask("plot")["plots"];
  EXPECT_EQ(names[0], "loss");
  const auto loss = ask("plot loss")["plot"];
  EXPECT_EQ(loss["kind"], "lines");
  EXPECT_EQ(loss["series"][0]["x"].size(), loss["series"][0]["y"].size());
  EXPECT_EQ(loss["series"][0]["y"][0], 3.625);
}

TEST(StopJson, StatisticsThatAreNoNumbersAreWords) {
  const Tensor x = Tensor(tensor({-1., -2.})).set_name("x");
  see::Recorder recorder({.level = see::TapeLevel::stats});
  const Tensor y = log(x);
  recorder.finish();
  Stepper json(recorder.tape(), {.json = true});
  json.ended();
  const auto results = nlohmann::json::parse(json.execute("n"))["results"];
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0]["nan"], 2);
  for (const char* field : {"min", "max", "mean", "std"}) EXPECT_EQ(results[0][field], "nan");
  EXPECT_EQ(results[0]["l2"], 0.0);
}

/// Where a tensor has more elements than are told one by one, a tile is told by its largest.
TEST(Picture, OfManyElementsIsInTiles) {
  Tensor x = zeros({250, 120});
  x[{101, 7}].fill_(-3);
  const auto j = nlohmann::json::parse(see::picture_json(see::picture_of(x)));
  EXPECT_EQ(j["shape"], nlohmann::json::parse("[250,120]"));
  EXPECT_EQ(j["rows"], 100);
  EXPECT_EQ(j["columns"], 100);
  EXPECT_EQ(j["tile"], nlohmann::json::parse("[3,2]"));
  std::vector<std::pair<std::size_t, std::size_t>> set;
  for (std::size_t r = 0; r < 100; ++r)
    for (std::size_t c = 0; c < 100; ++c)
      if (j["values"][r][c] == -3.0) set.emplace_back(r, c);
  EXPECT_THAT(set, testing::ElementsAre(std::pair<std::size_t, std::size_t>{40, 6}));
}

TEST_F(StepOnLine, JsonOfPlacesListsStopsAndBranches) {
  Stepper json(rerun.tape(), {.json = true}, &rerun);
  json.ended();
  const auto ask = [&](const std::string& line) {
    return nlohmann::json::parse(json.execute(line));
  };
  ask("j step=0 t=4");
  const auto place = ask("w")["place"];
  EXPECT_EQ(place["t"], 4);
  EXPECT_EQ(place["last_t"], 5);
  EXPECT_EQ(place["phase"], "backward");
  EXPECT_EQ(place["module"], "lin");
  EXPECT_EQ(place["twin"], 1);
  EXPECT_THAT(place["file"].get<std::string>(), HasSubstr("step_support.h"));
  const auto list = ask("ll")["list"];
  ASSERT_EQ(list.size(), 6u);
  EXPECT_EQ(list[4]["here"], true);
  EXPECT_EQ(list[3]["here"], false);
  EXPECT_EQ(list[1]["results"][0]["name"], "out");
  EXPECT_EQ(list[1]["results"][0]["shape"], nlohmann::json::parse("[2,1]"));
  EXPECT_EQ(ask("l")["list"].size(), 6u);
  ask("s");
  EXPECT_TRUE(ask("l")["list"][0].contains("op"));
  EXPECT_EQ(ask("b lin")["breakpoint"], 1);
  ask("condition 1 loss>2");
  EXPECT_EQ(ask("watch w[0,0]")["number"], 2);
  EXPECT_EQ(ask("b lni")["doubt"],
            "nothing on the tape so far is called 'lni'; did you mean 'lin'?");
  ask("delete 3");
  const auto stops = ask("b")["stops"];
  EXPECT_EQ(stops[0]["what"], "lin");
  EXPECT_EQ(stops[0]["condition"], "loss>2");
  EXPECT_EQ(stops[1]["kind"], "watch");
  // w[0] = 0: loss (2.25 + 1) / 2, as in SetMakesABranch.
  const auto set = ask("set w[0]=0");
  EXPECT_EQ(set["loss_before"], 3.625);
  EXPECT_EQ(set["loss"], 1.625);
  const auto rate = ask("branch lr=0.125");
  EXPECT_EQ(rate["loss"], 3.625);
  EXPECT_NEAR(rate["loss_after"].get<double>(), (1.1875 * 1.1875 + 5.9375 * 5.9375) / 2, 1e-5);
  const auto branches = ask("branch")["branches"];
  EXPECT_EQ(branches[0]["name"], "main");
  EXPECT_EQ(branches[1]["losses"], nlohmann::json::parse("[1.625]"));
  EXPECT_EQ(branches[2]["losses"].size(), 2u);
  const auto differences = ask("diff main set1")["differences"];
  EXPECT_EQ(differences[1]["name"], "loss");
  EXPECT_EQ(differences[1]["l2"], nlohmann::json::parse("[3.625,1.625]"));
  ask("note seen");
  EXPECT_EQ(ask("note")["notes"][0], nlohmann::json::parse(R"({"step":0,"t":4,"text":"seen"})"));
  EXPECT_EQ(ask("einsum w.g")["formulas"][0]["einsum"], "einsum(\"ni,nj->ij\", x, out.g)");
  EXPECT_EQ(ask("latex w.g")["formulas"][0]["name"], "w.g");
}

}  // namespace
}  // namespace gradus
