// The step debugger takes anything: random text, odd numbers and sizes, every width of a terminal.
#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/see/step_support.h"
#include "tests/support/folder.h"

namespace gradus {
namespace {

using namespace test;

/// Lines that are all understood (`view` as what there is not yet), of each command at least one.
const std::string good_lines[] = {"next 2",
                                  "step",
                                  "up",
                                  "continue",
                                  "c-",
                                  "until t=4",
                                  "unt- lin0",
                                  "jump step=1 t=3",
                                  "home",
                                  "end",
                                  "break *.backward",
                                  "break |*.g|>0.5 ; b nan ; b loss<loss[-1]",
                                  "tbreak op:matmul",
                                  "ignore 1 2",
                                  "condition 1 loss>0.5",
                                  "enable 1",
                                  "disable 1",
                                  "delete 1",
                                  "commands 1 ; p x ; end",
                                  "watch w0[0,0]",
                                  "display w0*2",
                                  "undisplay 3",
                                  "first |w0.g|>1e-9",
                                  "last write w0",
                                  "where",
                                  "list",
                                  "ll",
                                  "src",
                                  "print w0, x.shape, w0[0,:] @ step=1 t=0",
                                  "w0.g.abs().max()",
                                  "pp w0.g",
                                  "hist w0",
                                  "pic x",
                                  "pt w0.g -r [-1,inf]",
                                  "pp w0 ; @[0,0]",
                                  "plot loss",
                                  "view",
                                  "why w0.g[0,0]",
                                  "explain w0.g[0,0]",
                                  "e B1",
                                  "e relu",
                                  "latex w0.g",
                                  "einsum w0.g",
                                  "gears w0.g[0,0]",
                                  "check w0.g[0,0]",
                                  "health",
                                  "whatif lr 1e-3..1e-2",
                                  "set w0[0]=0.5",
                                  "branch lr=2e-4",
                                  "diff main set1",
                                  "note what \"this\" is",
                                  "quit",
                                  "help",
                                  "p x >x.txt",
                                  "ll >folder/ll.txt",
                                  "gears w0.g[0,0] >gears.svg"};

/// What a hand, or another program, may do to a line.
std::string spoilt(std::string line, std::mt19937& choice) {
  const std::string letters =
      "nscujpwblqh-@[]()*.,;:=|<>!+/ 0123456789etgw1xlossnan\"'\\\t%#{}^&~$";
  for (auto n = choice() % 4; n > 0; --n) {
    const std::size_t i = choice() % (line.size() + 1);
    switch (choice() % 6) {
      case 0:
        line.insert(i, 1, letters[choice() % letters.size()]);
        break;
      case 1:
        line.erase(i, 1 + choice() % 3);
        break;
      case 2:
        line.insert(i, line.substr(0, choice() % 9));
        break;
      case 3:
        line.insert(i, good_lines[choice() % std::size(good_lines)]);
        break;
      case 4:
        line += (choice() % 2 ? " ; " : " > ") + good_lines[choice() % std::size(good_lines)];
        break;
      default:
        if (i < line.size()) line[i] = static_cast<char>(choice() % 256);
    }
  }
  return line;
}

/// The line, changed where a file that it names could lie outside of the folder of the test.
std::string kept_inside(std::string line) {
  for (std::size_t at = line.find('>'); at != line.npos; at = line.find('>', at + 1)) {
    std::size_t next = at + 1;
    while (next < line.size() && std::isspace(static_cast<unsigned char>(line[next]))) ++next;
    if (next < line.size() && (line[next] == '/' || line[next] == '.')) line[next] = 'f';
  }
  for (std::size_t up; (up = line.find("..")) != line.npos && line.find('>') != line.npos;)
    line.erase(up, 1);
  return line;
}

class StepFuzz : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    before_ = std::filesystem::current_path();
    std::filesystem::create_directories(folder_ + "/folder");
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    FolderTest::TearDown();
  }
  std::filesystem::path before_;
};

