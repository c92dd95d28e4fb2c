// gradus step as a user runs it: the sessions of docs/step.md, screens of four widths,
// GRADUS_BREAK, a tape kept and opened, and the program in a real terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/support/real_data.h"
#include "tests/support/transcripts.h"

namespace gradus {
namespace {

using test::whole_file;
using testing::HasSubstr;

class Step : public test::FolderTest {
 protected:
  /// Standard output for these commands, one a line.
  std::string run(const std::string& arguments, const std::string& commands,
                  const std::string& environment = "LC_ALL=C.UTF-8 COLUMNS=100") const {
    std::ofstream(folder_ + "/in.txt") << commands;
    const std::string line = "cd '" + folder_ + "' && env -u GRADUS_DATA " + environment + " '" +
                             GRADUS_COMMAND_PATH "' " + arguments + " <in.txt >out.txt 2>err.txt";
    EXPECT_EQ(test::exit_code(line), 0) << text("err.txt");
    return text("out.txt");
  }
};

/// The sessions whose data are mnist, or the others, compared with what the page says.
struct Documentation : Step {
  int compare(bool with_mnist, const std::string& folder = "") const {
    return test::expect_true_page(
        "step.md", [&](const test::Transcript& t) -> std::optional<std::string> {
          std::string arguments = t.command.substr(t.command.find(' ') + 1);
          const std::size_t data = arguments.find("--data mnist");
          if ((data != arguments.npos) != with_mnist) return std::nullopt;
          if (with_mnist) arguments.replace(data, 12, "--data '" + folder + "'");
          return run(arguments + " --echo", t.typed);
        });
  }
};
TEST_F(Documentation, SessionsOnDrawnDigitsAreTrue) { EXPECT_GE(compare(false), 4); }
TEST_F(Documentation, SessionsOnMnistAreTrue) {
  const auto folder = test::real_data("mnist");
  if (!folder) GTEST_SKIP() << test::no_real_data("mnist");
  EXPECT_GE(compare(true, *folder), 2);
  // The numbers that the lesson and its recomputation give.
  const std::string page = whole_file(GRADUS_SOURCE_DIR "/docs/step.md");
  for (const char* number : {"4308.76", "w1.g[237,39] = 151.951 (t8)", "45991.8", "2025.22",
                             "1449.6", "462582", "29356 of 50000", "-94.7211", "L2 3258.1"})
    EXPECT_THAT(page, HasSubstr(number));
}

TEST(Readme, ShowsLinesOfTheDocumentation) {
  const std::string page = whole_file(GRADUS_SOURCE_DIR "/docs/step.md");
  std::vector<test::Transcript> shown =
      test::transcripts(whole_file(GRADUS_SOURCE_DIR "/README.md"));
  std::erase_if(shown, [](const auto& t) { return !t.command.starts_with("gradus step"); });
  ASSERT_EQ(shown.size(), 1u);
  std::istringstream lines(shown[0].text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_NE(page.find(line + "\n"), page.npos) << line;
}

TEST_F(Step, ScreensAtFourWidths) {
  const std::string commands =
      "n\nn\ns\nw\nu\nb lin*.backward\nc\nc\nw\nl\nll\npp w1.g\npic w1.g[:,39]\n"
      "why w1.g[237,39]\ne w1.g[237,39]\ne T3\ne relu\ngears "
      "w1.g[237,39]\nlatex\neinsum\nplot\nplot gradient-norm\nview\np "
      "w1[0,:3]\np nothing\nwhatif lr 1e-4 1e-3\nset w2[0]=0\ndiff main set1\n"
      "h\nc\nc\n";
  for (const int width : {60, 80, 100, 160})
    for (const bool utf8 : {true, false}) {
      const std::string out =
          run("step --echo --size 400 --steps 1", commands,
              "COLUMNS=" + std::to_string(width) + (utf8 ? " LC_ALL=C.UTF-8" : " LC_ALL=C"));
      const std::string path = GRADUS_SOURCE_DIR "/tests/apps/screens/step_" +
                               std::to_string(width) + (utf8 ? "" : "_ascii") + ".txt";
      if (std::getenv("GRADUS_UPDATE_GOLDENS"))
        std::ofstream(path) << out;
      else
        EXPECT_EQ(out, whole_file(path)) << path;
      if (!utf8) {
        EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char c) { return c > 0; }));
      }
    }
}

TEST_F(Step, NotATerminalMeansNoPromptAndNoColour) {
  const std::string out = run("step --size 400", "n\nq\n");
  EXPECT_EQ(out.find('\033'), out.npos);
  EXPECT_EQ(out.find("(gradus)"), out.npos);
}

// The session ends where the input does, whatever reads the lines.
TEST_F(Step, ADoubtfulStopIsDoubtedAndStillMade) {
  const std::string out = run("step --size 400 --steps 1", "b lni1\nc\n");
  EXPECT_THAT(out,
              HasSubstr("breakpoint 1: lni1\n  nothing on the tape so far is called 'lni1'; did "
                        "you mean 'lin1'?\n"));
  EXPECT_THAT(out, HasSubstr("the tape ends here"));
}

