// The frame of the lesson's programs: each chapter is one file, NN_name.cpp, with a function that
// runs it and `row(...)` wherever it comes upon a number of the lesson. A row holds what the lesson
// printed against what came out here. From here: any chapter; lesson.cpp has the table.
#pragma once

#include <gradus/core/tensor.h>

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace lesson {

/// Whether a row needs the real MNIST, or can be shown on the built-in digits as well.
enum Needs { anything, mnist_only };

/// The data of the lesson: images [n,784] f32, pixel/256; labels [n] i64.
struct Data {
  gradus::Tensor x_train, y_train, x_valid, y_valid, x_test, y_test;
  bool real = false;  ///< MNIST itself; else the built-in digits, fewer of them
};
/// Read at the first call: MNIST where $GRADUS_DATA or a neighbouring folder has it.
const Data& data();

/// Declares a row of the lesson's list of 107 and checks its number: |lesson - here| <= tolerance.
void row(int row, std::string_view what, double lesson, double here, double tolerance,
         Needs needs = anything);
/// The same for exact text: a shape, a word, an error's name.
void row_text(int row, std::string_view what, std::string_view lesson, std::string_view here,
              Needs needs = anything);
/// The same for what may lie anywhere in a band.
void row_band(int row, std::string_view what, double low, double high, double here,
              Needs needs = anything);
/// Further checks of a row that a row*() declares, in any chapter.
void also(int row, std::string_view what, double lesson, double here, double tolerance,
          Needs needs = anything);
void also_text(int row, std::string_view what, std::string_view lesson, std::string_view here,
               Needs needs = anything);
void also_band(int row, std::string_view what, double low, double high, double here,
               Needs needs = anything);
/// A picture for the chapter's page.
void figure(std::string_view name, std::string svg);
/// Prints a line whose numbers differ from run to run.
void timing(const std::string& line);

/// A chapter of the program it is linked into.
struct Chapter {
  Chapter(int number, std::string_view title, void (*run)());
  int number;
  std::string_view title;
  void (*run)();
};
/// All that are linked in, by number.
std::vector<const Chapter*> chapters();
/// The rows that a chapter declares, without running it: CMakeLists.txt reads them off its code.
std::vector<int> rows_of(const Chapter& chapter);
/// The list of chapters, one a line, with their rows.
std::string contents(bool json);

/// One check and how it came out.
struct Result {
  int row = 0, chapter = 0;
  bool titles = false;       ///< made by a row*()
  std::string what;          ///< the name of the check
  std::string lesson, here;  ///< as JSON: a number, a string, [low,high] for a band
  double tolerance = 0;
  bool ok = false, left_out = false;  ///< left out: it needs the real MNIST
  /// {"row":24,"chapter":8,"what":...,"lesson":...,"here":...,"tolerance":...,"ok":true}
  std::string json() const;
};
/// What a chapter did.
struct Record {
  std::vector<Result> results;
  std::string printed;  ///< what it wrote to std::cout
  std::vector<std::pair<std::string, std::string>> figures;
  std::vector<std::string> timings;
  bool ok() const;
};
/// Runs one chapter. What it prints is kept, and shown as well unless `quiet`. Exceptions of the
/// chapter leave.
Record run(const Chapter& chapter, bool quiet);
/// The table at a chapter's end: what, lesson, here, ok.
std::string table(const std::vector<Result>& results);
/// Runs chapters as the command does, and gives the exit code: 0 when every row is right.
int run_chapters(const std::vector<const Chapter*>& which, bool json);

}  // namespace lesson
