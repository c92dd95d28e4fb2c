// The shape quiz: lines of the lesson, and what shape comes out. `gradus lesson quiz` asks them;
// chapter 22 holds the answers against shapes that are written down there. The right answers are
// what comes out when the line runs.
#pragma once

#include <gradus/gradus.h>

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace lesson {

struct Question {
  std::string line;   ///< C++, as it runs
  std::string given;  ///< the shapes that stand in it: "x_train [50000,784], w1 [784,50]"
  std::function<gradus::Shape()> run;
  std::string why;  ///< the rule behind the answer
};
/// In the lesson's order.
const std::vector<Question>& questions();

struct Score {
  int right = 0, asked = 0;
};
/// Asks on `out`, reads an answer a line from `in`: "50000,50", "[50000, 50]", "50000x50"; "[]" or
/// "scalar" for one number. "q" or the end of `in` ends the quiz. Each answer is explained, and the
/// score comes last. With `json`, one object a question and one for the score, and nothing else.
Score quiz(std::istream& in, std::ostream& out, bool json = false);

}  // namespace lesson
