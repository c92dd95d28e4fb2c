// Rows, data and the table; see lesson.h.
#include "lesson.h"

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

namespace lesson {
namespace {

Record* current = nullptr;
int current_chapter = 0;

std::vector<const Chapter*>& registry() {
  static std::vector<const Chapter*> all_chapters;
  return all_chapters;
}

std::string json_text(std::string_view text) {
  std::string result = "\"";
  for (char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    if (letter == '\n')
      result += "\\n";
    else if (static_cast<unsigned char>(letter) >= 0x20)
      result += letter;
  }
  return result + "\"";
}

std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

void add(bool titles, int row, std::string_view what, std::string lesson, std::string here,
         double tolerance, bool ok, Needs needs) {
  Result result{row,
                current_chapter,
                titles,
                std::string(what),
                std::move(lesson),
                std::move(here),
                tolerance,
                ok,
                false};
  if (needs == mnist_only && !data().real) {
    result.left_out = true;
    result.ok = false;
  }
  if (current) current->results.push_back(std::move(result));
}

/// The folder of MNIST, empty where there is none.
std::string mnist_folder() {
  namespace fs = std::filesystem;
  std::vector<fs::path> places;
  if (const char* set = std::getenv("GRADUS_DATA"); set && *set)
    places = {fs::path(set) / "mnist", fs::path(set)};
  else
    places = {fs::path(LESSON_SOURCE_DIR) / ".." / "shared" / "data" / "mnist"};
  std::error_code ignored;
  for (const fs::path& place : places)
    for (const char* file : {"t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte",
                             "t10k-labels.idx1-ubyte.gz", "t10k-labels.idx1-ubyte"})
      if (fs::is_regular_file(place / file, ignored)) return place.string();
  return "";
}

Data load() {
  using namespace gradus;
  const std::string folder = mnist_folder();
  data::ImageData set = folder.empty() ? data::digits() : data::mnist(folder);
  // MNIST and not one of its look-alikes: the first labels are known.
  bool real = set.train.size() == 50000 &&
              set.train.labels[Slice{0, 5}].to_vector<int>() == std::vector<int>{5, 0, 4, 1, 9};
  if (!real) set = data::digits();
  const auto pixels = [](const data::ImageSet& part) {
    return part.images.reshape({part.size(), 784}).astype(DType::f32) / 256;
  };
  return {pixels(set.train),
          set.train.labels,
          pixels(set.valid),
          set.valid.labels,
          pixels(set.test),
          set.test.labels,
          real};
}

/// Writes to two buffers, or to the first alone.
class Tee : public std::streambuf {
 public:
  Tee(std::streambuf* kept, std::streambuf* shown) : kept_(kept), shown_(shown) {}
  int overflow(int letter) override {
    if (letter == EOF) return 0;
    kept_->sputc(static_cast<char>(letter));
    if (shown_) shown_->sputc(static_cast<char>(letter));
    return letter;
  }
  int sync() override { return shown_ ? shown_->pubsync() : 0; }