TEST_F(Step, JsonIsOneObjectALine) {
  const std::string out =
      run("step --size 400 --json --steps 1", "b lin2\nc\np w1.shape\np nix\nwhat\nend\nn\n");
  std::vector<nlohmann::json> objects;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 8u);
  EXPECT_EQ(objects[0]["label"], "in");
  EXPECT_EQ(objects[2]["reason"], "breakpoint 1 (lin2)");
  EXPECT_EQ(objects[2]["results"][0]["shape"], nlohmann::json::parse("[300,1]"));
  EXPECT_EQ(objects[3]["output"], "[784,50]\n");
  EXPECT_TRUE(objects[4].contains("error"));
  EXPECT_TRUE(objects[5].contains("error"));
  EXPECT_EQ(objects[6]["phase"], "update");
  EXPECT_EQ(objects[7]["reason"], "the tape ends here");
}

TEST_F(Step, ATapeIsKeptAndOpened) {
  const std::string now =
      run("step --size 400 --steps 2 --keep full --tape run.tape", "c\nll\np w1.g[237,39:42]\n");
  const std::string then = run("step run.tape", "end\nll\np w1.g[237,39:42]\nwhatif lr 1\n");
  // From the last tick on, both sessions say the same.
  const std::string same = now.substr(now.rfind("> t9 step 1"));
  EXPECT_THAT(same, HasSubstr("["));
  EXPECT_THAT(then, HasSubstr(same.substr(same.find('\n'))));
  EXPECT_THAT(then, HasSubstr("this program cannot be run again from here"));
}

TEST_F(Step, TheClassifierAndItsBatches) {
  const std::string out =
      run("step --net classifier --size 400 --batch-size 64 --lr 0.5 --optimizer "
          "adam --steps 3",
          "b loss<loss[-1]\nc\nj step=0 t=1\np 0.weight[0,0], x.shape\n"
          "p 2.weight.g.shape @ step=1 t=9\nwhatif lr 0.1\n");
  EXPECT_THAT(out, HasSubstr("cross_entropy"));
  EXPECT_THAT(out, HasSubstr("[64,784]"));
}

// A program that knows nothing of the debugger: gradus train.
TEST_F(Step, GradusBreakStopsInAnyProgram) {
  const std::string out =
      run("train --size 80 --epochs 1 --quiet", "w\np 2.weight.g.shape\nn-\nn\nset x=1\nq\n",
          "LC_ALL=C COLUMNS=100 GRADUS_BREAK='2.backward'");
  EXPECT_THAT(out, HasSubstr("breakpoint 1: 2.backward\n"));
  EXPECT_THAT(out, HasSubstr("B 2.backward"));
  EXPECT_THAT(out, HasSubstr("  module path 2\n"));
  EXPECT_THAT(out, HasSubstr("[10,50]\n"));
  EXPECT_THAT(out, HasSubstr("cannot be run again"));
}

// A layer's first numbers stand at the program's line, not where make_shared calls its constructor.
TEST_F(Step, GradusBreakInABuildNamesTheProgramsLine) {
  const std::string out =
      run("train --size 80 --epochs 1 --quiet", "w\n", "LC_ALL=C COLUMNS=100 GRADUS_BREAK=t");
  EXPECT_THAT(out, HasSubstr("> t1  F clone   train_options.cpp:"));
  EXPECT_THAT(out, testing::Not(HasSubstr("stl_")));
}

TEST_F(Step, GradusBreakTakesTimesAndIf) {
  const std::string out = run("train --size 80 --epochs 1 --quiet", "c\nq\n",
                              "LC_ALL=C COLUMNS=100 GRADUS_BREAK='t=3;2.backward if loss>0'");
  EXPECT_THAT(out, HasSubstr("breakpoint 1: t=3\nbreakpoint 2: 2.backward if loss>0\n"));
  EXPECT_THAT(out, HasSubstr("   breakpoint 1 (t=3)\n"));
  EXPECT_THAT(out, HasSubstr("breakpoint 2 (2.backward)  loss = 2."));
}

// What GRADUS_BREAK names and nothing met is told, and so are the commands that nobody came to.
TEST_F(Step, GradusBreakSaysWhatWasNotMet) {
  const std::string out = run("train --size 80 --epochs 1 --quiet", "w\nhealth\n",
                              "LC_ALL=C GRADUS_BREAK='2.bakward;nan'");
  EXPECT_THAT(out, HasSubstr("breakpoint 1 (2.bakward) was not met: nothing on the tape so far is "
                             "called\n    '2.bakward'; did you mean '2.backward'?\n"));
  EXPECT_THAT(out, HasSubstr("breakpoint 2 (nan) was not met\n"));
  EXPECT_THAT(out, HasSubstr("the program has ended; it did not come back for: w, health\n"));
}

