// `gradus train` in a terminal of its own: a pseudo terminal whose other end this test reads and
// replays on a small screen, so that width, wrapping and what is left behind can be seen.
#ifdef __GNUC__
// GCC 12 sees values that are not set inside std::regex under the sanitizers (GCC bug 105562).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <regex>

namespace gradus {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Session {
  std::string bytes;  ///< all that the command wrote
  int code = -1;
};

/// Runs the command in a terminal of `columns`; variables as for env(1).
Session in_terminal(int columns, const std::string& variables, const std::string& arguments) {
  const std::string folder = testing::TempDir() + "gradus_terminal_" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const std::string line = "cd '" + folder + "' && env -u GRADUS_DATA -u NO_COLOR -u COLUMNS " +
                           variables + " '" GRADUS_COMMAND_PATH "' " + arguments;
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = 24;
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  Session run;
  char buffer[4096];
  for (ssize_t n; (n = ::read(terminal, buffer, sizeof buffer)) > 0;)
    run.bytes.append(buffer, static_cast<std::size_t>(n));
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  run.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::filesystem::remove_all(folder);
  return run;
}

/// What the bytes draw: lines of cells on a screen of `columns`, without scrolling. Knows the
/// sequences that the command uses and fails on any other.
struct Screen {
  std::vector<std::vector<std::string>> lines{1};
  std::size_t row = 0, column = 0, widest = 0, redrawn = 0;
  bool wrapped = false;

