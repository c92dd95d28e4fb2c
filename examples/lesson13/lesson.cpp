// The frame: rows as they are declared, and a chapter's run. data.cpp has the images, report.cpp
// what is made of the results.
#include "lesson.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "json.h"

namespace lesson {
namespace {

Record* current = nullptr;
int current_chapter = 0;
std::string unmarked;  // what the chapter printed since the last check

/// What was printed since the last check belongs to this one. Checks in headers say where their
/// caller stands; those that do not leave it to the next.
void mark(const std::source_location& at) {
  if (!current || unmarked.empty() || !std::string_view(at.file_name()).ends_with(".cpp")) return;
  current->printed.push_back({at.line(), std::move(unmarked)});
  unmarked.clear();
}

std::vector<const Chapter*>& registry() {
  static std::vector<const Chapter*> all_chapters;
  return all_chapters;
}

void add(bool titles, const Place& place, std::string_view what, std::string lesson,
         std::string here, double tolerance, bool ok, Needs needs) {
  mark(place.at);
  Result result{.row = place.row,
                .chapter = current_chapter,
                .titles = titles,
                .what = std::string(what),
                .lesson = std::move(lesson),
                .here = std::move(here),
                .tolerance = tolerance,
                .ok = ok,
                .of_machine = needs == of_machine};
  if (needs == mnist_only && !data().real) {
    result.left_out = true;
    result.ok = false;
  }
  if (current) current->results.push_back(std::move(result));
}

/// Keeps what is written, and shows it as well: there a line longer than `width` is broken between
/// words. Lines with other letters than ASCII are pictures and stay whole.
class Tee : public std::streambuf {
 public:
  Tee(std::string& kept, std::streambuf* shown, int width)
      : kept_(kept), shown_(shown), width_(width) {}
  Tee(const Tee&) = delete;
  Tee& operator=(const Tee&) = delete;
  ~Tee() override { show(); }
  int overflow(int letter) override {
    if (letter == EOF) return 0;
    kept_ += static_cast<char>(letter);
    line_ += static_cast<char>(letter);
    if (letter == '\n') show();
    return letter;
  }
  int sync() override {
    show();
    return shown_ ? shown_->pubsync() : 0;
  }

 private:
  void show() {
    if (shown_) {
      const std::string text = broken(line_, width_);
      shown_->sputn(text.data(), static_cast<std::streamsize>(text.size()));
    }
    line_.clear();
  }

  std::string& kept_;
  std::streambuf* shown_;
  int width_;
  std::string line_;
};

}  // namespace

static void number_row(bool titles, Place row, std::string_view what, double lesson, double here,
                       double tolerance, Needs needs) {
  add(titles, row, what, json_number(lesson), json_number(here), tolerance,
      std::abs(lesson - here) <= tolerance, needs);
}
static void band_row(bool titles, Place row, std::string_view what, double low, double high,
                     double here, Needs needs) {
  add(titles, row, what, "[" + json_number(low) + "," + json_number(high) + "]", json_number(here),
      0, here >= low && here <= high, needs);
}
static void text_row(bool titles, Place row, std::string_view what, std::string_view lesson,
                     std::string_view here, Needs needs) {
  add(titles, row, what, json_text(lesson), json_text(here), 0, lesson == here, needs);
}

void row(Place row, std::string_view what, double lesson, double here, double tolerance,
         Needs needs) {
  number_row(true, row, what, lesson, here, tolerance, needs);
}
void also(Place row, std::string_view what, double lesson, double here, double tolerance,
          Needs needs) {
  number_row(false, row, what, lesson, here, tolerance, needs);
}
void row_text(Place row, std::string_view what, std::string_view lesson, std::string_view here,
              Needs needs) {
  text_row(true, row, what, lesson, here, needs);
}
void also_text(Place row, std::string_view what, std::string_view lesson, std::string_view here,
               Needs needs) {
  text_row(false, row, what, lesson, here, needs);
}
void row_band(Place row, std::string_view what, double low, double high, double here, Needs needs) {
  band_row(true, row, what, low, high, here, needs);
}
void also_band(Place row, std::string_view what, double low, double high, double here,
               Needs needs) {
  band_row(false, row, what, low, high, here, needs);
}
void also_each(Place row, std::string_view what, const std::vector<double>& lesson,
               const gradus::Tensor& here, double tolerance, Needs needs) {
  const std::vector<double> numbers = here.to_vector<double>();
  if (numbers.size() != lesson.size())
    throw gradus::ShapeError(std::string(what) + ": " + std::to_string(lesson.size()) +
                                 " numbers of the lesson, " + here.shape().str() + " here",
                             "take a slice");
  for (std::size_t i = 0; i < numbers.size(); ++i)
    also(row, std::string(what) + "[" + std::to_string(i) + "]", lesson[i], numbers[i], tolerance,
         needs);
}

void figure(std::string_view name, std::string_view caption, std::string svg,
            std::source_location at) {
  if (!current) return;
  mark(at);
  current->figures.push_back({at.line(), std::string(name), std::string(caption), std::move(svg)});
}
void timing(const std::string& line, std::source_location at) {
  std::cout << line << "\n";
  if (current) current->timings.push_back(line);
  mark(at);
}

Chapter::Chapter(int number_, std::string_view title_, void (*run_)())
    : number(number_), title(title_), run(run_) {
  registry().push_back(this);
}

std::vector<const Chapter*> chapters() {
  std::vector<const Chapter*> sorted = registry();
  std::sort(sorted.begin(), sorted.end(),
            [](const Chapter* a, const Chapter* b) { return a->number < b->number; });
  return sorted;
}

std::vector<int> rows_of(const Chapter& chapter) {
  static const std::map<int, std::vector<int>> rows = {
#include "chapter_rows.inc"
  };
  const auto found = rows.find(chapter.number);
  return found == rows.end() ? std::vector<int>{} : found->second;
}

bool Record::ok() const {
  return std::all_of(results.begin(), results.end(),
                     [](const Result& r) { return r.ok || r.left_out; });
}

Record run(const Chapter& chapter, bool quiet, int width) {
  Record record;
  unmarked.clear();
  std::streambuf* const shown = std::cout.rdbuf();
  Tee tee(unmarked, quiet ? nullptr : shown, width);
  /// Puts std::cout and the record back whatever happens.
  struct Restore {
    std::streambuf* buffer;
    ~Restore() {
      std::cout.rdbuf(buffer);
      current = nullptr;
    }
  } restore{shown};
  std::cout.rdbuf(&tee);
  current = &record;
  current_chapter = chapter.number;
  chapter.run();
  std::cout.flush();
  if (!unmarked.empty()) record.printed.push_back({0, std::move(unmarked)});  // after all checks
  return record;
}

}  // namespace lesson