// -- a real terminal
// -------------------------------------------------------------------------------

class RealTerminal : public Step {
 protected:
  void SetUp() override {
    Step::SetUp();
    if (std::system("command -v tmux >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "tmux is not here: install it to drive a real terminal";
    server_ = "gradus-test-" + std::to_string(::getpid());
  }
  void TearDown() override {
    if (!server_.empty()) tmux("kill-server");
    Step::TearDown();
  }
  void tmux(const std::string& words) const {
    const std::string line =
        "tmux -L " + server_ + " " + words + " >'" + folder_ + "/tmux.txt' 2>/dev/null";
    if (std::system(line.c_str()) != 0) std::ofstream(folder_ + "/tmux.txt", std::ios::app);
  }
  /// The command in a terminal of 100 columns.
  void begin(const std::string& arguments) const {
    tmux(
        "new-session -d -x 100 -y 30 \"env -u GRADUS_DATA LC_ALL=C.UTF-8 TERM=xterm-256color "
        "'" GRADUS_COMMAND_PATH "' " +
        arguments + "\"");
  }
  std::string screen() const {
    tmux("capture-pane -p");
    return whole_file(folder_ + "/tmux.txt");
  }
  /// The screen once it shows `text` and stays the same.
  std::string until(const std::string& text) const {
    std::string before;
    for (int i = 0; i < 400; ++i) {
      std::string now = screen();
      if (now.find(text) != now.npos && now == before) return now;
      before = std::move(now);
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    return before;
  }
  std::string server_;
};

TEST_F(RealTerminal, StepsForwardsAndBackwards) {
  begin("step --size 400 --steps 2");
  EXPECT_THAT(until("(gradus)"), HasSubstr("> t0 step 0    in"));
  tmux("send-keys n Enter");
  EXPECT_THAT(until("> t1"), HasSubstr("F lin1"));
  tmux("send-keys n- Enter");
  EXPECT_THAT(until("< t0"), HasSubstr("w1  f32[784,50]"));
  tmux("send-keys 'unt lin2.backward' Enter");
  EXPECT_THAT(until("> t6"), HasSubstr("w2.g  f32[50,1]"));
  tmux("resize-window -x 60 -y 30");
  tmux("send-keys ll Enter");
  EXPECT_THAT(until("U sgd"), HasSubstr(">t6    B lin2.backward"));
  tmux("send-keys q Enter");
}

TEST_F(RealTerminal, CtrlCStopsAnyMotionAndIsNotKeptForTheNext) {
  begin("step --size 400 --steps 1000000");
  until("(gradus)");
  for (const char* motion : {"'n 500000'", "'unt nosuch'", "'j step=90000 t=0'", "c"}) {
    tmux("send-keys C-l");  // a line of its own
    tmux(std::string("send-keys ") + motion + " Enter");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    tmux("send-keys C-c");
    EXPECT_THAT(until("interrupted"), HasSubstr("interrupted")) << motion;
    tmux("send-keys 'p 123 * 1000' Enter");
    EXPECT_THAT(until("123000"), HasSubstr("123000")) << motion;
    tmux("clear-history");
    tmux("send-keys -R");
  }
  tmux("send-keys C-c");  // at the prompt
  tmux("send-keys 'home ; unt t=3' Enter");
  const std::string there = until("> t3");
  EXPECT_THAT(there, HasSubstr("> t3"));
  tmux("send-keys q Enter");
}

TEST_F(RealTerminal, AnErrorIsInLinesOfItsWidth) {
  begin("step --net classifier --hidden 1000000,1000000; sleep 60");
  EXPECT_THAT(until("hint: "), testing::ContainsRegex("gradus: --hidden 1000000,1000000 is .*\n"
                                                      "    [a-z0-9].* GB\n"
                                                      "  hint: take smaller layers"));
}

#ifdef GRADUS_LIBEDIT
TEST_F(RealTerminal, TabCompletesAndArrowsBringLinesBack) {
  begin("step --size 400 --steps 2");
  until("(gradus)");
  tmux("send-keys 'wat' Tab ' w1[0,0' ] Enter");
  EXPECT_THAT(until("watch 1:"), HasSubstr("(gradus) watch w1[0,0]"));
  tmux("send-keys 'unt rel' Tab Enter");  // a module
  EXPECT_THAT(until("> t2"), HasSubstr("(gradus) unt relu1"));
  tmux("send-keys 'p w' Tab");  // two tensors: they are listed
  EXPECT_THAT(until("w2  "), HasSubstr("w1  w2"));
  tmux("send-keys '1.shape' Enter");
  EXPECT_THAT(until("[784,50]\n(gradus)"), HasSubstr("(gradus) p w1.shape\n[784,50]"));
  tmux("send-keys Up Up Enter");  // unt relu1, in the second step
  EXPECT_THAT(until("> t2 step 1"), HasSubstr("(gradus) unt relu1"));
  tmux("send-keys q Enter");
}
#endif

}  // namespace
}  // namespace gradus
