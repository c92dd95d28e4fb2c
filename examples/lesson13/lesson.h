// The frame of the lesson's programs: each chapter is one file, NN_name.cpp, with a function that
// runs it and `row(...)` wherever it comes upon a number of the lesson. A row holds what the lesson
// printed against what came out here. From here: any chapter; report.cpp has the table.
#pragma once

#include <gradus/core/error.h>
#include <gradus/core/tensor.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace lesson {

/// What a check needs: nothing, so that the built-in digits do; or the real MNIST. `of_machine`
/// needs nothing, but its number depends on the machine: bytes in use, seconds, threads.
enum Needs { anything, mnist_only, of_machine };

/// The data of the lesson: images [n,784] f32, pixel/256; labels [n] i64.
struct Data {
  gradus::Tensor x_train, y_train, x_valid, y_valid, x_test, y_test;
  bool real = false;  ///< MNIST itself; else the built-in digits, fewer of them
};
/// Read at the first call: MNIST from the folder of look_in(), else from $GRADUS_DATA, else from
/// ../shared/data, beside the working folder or the sources; else the built-in digits. Throws
/// IoError when look_in() or $GRADUS_DATA names a folder without MNIST, or one with other images.
const Data& data();
/// Names the folder of MNIST, or the one above it, before the first data(); "digits" means the
/// built-in ones. Throws IoError when there is no MNIST there.
void look_in(const std::string& folder);

/// A row's number and the line where it is checked, so that its page can show what was printed
/// there. Made from the number alone.
struct Place {
  Place(int row_, std::source_location at_ = std::source_location::current())
      : row(row_), at(at_) {}
  int row;
  std::source_location at;
};
/// Declares a row of the lesson's list of 107 and checks its number: |lesson - here| <= tolerance.
void row(Place row, std::string_view what, double lesson, double here, double tolerance,
         Needs needs = anything);
/// The same for exact text: a shape, a word, an error's name.
void row_text(Place row, std::string_view what, std::string_view lesson, std::string_view here,
              Needs needs = anything);
/// The same for what may lie anywhere in a band.
void row_band(Place row, std::string_view what, double low, double high, double here,
              Needs needs = anything);
/// Further checks of a row that a row*() declares, in any chapter.
void also(Place row, std::string_view what, double lesson, double here, double tolerance,
          Needs needs = anything);
void also_text(Place row, std::string_view what, std::string_view lesson, std::string_view here,
               Needs needs = anything);
void also_band(Place row, std::string_view what, double low, double high, double here,
               Needs needs = anything);
/// One further check for each number of `here`: "preds[0]", "preds[1]", ... Throws ShapeError when
/// there are more or fewer than in `lesson`.
void also_each(Place row, std::string_view what, const std::vector<double>& lesson,
               const gradus::Tensor& here, double tolerance, Needs needs = anything);
/// A picture for the chapter's page: the file's name, what is to be seen, and the picture itself.
void figure(std::string_view name, std::string_view caption, std::string svg,
            std::source_location at = std::source_location::current());
/// Prints a line whose numbers differ from run to run, or from machine to machine.
void timing(const std::string& line, std::source_location at = std::source_location::current());

/// printf into a string.
template <class... Values>
std::string text(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}
/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Runs what should fail, prints what the error says and its hint, and gives its kind and, after a
/// colon, the words it was asked about: those of `words` that it says, in their order. "ShapeError:
/// [3] [4]"; "nothing" when nothing was thrown.
template <class Body>
std::string error_of(Body&& body, std::initializer_list<std::string_view> words = {}) {
  try {
    body();
  } catch (const gradus::Error& error) {
    const std::string said = error.problem() + "\n  hint: " + error.hint();
    std::cout << "error: " << said << "\n";
    std::string found;
    for (std::string_view word : words)
      if (said.find(word) != said.npos) found += (found.empty() ? ": " : " ") + std::string(word);
    return std::string(error.kind()) + found;
  }
  return "nothing";
}

/// A chapter of the program it is linked into.
struct Chapter {
  Chapter(int number, std::string_view title, void (*run)());
  int number;
  std::string_view title;
  void (*run)();
};
/// All that are linked in, by number.
std::vector<const Chapter*> chapters();
/// The rows that a chapter checks, without running it: CMakeLists.txt reads them off its code.
std::vector<int> rows_of(const Chapter& chapter);
/// The list of chapters with their rows, in lines of at most `width` columns, 40 at least.
std::string contents(bool json, int width = 80);

/// One check and how it came out.
struct Result {
  int row = 0, chapter = 0;
  bool titles = false;       ///< made by a row*()
  std::string what;          ///< the name of the check
  std::string lesson, here;  ///< as JSON: a number, a string, [low,high] for a band
  double tolerance = 0;
  bool ok = false, left_out = false;  ///< left out: it needs the real MNIST
  bool of_machine = false;            ///< another machine gives another number
  /// {"row":24,"chapter":8,"title":true,"what":...,"lesson":...,"here":...,"tolerance":...,"ok":true}
  std::string json() const;
};
/// What a chapter did.
struct Record {
  struct Output {
    unsigned line;  ///< of the chapter's file, where the check after it stands
    std::string text;
  };
  struct Figure {
    unsigned line;
    std::string name, caption, svg;
  };
  std::vector<Result> results;
  std::vector<Output> printed;  ///< what it wrote to std::cout
  std::vector<Figure> figures;
  std::vector<std::string> timings;
  bool ok() const;
};
/// Runs one chapter. What it prints is kept, and shown as well unless `quiet`, its lines broken to
/// `width` columns; 0 leaves them whole. Exceptions of the chapter leave.
Record run(const Chapter& chapter, bool quiet, int width = 0);
/// A line broken between words, so that none is longer than `width` columns unless one word is;
/// lines with other letters than ASCII stay whole.
std::string broken(const std::string& line, int width);
/// A run as one JSON object in a line, for the chapter's page (tools/lesson_docs.py): its rows,
/// what it printed and its pictures, each with the line of the program.
std::string page(const Chapter& chapter, const Record& record);
/// One JSON object a row, by number:
///   {"row":24,"chapter":8,"what":"mse","lesson":4308.76,"here":4308.7606,"tolerance":0.01,
///    "ok":true,"also":[{"what":...,"lesson":...,"here":...,"tolerance":...,"ok":true}]}
/// (in one line). "also" has the row's further checks, with a "chapter" where it is another; "ok"
/// speaks of all of them. It is null, with "left_out", when they need the real MNIST.
std::string rows_json(const std::vector<Result>& results);
/// The table at a chapter's end: what, lesson, here, ok. What does not fit beside each other in
/// `width` columns stands one below the other.
std::string table(const std::vector<Result>& results, int width);
/// Runs chapters as the command does, and gives the exit code: 0 when every row is right. JSON
/// comes at the end.
int run_chapters(const std::vector<const Chapter*>& which, bool json, int width = 80);

}  // namespace lesson