/// Gives `lines` lines to prompts, a new one after each quit and after 50 lines, so that what was
/// set up stays small; `is_fine` looks at each answer.
void feed(int lines, bool json, const std::function<std::string()>& next_line,
          const std::function<void(const std::string& line, const std::string& answer)>& is_fine) {
  Steps run(5);
  int done = 0, quits = 0;
  while (done < lines) {
    const auto stepper = over(run, {.json = json});
    for (int i = 0; i < 50 && done < lines && !stepper->has_quit(); ++i, ++done) {
      const std::string line = next_line();
      std::string answer;
      ASSERT_NO_THROW(answer = stepper->execute(line)) << line;
      ASSERT_FALSE(stepper->wants_more()) << line;
      is_fine(line, answer);
      if (testing::Test::HasFatalFailure()) return;
    }
    quits += stepper->has_quit();
    // Whatever was said, the tape is what it was.
    ASSERT_EQ(run.rerun.tape().steps(), 3);
  }
  EXPECT_EQ(done, lines);
  EXPECT_GT(quits, 0) << "prompts are left, too";
}

TEST_F(StepFuzz, EveryCommandIsAmongTheGoodLines) {
  Steps run(5);
  std::set<std::string> words;
  for (const std::string& line : good_lines) {
    for (const std::string& one : see::commands_of(line))
      words.insert(one.starts_with('@') ? "@" : std::string(see::leading_name(one)));
    const auto stepper = over(run, {.json = true});
    stepper->execute("b lin0 ; watch w0 ; display w0 ; set w0[0]=0 ; end");
    std::istringstream answers(stepper->execute(line));
    for (std::string answer; std::getline(answers, answer);)
      EXPECT_EQ(nlohmann::json::parse(answer).contains("error"), line == "view") << line << "\n"
                                                                                 << answer;
  }
  Tape nothing_yet;
  for (const std::string& word : Stepper(nothing_yet).completions(""))
    EXPECT_TRUE(words.contains(word)) << word;
}

TEST_F(StepFuzz, NoTextBreaksTheParser) {
  std::mt19937 choice(17);
  int answered = 0;
  feed(
      4000, false,
      [&] { return kept_inside(spoilt(good_lines[choice() % std::size(good_lines)], choice)); },
      [&](const std::string&, const std::string& answer) { answered += !answer.empty(); });
  EXPECT_GT(answered, 3000) << "few lines have nothing to say";
  for (const std::string file : {"x.txt", "folder/ll.txt", "gears.svg"})
    EXPECT_TRUE(exists(file)) << file << ": answers go into files as well";
}

TEST_F(StepFuzz, NoBytesBreakTheParser) {
  std::mt19937 choice(18);
  feed(
      3000, false,
      [&] {
        std::string line;
        for (auto n = choice() % 40; n > 0; --n) line += static_cast<char>(choice() % 256);
        if (choice() % 100 == 0) line = "q";  // by chance alone nobody quits
        return kept_inside(line);
      },
      [](const std::string&, const std::string&) {});
}

TEST_F(StepFuzz, EachAnswerToAProgramIsJsonWhateverWasAsked) {
  std::mt19937 choice(19);
  // Not UTF-8: a lone follower, a cut sequence, a long form of '/', half of a pair, past the last.
  const char* bad[] = {"\x80", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
  int invalid = 0, objects = 0;
  feed(
      2000, true,
      [&] {
        std::string line = spoilt(good_lines[choice() % std::size(good_lines)], choice);
        if (choice() % 2) {
          line.insert(choice() % (line.size() + 1), bad[choice() % std::size(bad)]);
          ++invalid;
        }
        return kept_inside(line);
      },
      [&](const std::string& line, const std::string& answer) {
        std::istringstream lines(answer);
        for (std::string one; std::getline(lines, one); ++objects)
          ASSERT_TRUE(nlohmann::json::accept(one)) << line << "\n" << one;
      });
  EXPECT_GT(invalid, 800);
  EXPECT_GT(objects, 1500);
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

TEST_F(StepFuzz, EveryViewTakesAnyNumbersAndSizes) {
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