  void draw(const std::string& bytes, std::size_t columns) {
    for (std::size_t at = 0; at < bytes.size();) {
      const unsigned char c = static_cast<unsigned char>(bytes[at]);
      if (c == '\r') {
        column = 0;
        ++at;
      } else if (c == '\n') {
        if (++row == lines.size()) lines.emplace_back();
        ++at;
      } else if (c == 0x1b) {
        std::smatch match;
        const std::string rest = bytes.substr(at, 8);
        ASSERT_TRUE(std::regex_search(rest, match, std::regex("^\x1b\\[([0-9]*)([KJAm])")))
            << "an unknown sequence after " << at << " bytes";
        if (match[2] == "K" || match[2] == "J") {
          ++redrawn;
          lines[row].resize(std::min(lines[row].size(), column));
          if (match[2] == "J") lines.resize(row + 1);
        }
        if (match[2] == "A") row -= std::min<std::size_t>(row, std::stoul(match[1]));
        at += static_cast<std::size_t>(match.length());
      } else {
        ASSERT_GE(c, 0x20) << "a control character";
        std::size_t next = at + 1;
        while (next < bytes.size() && (static_cast<unsigned char>(bytes[next]) & 0xC0) == 0x80)
          ++next;
        if (column >= columns) wrapped = true;
        lines[row].resize(std::max(lines[row].size(), column + 1), " ");
        lines[row][column++] = bytes.substr(at, next - at);
        widest = std::max(widest, column);
        at = next;
      }
    }
  }
  std::string text() const {
    std::string all;
    for (const auto& line : lines) {
      for (const std::string& cell : line) all += cell;
      all += "\n";
    }
    return all;
  }
};

// The progress line is drawn at the first batch, and then ten times a second.
const char* const small_run = "train --data digits --size 2000 --epochs 2";

TEST(TerminalView, NothingWrapsInAnyWidth) {
  for (int columns : {120, 80, 60, 50, 34}) {
    const Session run = in_terminal(columns, "TERM=xterm LC_ALL=C.UTF-8", small_run);
    EXPECT_EQ(run.code, 0);
    Screen screen;
    screen.draw(run.bytes, static_cast<std::size_t>(columns));
    // Below 60 columns a command to copy may be longer than the line.
    if (columns >= 60) {
      EXPECT_FALSE(screen.wrapped) << columns << "\n" << screen.text();
      EXPECT_LE(screen.widest, static_cast<std::size_t>(columns));
    }
    EXPECT_GT(screen.redrawn, 0U) << "the progress line was not drawn";
    const std::string text = screen.text();
    for (const char* part : {"epoch 1/2", "epoch 2/2", "valid acc", "most confused", "accuracy",
                             "saved model.safetensors", "next: gradus eval model.safetensors"})
      EXPECT_THAT(text, HasSubstr(part)) << columns;
    EXPECT_THAT(text, HasSubstr("misread")) << columns;
    // One progress line at a time, and none is left.
    EXPECT_THAT(text, Not(HasSubstr("left\n"))) << columns;
    EXPECT_THAT(text, Not(HasSubstr("━"))) << columns;
  }
}

TEST(TerminalView, TheProgressLineTellsAllInEightyColumns) {
  const Session run = in_terminal(80, "TERM=xterm LC_ALL=C", small_run);
  std::smatch match;
  const std::regex whole(
      "epoch 1/2 [#.]{4,24} +[0-9]+/[0-9]+  loss [0-9.]+  smooth [0-9.]+  acc 0.[0-9]+  "
      "[0-9.]+k?/s  [0-9.]+ (s|min) left");
  ASSERT_TRUE(std::regex_search(run.bytes, match, whole)) << run.bytes;
  EXPECT_LT(match.length(), 80);
}

TEST(TerminalView, RespectsDumbTerminalsAndNoColour) {
  const char* arguments = "train --data digits --size 400 --epochs 1";
  const Session coloured = in_terminal(80, "TERM=xterm LC_ALL=C", arguments);
  EXPECT_THAT(coloured.bytes, HasSubstr("\x1b[1m"));
  const Session plain = in_terminal(80, "TERM=xterm NO_COLOR=1 LC_ALL=C", arguments);
  EXPECT_THAT(plain.bytes, Not(HasSubstr("\x1b[1m")));
  for (const char* variables : {"TERM=dumb LC_ALL=C", "-u TERM LC_ALL=C"}) {
    const Session dumb = in_terminal(80, variables, arguments);
    EXPECT_EQ(dumb.code, 0) << dumb.bytes;
    EXPECT_THAT(dumb.bytes, Not(HasSubstr("\x1b")));
    for (std::size_t at = 0; (at = dumb.bytes.find('\r', at)) != std::string::npos; ++at)
      EXPECT_EQ(dumb.bytes[at + 1], '\n') << "a carriage return that is not the line's end";
    for (char c : dumb.bytes) EXPECT_LT(static_cast<unsigned char>(c), 0x80) << "ASCII only";
  }
}

TEST(TerminalView, ALineBrokenByANarrowerTerminalGoesWhole) {
  // The terminal is made narrower under the running command, as a window is: what the line had
  // above its last row is cleared too.
  winsize size{};
  size.ws_col = 100;
  size.ws_row = 24;
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    ::setenv("TERM", "xterm", 1);
    ::setenv("LC_ALL", "C", 1);
    ::execl(GRADUS_COMMAND_PATH, "gradus", "train", "--data", "digits", "--epochs", "100000",
            "--out", "/dev/null", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  std::string bytes;
  char buffer[4096];
  bool is_narrow = false, is_cleared = false;
  for (ssize_t n; (n = ::read(terminal, buffer, sizeof buffer)) > 0;) {
    bytes.append(buffer, static_cast<std::size_t>(n));
    if (!is_narrow && bytes.find(" left") != std::string::npos) {
      size.ws_col = 40;
      ::ioctl(terminal, TIOCSWINSZ, &size);
      is_narrow = true;
    }
    if (!is_cleared && bytes.find("\x1b[2A\r\x1b[J") != std::string::npos) {
      is_cleared = true;
      ::kill(child, SIGINT);
    }
    if (bytes.size() > 1'000'000) ::kill(child, SIGKILL);
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(is_cleared);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 130);
  EXPECT_THAT(bytes, HasSubstr("interrupted after"));
}

}  // namespace
}  // namespace gradus
