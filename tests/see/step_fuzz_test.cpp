// The step debugger takes anything: random text, odd numbers and sizes, every width of a terminal.
#include <cmath>
#include <sstream>

#include "tests/see/step_support.h"

namespace gradus {
namespace {

using namespace test;

TEST(StepFuzz, NoTextBreaksTheParser) {
  Steps run(5);
  const auto stepper = over(run);
  std::mt19937 choice(17);
  const std::string letters = "nscujpwbl-@[]()*.,;:=|<>!+/ 0123456789etgw1xlossnan\"'\\\t%#{}^&~$";
  const char* words[] = {"b ",       "p ",          "watch ",    "why ",    "set ",    "whatif lr ",
                         "unt ",     "j ",          "first ",    "tbreak ", "check ",  "pt ",
                         "pic ",     "pp ",         "@",         "diff ",   "ignore ", "condition ",
                         "display ", "last write ", "commands ", "end",     "gears ",  "latex ",
                         "explain ", "e t4 ",       "einsum ",   "hist ",   "plot ",   "view "};
  for (int i = 0; i < 3000; ++i) {
    std::string line = choice() % 3 ? words[choice() % std::size(words)] : "";
    for (auto n = choice() % 14; n > 0; --n) line += letters[choice() % letters.size()];
    if (line.find('q') != line.npos || line.find(" >") != line.npos) continue;
    EXPECT_NO_THROW(stepper->execute(line)) << line;
    ASSERT_FALSE(stepper->has_quit()) << line;
  }
  for (int i = 0; i < 300; ++i) {
    std::string line;
    for (auto n = choice() % 40; n > 0; --n) line += static_cast<char>(choice() % 256);
    std::erase(line, '>');
    stepper->execute(line);
    if (stepper->has_quit()) return;
  }
}

/// The longest line in columns; LaTeX, which is to be copied, stays whole.
std::pair<std::ptrdiff_t, std::string> widest(const std::string& text) {
  std::pair<std::ptrdiff_t, std::string> most{0, ""};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    if (line.find('\\') == line.npos && columns > most.first) most = {columns, line};
  }
  return most;
}

TEST(StepWidth, NoCommandAnswersInLinesWiderThanTheTerminal) {
  Steps run(5, 2);
  for (const int width : {40, 60, 80, 100, 160})
    for (const bool utf8 : {false, true}) {
      const auto stepper = over(run, {.style = {.width = width, .utf8 = utf8}});
      for (const char* line :
           {"h",
            "b",
            "n",
            "s",
            "u",
            "w",
            "l",
            "ll",
            "src",
            "home",
            "b lin0",
            "b nosuchmodule",
            "b somewhere.cpp:99",
            "condition 1 loss>1e9 ; b",
            "tbreak net.lin0.backward",
            "c",
            "c-",
            "watch w0[0,0]",
            "display w0",
            "display x*2",
            "n",
            "end",
            "undisplay 7",
            "first nan",
            "first |w0.g|>1e-9",
            "last write w0",
            "last write nosuch",
            "p x",
            "p w0, x, x.shape",
            "p nosuch",
            "p x[0]+",
            "pp x",
            "hist w0.g",
            "pic x",
            "pt x -r [-1,1]",
            "@[0,0]",
            "plot",
            "plot loss",
            "view",
            "why w0.g[0,0]",
            "why loss",
            "e w0.g[0,0]",
            "e",
            "e t5",
            "e B1",
            "e relu",
            "e nosuch",
            "einsum",
            "einsum w0.g",
            "gears w0.g[0,0]",
            "check w0.g[0,0]",
            "health",
            "whatif lr 1e-5..3e-3",
            "whatif",
            "set w0[0]=0",
            "set w0=x",
            "branch lr=2e-4",
            "branch",
            "diff main set1",
            "note a longer remark about what was seen here, to be read again later on by somebody",
            "note",
            "j step=7 t=3",
            "unt nosuchmodule",
            "nonsense",
            "ignore",
            "condition",
            "disable 99",
            "enable",
            "delete",
            "commands 99"}) {
        const auto [columns, text] = widest(stepper->execute(line));
        EXPECT_LE(columns, width) << line << "\n" << text;
      }
    }
}

TEST(StepFuzz, EveryViewTakesAnyNumbersAndSizes) {
  const Tensor odd[] = {zeros({0, 3}),
                        Tensor::scalar(std::nan(""), DType::f32),
                        full({3, 4}, INFINITY),
                        full({1, 5}, -INFINITY),
                        tensor({1, 0, 2}) > 0,
                        tensor({3, -4}),
                        zeros({2, 0}),
                        zeros({1, 1, 1, 1}),
                        full({7}, 1e-300, DType::f64)};
  see::Recorder recorder({.level = see::TapeLevel::full});
  int n = 0;
  for (const Tensor& x : odd) {
    Tensor y = x.clone();
    y.set_name("t" + std::to_string(n++));
    (void)y.reshape({-1});
  }
  recorder.finish();
  for (int width = 20; width <= 200; width += 9)
    for (const bool utf8 : {false, true}) {
      Stepper stepper(recorder.tape(), {.style = {.width = width, .utf8 = utf8}});
      stepper.ended();
      std::string text;
      for (std::size_t i = 0; i < recorder.tape().ticks.size(); ++i)
        text += stepper.execute("n ; w ; l ; ll ; src");
      for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        });
        EXPECT_LE(columns, width) << line;
        if (!utf8) {
          EXPECT_EQ(static_cast<std::size_t>(columns), line.size()) << line;
        }
      }
      for (int i = 0; i < n; ++i) {
        const std::string t = "t" + std::to_string(i);
        stepper.execute("pp " + t + " ; pic " + t + " ; p " + t + " ; pt " + t +
                        " -r [0,1] ; why " + t + "[0] ; why " + t);
      }
    }
}

}  // namespace
}  // namespace gradus
