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

std::string& asked_folder() {
  static std::string folder;
  return folder;
}

/// The folder of MNIST, empty where there is none.
std::string mnist_folder() {
  namespace fs = std::filesystem;
  std::vector<fs::path> places;
  const char* set = std::getenv("GRADUS_DATA");
  if (!asked_folder().empty())
    places = {asked_folder()};
  else if (set && *set)
    places = {set};
  else
    places = {"../shared/data", fs::path(LESSON_SOURCE_DIR) / ".." / "shared" / "data"};
  std::error_code ignored;
  for (const fs::path& place : places)
    for (const fs::path& folder : {place / "mnist", place})
      for (const char* file : {"t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte",
                               "t10k-labels.idx1-ubyte.gz", "t10k-labels.idx1-ubyte"})
        if (fs::is_regular_file(folder / file, ignored)) return folder.string();
  if (asked_folder().empty()) return "";
  throw gradus::IoError("there is no MNIST in \"" + asked_folder() + "\"",
                        "name the folder of train-images-idx3-ubyte and the three other files, or "
                        "leave --data out for the built-in digits");
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

/// Keeps what is written, and shows it as well.
class Tee : public std::streambuf {
 public:
  Tee(std::string& kept, std::streambuf* shown) : kept_(kept), shown_(shown) {}
  int overflow(int letter) override {
    if (letter == EOF) return 0;
    kept_ += static_cast<char>(letter);
    if (shown_) shown_->sputc(static_cast<char>(letter));
    return letter;
  }
  int sync() override { return shown_ ? shown_->pubsync() : 0; }

 private:
  std::string& kept_;
  std::streambuf* shown_;
};

/// JSON text without its quotes.
std::string bare(const std::string& value) {
  return value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

/// Words in lines of at most `width` columns; a longer word is cut.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines{""};
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    for (; lines.back().size() + word.size() > width; lines.emplace_back()) {
      lines.back() += word.substr(0, width);
      word.erase(0, width);
    }
    lines.back() += word;
  }
  return lines;
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
void look_in(const std::string& folder) { asked_folder() = folder; }

static void number_row(bool titles, Place row, std::string_view what, double lesson, double here,
                       double tolerance, Needs needs) {
  add(titles, row, what, number(lesson), number(here), tolerance,
      std::abs(lesson - here) <= tolerance, needs);
}
static void band_row(bool titles, Place row, std::string_view what, double low, double high,
                     double here, Needs needs) {
  add(titles, row, what, "[" + number(low) + "," + number(high) + "]", number(here), 0,
      here >= low && here <= high, needs);
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
         (of_machine ? ",\"of_machine\":true" : "") + "}";
}

bool Record::ok() const {
  return std::all_of(results.begin(), results.end(),
                     [](const Result& r) { return r.ok || r.left_out; });
}

Record run(const Chapter& chapter, bool quiet) {
  Record record;
  unmarked.clear();
  std::streambuf* const shown = std::cout.rdbuf();
  Tee tee(unmarked, quiet ? nullptr : shown);
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

std::string page(const Chapter& chapter, const Record& record) {
  const auto list = [](const auto& items, auto&& write) {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ",") + write(item);
    return "[" + text + "]";
  };
  const auto json = [](const std::string& text) { return json_text(text); };
  return "{\"chapter\":" + std::to_string(chapter.number) +
         ",\"title\":" + json_text(chapter.title) +
         ",\"rows\":" + list(record.results, [](const Result& r) { return r.json(); }) +
         ",\"timings\":" + list(record.timings, json) + ",\"printed\":" +
         list(record.printed,
              [&](const Record::Output& o) {
                return "{\"line\":" + std::to_string(o.line) + ",\"text\":" + json(o.text) + "}";
              }) +
         ",\"figures\":" +
         list(record.figures,
              [&](const Record::Figure& f) {
                return "{\"line\":" + std::to_string(f.line) + ",\"name\":" + json(f.name) +
                       ",\"caption\":" + json(f.caption) + ",\"svg\":" + json(f.svg) + "}";
              }) +
         "}\n";
}

std::string table(const std::vector<Result>& results, int width) {
  const std::string margin(5, ' ');
  std::size_t what = 4, lesson = 6, here = 4;
  for (const Result& r : results) {
    what = std::max(what, r.what.size());
    // Longer ones stand below their check.
    if (const std::size_t size = bare(r.lesson).size(); size <= 14) lesson = std::max(lesson, size);
    if (const std::size_t size = bare(r.here).size(); size <= 14) here = std::max(here, size);
  }
  const std::size_t columns = static_cast<std::size_t>(std::max(width, 40)),
                    right = lesson + here + 18;  // the widest tolerance has eight characters
  const bool beside = columns >= margin.size() + right + 24;
  what = beside ? std::min(what, columns - margin.size() - right) : columns - margin.size();
  std::string text = "row  " + (beside ? padded("what", what) + "  " + padded("lesson", lesson) +
                                             "  " + padded("here", here) + "  ok\n"
                                       : "what: lesson, here\n");
  int left_out = 0;
  for (const Result& r : results) {
    left_out += r.left_out;
    if (r.left_out) continue;
    const std::string wanted = bare(r.lesson), got = bare(r.here),
                      verdict = std::string(r.ok ? "ok" : "NO") +
                                (r.tolerance > 0 ? "  +-" + short_number(r.tolerance) : "");
    const std::vector<std::string> lines = wrapped(r.what, what);
    const bool fits = beside && wanted.size() <= lesson && got.size() <= here;
    text += padded(std::to_string(r.row), margin.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      text += (i ? margin : "") + (fits && i == 0 ? padded(lines[i], what) : lines[i]);
      if (fits && i == 0)
        text += "  " + padded(wanted, lesson) + "  " + padded(got, here) + "  " + verdict;
      text += "\n";
    }
    if (fits) continue;
    // Short ones go into one line below, long ones into several.
    std::string below = wanted + ", " + got + "  " + verdict;
    if (below.size() + margin.size() + 2 <= columns)
      text += margin + "  " + below + "\n";
    else
      for (const std::string& part : {"lesson: " + wanted, "here: " + got + "  " + verdict})
        for (const std::string& line : wrapped(part, columns - margin.size() - 2))
          text += margin + "  " + line + "\n";
  }
  if (left_out == 0) return text;
  std::string rows;
  int last = 0;
  for (const Result& r : results)
    if (r.left_out && r.row != last) rows += " " + std::to_string(last = r.row);
  for (const std::string& line : wrapped(
           "left out, because they need the real MNIST (--data DIR or GRADUS_DATA): rows" + rows,
           columns))
    text += line + "\n";
  return text;
}

int run_chapters(const std::vector<const Chapter*>& which, bool json, int width) {
  bool ok = true;
  for (const Chapter* chapter : which) {
    if (!json) std::cout << "Chapter " << chapter->number << ". " << chapter->title << "\n\n";
    const Record record = run(*chapter, json);
    ok = ok && record.ok();
    if (json)
      for (const Result& r : record.results) std::cout << r.json() << "\n";
    else
      std::cout << "\n" << table(record.results, width) << "\n";
  }
  return ok ? 0 : 1;
}

}  // namespace lesson
