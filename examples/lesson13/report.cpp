// What is made of the results: the table, JSON, a chapter's page; and the list of chapters.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "json.h"
#include "lesson.h"

namespace lesson {
namespace {

/// A result for people: text without its quotes, numbers with ten digits, or all where the
/// difference that counts would be lost.
std::string readable(const std::string& json, double tolerance, bool exactly) {
  if (json.starts_with('"')) return json.substr(1, json.size() - 2);
  double value = 0;
  const char* const end = json.data() + json.size();
  if (std::from_chars(json.data(), end, value).ptr != end) return json;  // a band
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  const double lost = std::abs(std::strtod(text, nullptr) - value);
  return (exactly ? lost > 0 : tolerance > 0 && lost > tolerance / 10) ? json : text;
}
struct Cells {
  std::string lesson, here;
};
Cells cells(const Result& r) {
  const bool exactly = r.tolerance == 0 && !r.lesson.starts_with('[');
  return {readable(r.lesson, r.tolerance, exactly), readable(r.here, r.tolerance, exactly)};
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

/// What JSON says of one check, but for its row and what encloses it.
std::string fields(const Result& r) {
  return "\"what\":" + json_text(r.what) + ",\"lesson\":" + r.lesson + ",\"here\":" + r.here +
         ",\"tolerance\":" + json_number(r.tolerance);
}
std::string verdict(bool ok, bool left_out, bool of_machine) {
  return std::string(",\"ok\":") +
         (left_out ? "null,\"left_out\":true"
          : ok     ? "true"
                   : "false") +
         (of_machine ? ",\"of_machine\":true" : "");
}
std::string verdict(const Result& r) { return verdict(r.ok, r.left_out, r.of_machine); }

}  // namespace

std::string broken(const std::string& line, int width) {
  const std::size_t columns = static_cast<std::size_t>(std::max(width, 0));
  const auto is_ascii = [](char letter) { return static_cast<unsigned char>(letter) < 128; };
  if (columns == 0 || line.size() <= columns || !std::all_of(line.begin(), line.end(), is_ascii))
    return line;
  const std::string indent(
      std::min(line.find_first_not_of(' ') == line.npos ? 0 : line.find_first_not_of(' '),
               columns / 4) +
          2,
      ' ');
  std::string text, rest = line;
  while (rest.size() - rest.ends_with('\n') > columns) {
    const std::size_t begin = rest.find_first_not_of(' ');
    std::size_t space = rest.rfind(' ', columns);
    // A word that is longer than a line stays whole.
    if (space == rest.npos || space < begin) space = rest.find(' ', std::min(begin, rest.size()));
    if (space == rest.npos) break;
    const std::size_t next = rest.find_first_not_of(" \n", space);
    if (next == rest.npos) break;
    text += rest.substr(0, rest.find_last_not_of(' ', space) + 1) + "\n";
    rest = indent + rest.substr(next);
  }
  return text + rest;
}

std::string contents(bool json, int width) {
  std::string lines;
  const std::size_t columns = static_cast<std::size_t>(std::max(width, 40)), title = 44;
  const bool beside = columns >= 4 + title + 2 + 24;
  const std::string margin(beside ? 4 + title + 2 : 4, ' ');
  for (const Chapter* chapter : chapters()) {
    std::string rows;
    for (int row : rows_of(*chapter))
      rows += (rows.empty() ? "" : json ? "," : " ") + std::to_string(row);
    const std::string name(chapter->title), number = std::to_string(chapter->number);
    if (json) {
      lines += "{\"chapter\":" + number + ",\"title\":" + json_text(name) + ",\"rows\":[" + rows +
               "]}\n";
      continue;
    }
    lines += (chapter->number < 10 ? " " : "") + number + "  ";
    if (beside)
      lines += padded(name, title) + "  ";
    else
      lines += broken(name, static_cast<int>(columns) - 4) + "\n" + margin;
    const std::vector<std::string> parts = wrapped(rows, columns - margin.size() - 5);
    for (std::size_t i = 0; i < parts.size(); ++i)
      lines += (i ? "\n" + margin + "     " : "rows ") + parts[i];
    lines += "\n";
  }
  return lines;
}

std::string Result::json() const {
  return "{\"row\":" + std::to_string(row) + ",\"chapter\":" + std::to_string(chapter) +
         (titles ? ",\"title\":true" : "") + "," + fields(*this) + verdict(*this) + "}";
}

std::string rows_json(const std::vector<Result>& results) {
  std::map<int, std::vector<Result>> rows;
  for (const Result& r : results) rows[r.row].push_back(r);
  std::string lines;
  for (auto& [row, checks] : rows) {
    // First the check that the row is named after, unless it was left out and others were not.
    std::stable_sort(checks.begin(), checks.end(), [](const Result& a, const Result& b) {
      return std::pair(a.left_out, !a.titles) < std::pair(b.left_out, !b.titles);
    });
    const Result& first = checks[0];
    std::string others;
    bool ok = true;
    for (const Result& check : checks) {
      ok = ok && (check.ok || check.left_out);
      if (&check == &first) continue;
      others +=
          (others.empty() ? "{" : ",{") +
          (check.chapter == first.chapter ? ""
                                          : "\"chapter\":" + std::to_string(check.chapter) + ",") +
          fields(check) + verdict(check) + "}";
    }
    lines += "{\"row\":" + std::to_string(row) + ",\"chapter\":" + std::to_string(first.chapter) +
             "," + fields(first) + verdict(ok, first.left_out, first.of_machine) +
             (others.empty() ? "" : ",\"also\":[" + others + "]") + "}\n";
  }
  return lines;
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
    const auto [wanted, got] = cells(r);
    if (wanted.size() <= 14) lesson = std::max(lesson, wanted.size());
    if (got.size() <= 14) here = std::max(here, got.size());
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
    const auto [wanted, got] = cells(r);
    const std::string verdict = std::string(r.ok ? "ok" : "NO") +
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
  // A row may have checks in several chapters, so JSON comes when all have run, or one has failed.
  struct Collected {
    std::vector<Result> results;
    ~Collected() { std::cout << rows_json(results) << std::flush; }
  } collected;
  bool ok = true;
  for (const Chapter* chapter : which) {
    if (!json)
      std::cout << broken("Chapter " + std::to_string(chapter->number) + ". " +
                              std::string(chapter->title) + "\n",
                          width)
                << "\n";
    const Record record = run(*chapter, json, width);
    ok = ok && record.ok();
    if (json)
      collected.results.insert(collected.results.end(), record.results.begin(),
                               record.results.end());
    else
      std::cout << "\n" << table(record.results, width) << "\n";
  }
  return ok ? 0 : 1;
}

}  // namespace lesson