 private:
  std::streambuf *kept_, *shown_;
};

/// JSON text without its quotes.
std::string bare(const std::string& value) {
  return value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
}

std::string padded(std::string text, std::size_t width) {
  // Long texts keep their line, the table its columns.
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

const Data& data() {
  static const Data loaded = load();
  return loaded;
}

static void number_row(bool titles, int row, std::string_view what, double lesson, double here,
                       double tolerance, Needs needs) {
  add(titles, row, what, number(lesson), number(here), tolerance,
      std::abs(lesson - here) <= tolerance, needs);
}
static void band_row(bool titles, int row, std::string_view what, double low, double high,
                     double here, Needs needs) {
  add(titles, row, what, "[" + number(low) + "," + number(high) + "]", number(here), 0,
      here >= low && here <= high, needs);
}
static void text_row(bool titles, int row, std::string_view what, std::string_view lesson,
                     std::string_view here, Needs needs) {
  add(titles, row, what, json_text(lesson), json_text(here), 0, lesson == here, needs);
}

void row(int row, std::string_view what, double lesson, double here, double tolerance,
         Needs needs) {
  number_row(true, row, what, lesson, here, tolerance, needs);
}
void also(int row, std::string_view what, double lesson, double here, double tolerance,
          Needs needs) {
  number_row(false, row, what, lesson, here, tolerance, needs);
}
void row_text(int row, std::string_view what, std::string_view lesson, std::string_view here,
              Needs needs) {
  text_row(true, row, what, lesson, here, needs);
}
void also_text(int row, std::string_view what, std::string_view lesson, std::string_view here,
               Needs needs) {
  text_row(false, row, what, lesson, here, needs);
}
void row_band(int row, std::string_view what, double low, double high, double here, Needs needs) {
  band_row(true, row, what, low, high, here, needs);
}
void also_band(int row, std::string_view what, double low, double high, double here, Needs needs) {
  band_row(false, row, what, low, high, here, needs);
}

void figure(std::string_view name, std::string svg) {
  if (current) current->figures.emplace_back(name, std::move(svg));
}
void timing(const std::string& line) {
  if (current) current->timings.push_back(line);
  std::cout << line << "\n";
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

std::string contents(bool json) {
  std::string lines;
  for (const Chapter* chapter : chapters()) {
    std::string rows;
    for (int row : rows_of(*chapter))
      rows += (rows.empty() ? "" : json ? "," : " ") + std::to_string(row);
    const std::string title(chapter->title), number = std::to_string(chapter->number);
    if (json)
      lines += "{\"chapter\":" + number + ",\"title\":" + json_text(title) + ",\"rows\":[" + rows +
               "]}\n";
    else
      lines += (chapter->number < 10 ? " " : "") + number + "  " +
               (rows.empty() ? title : padded(title, 44) + "  rows " + rows) + "\n";
  }
  return lines;
}

std::string Result::json() const {
  return "{\"row\":" + std::to_string(row) + ",\"chapter\":" + std::to_string(chapter) +
         (titles ? ",\"title\":true" : "") + ",\"what\":" + json_text(what) +
         ",\"lesson\":" + lesson + ",\"here\":" + here + ",\"tolerance\":" + number(tolerance) +
         ",\"ok\":" +
         (left_out ? "null,\"left_out\":true"
          : ok     ? "true"
                   : "false") +
         "}";
}

bool Record::ok() const {
  return std::all_of(results.begin(), results.end(),
                     [](const Result& r) { return r.ok || r.left_out; });
}

Record run(const Chapter& chapter, bool quiet) {
  Record record;
  std::ostringstream kept;
  std::streambuf* const shown = std::cout.rdbuf();
  Tee tee(kept.rdbuf(), quiet ? nullptr : shown);
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
  record.printed = kept.str();
  return record;
}

std::string table(const std::vector<Result>& results) {
  std::size_t what = 4, lesson = 6, here = 4;
  for (const Result& r : results) {
    what = std::max(what, std::min<std::size_t>(r.what.size(), 46));
    lesson = std::max(lesson, std::min<std::size_t>(r.lesson.size(), 20));
    here = std::max(here, std::min<std::size_t>(r.here.size(), 20));
  }
  std::string text = "row  " + padded("what", what) + "  " + padded("lesson", lesson) + "  " +
                     padded("here", here) + "  ok\n";
  int left_out = 0;
  for (const Result& r : results) {
    left_out += r.left_out;
    if (r.left_out) continue;
    text += padded(std::to_string(r.row), 5) + padded(r.what, what) + "  " +
            padded(bare(r.lesson), lesson) + "  " + padded(bare(r.here), here) + "  " +
            (r.ok ? "ok" : "NO") + (r.tolerance > 0 ? "  +-" + number(r.tolerance) : "") + "\n";
  }
  if (left_out == 0) return text;
  text += "left out, because they need the real MNIST (set GRADUS_DATA):";
  int last = 0;
  for (const Result& r : results)
    if (r.left_out && r.row != last) text += " " + std::to_string(last = r.row);
  return text + "\n";
}

int run_chapters(const std::vector<const Chapter*>& which, bool json) {
  bool ok = true;
  for (const Chapter* chapter : which) {
    if (!json) std::cout << "Chapter " << chapter->number << ". " << chapter->title << "\n\n";
    const Record record = run(*chapter, json);
    ok = ok && record.ok();
    if (json)
      for (const Result& r : record.results) std::cout << r.json() << "\n";
    else
      std::cout << "\n" << table(record.results) << "\n";
  }
  return ok ? 0 : 1;
}

}  // namespace lesson
