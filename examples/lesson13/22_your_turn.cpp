// Chapter 22. Your turn
//
// The lesson ends with homework: throw the code away and write it again, from the matrix product to
// the loop; and look at a line of code and say which shape comes out before it runs. `exercises/`
// has six programs with empty bodies whose checks say what is wrong, in shapes and numbers, and
// `gradus lesson quiz` asks for shapes. This chapter runs both the way a reader would.
#include <exercises/checks.h>
#include <gradus/gradus.h>

#include <sstream>

#include "lesson.h"
#include "quiz.h"

using namespace gradus;
using namespace lesson;

// ## What a check says
// A gradient that is nearly right: the transposed weight, and a mean in place of a sum.
static std::string nearly_right() {
  exercises::Check check;
  exercises::check_lin_grad(
      check, [](const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b) {
        inp.set_grad(matmul(out.grad(), w.T()));
        w.set_grad(matmul(out.grad().T(), inp));
        b.set_grad(out.grad().mean({0}));
      });
  std::cout << "an attempt at exercise 2:\n" << check.str();
  return check.findings()[1].text;
}

// ## Shapes to guess
// The quiz answers itself by running its lines. Here stands what the lesson says.
static constexpr const char* shapes[] = {
    "[50000,50]",    "[50000,50]", "[10000,1]",     "[3,3]",      "[3,3]",
    "[10000,10000]", "[10000]",    "[1,10000,1,1]", "[10000]",    "[50000,50,1]",
    "[50,1]",        "[50,1]",     "[50,1]",        "[50000,50]", "[50000]",
    "[50000,1]",     "[50000]",    "[50000]",       "[64]",       "[]",
    "[16,784]",      "[50,784]"};

// ## Everything checked
// The solutions of the exercises pass their checks, and the quiz is answered with these shapes.
static void run() {
  // The solutions of the exercises are linked into this program.
  int number = 0;
  for (const exercises::Exercise* exercise : exercises::registered()) {
    exercises::Check check;
    exercise->check(check);
    std::cout << "solution " << exercise->number << ", " << exercise->title << ": "
              << check.findings().size() << " checks\n";
    (number++ ? also_text : row_text)(
        97, "exercise " + std::to_string(exercise->number) + ", " + std::string(exercise->title),
        "passed", check.passed() ? "passed" : check.str(), anything);
  }
  also(97, "exercises", 6, number, 0);
  also_text(97, "what a check says", "w.g has shape [50,784], expected [784,50]: transposed?",
            nearly_right());

  std::size_t i = 0;
  std::string answers;
  for (const Question& q : questions()) {
    const std::string shape = q.run().str();
    std::cout << shape << std::string(16 - shape.size(), ' ') << q.line << "\n";
    (i ? also_text : row_text)(107, "shape of " + q.line, i < std::size(shapes) ? shapes[i] : "?",
                               shape, anything);
    if (i < std::size(shapes)) answers += std::string(shapes[i]) + "\n";
    ++i;
  }
  std::istringstream in(answers);
  std::ostringstream out;
  const Score score = quiz(in, out);
  also(107, "score of these answers", static_cast<double>(std::size(shapes)), score.right, 0);
}

static const Chapter chapter{22, "Your turn", run};
