// gradus lesson: the chapters of the lesson and its shape quiz; all they do is in
// examples/lesson13.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <memory>

#ifdef GRADUS_LESSON
#include <examples/lesson13/lesson.h>
#include <examples/lesson13/quiz.h>
#include <gradus/see/health.h>
#include <algorithm>
#include <charconv>
#endif

namespace gradus::app {
namespace {

struct LessonFlags {
  std::vector<std::string> what;
  std::string data;
  bool all = false, json = false, page = false, health = false;
};

#ifdef GRADUS_LESSON
int list(bool json) {
  const int width = Terminal().width();
  std::cout << lesson::contents(json, width);
  if (!json)
    std::cout << lesson::broken(
        "\n`gradus lesson 16` runs one, `5-7` three, `--all` every one, `gradus lesson quiz` asks "
        "for shapes\n",
        width);
  return 0;
}

int quiz(const LessonFlags& flags) {
  if (flags.what.size() > 1 || flags.all || flags.health || flags.page || !flags.data.empty())
    throw UsageError("lesson quiz",
                     "asks for the shapes of the whole lesson: it takes no chapter and no option "
                     "but --json");
  lesson::quiz(std::cin, std::cout, flags.json);
  return 0;
}

/// The chapters that "8", "08" or "5-7" names.
std::vector<const lesson::Chapter*> named(const std::string& word) {
  const auto chapters = lesson::chapters();
  const char* const end = word.data() + word.size();
  int first = 0, last = 0;
  auto [at, error] = std::from_chars(word.data(), end, first);
  last = first;
  bool is_read = error == std::errc();
  if (is_read && at != end && *at == '-') {
    const auto second = std::from_chars(at + 1, end, last);
    is_read = second.ec == std::errc();
    at = second.ptr;
  }
  const std::string shown = "'" + word.substr(0, 40) + "'";
  if (!is_read || at != end || first < 0 || last < 0)
    throw UsageError("lesson", shown +
                                   " names no chapter\n  hint: write a number, 8, or a range, "
                                   "5-7; `gradus lesson` lists them; `gradus lesson quiz` asks");
  if (last < first)
    throw UsageError("lesson", shown + " ends before it begins\n  hint: write " +
                                   std::to_string(last) + "-" + std::to_string(first));
  for (int number : {first, last})
    if (number < chapters.front()->number || number > chapters.back()->number)
      throw UsageError(
          "lesson", "there is no chapter " + std::to_string(number) + "\n  hint: chapters are " +
                        std::to_string(chapters.front()->number) + " to " +
                        std::to_string(chapters.back()->number) + "; `gradus lesson` lists them");
  std::vector<const lesson::Chapter*> found;
  for (const lesson::Chapter* chapter : chapters)
    if (chapter->number >= first && chapter->number <= last) found.push_back(chapter);
  return found;
}

/// What a chapter does on purpose, to show it, and how often: the trap of the loss and the way out
/// of it, the naive softmax. Once more would be a mistake.
struct Meant {
  int chapter;
  const char* code;
  std::int64_t times;
};
constexpr Meant shown[] = {{8, "B2", 2}, {8, "S3", 2}, {16, "N2", 1}};

void leave_out_meant(std::vector<Diagnostic>& found, int chapter) {
  for (const Meant& meant : shown) {
    if (meant.chapter != chapter) continue;
    std::int64_t times = 0;
    for (const Diagnostic& d : found)
      if (d.code == meant.code) times += d.count;
    if (times == meant.times)
      std::erase_if(found, [&](const Diagnostic& d) { return d.code == meant.code; });
  }
}

/// Runs chapters under a recorder. Prints the errors and warnings that have a code, and nothing
/// else; 1 where there is one.
int run_watched(const std::vector<const lesson::Chapter*>& chapters) {
  bool ok = true;
  for (const lesson::Chapter* chapter : chapters) {
    see::Recorder recorder({.level = see::TapeLevel::stats});
    lesson::run(*chapter, true);
    recorder.finish();
    std::vector<Diagnostic> found = see::health(recorder.tape());
    std::erase_if(found, [](const Diagnostic& d) { return d.severity() < Severity::warning; });
    leave_out_meant(found, chapter->number);
    std::cout << "Chapter " << chapter->number << ": " << see::health_text(found);
    ok = ok && found.empty();
  }
  return ok ? 0 : 1;
}

int run(const LessonFlags& flags) {
  if (std::find(flags.what.begin(), flags.what.end(), "quiz") != flags.what.end())
    return quiz(flags);
  if (flags.all && !flags.what.empty())
    throw UsageError("--all", "means every chapter: leave it out, or the numbers");
  std::vector<const lesson::Chapter*> chosen;
  if (flags.all) chosen = lesson::chapters();
  for (const std::string& word : flags.what)
    for (const lesson::Chapter* chapter : named(word))
      if (std::find(chosen.begin(), chosen.end(), chapter) == chosen.end())
        chosen.push_back(chapter);
  if (chosen.empty()) return list(flags.json);
  lesson::look_in(flags.data);
  if (flags.health) return run_watched(chosen);
  if (!flags.page) return lesson::run_chapters(chosen, flags.json, Terminal().width());
  bool ok = true;
  for (const lesson::Chapter* chapter : chosen) {
    const lesson::Record record = lesson::run(*chapter, true);
    std::cout << lesson::page(*chapter, record);
    ok = ok && record.ok();
  }
  return ok ? 0 : 1;
}
#else
// `./dev train` leaves the chapters out, which would double the time until the first epoch.
int run(const LessonFlags&) {
  throw UsageError("lesson",
                   "this build leaves the chapters out; `./dev lesson` builds and runs them");
}
#endif

}  // namespace

Command lesson_command() {
  auto f = std::make_shared<LessonFlags>();
  return {"lesson",
          "Run a chapter of the lesson, or the shape quiz",
          {{"chapter", &f->what,
            "numbers of chapters, 8 or 5-7, or quiz; without, the list of chapters"},
           {"--all", &f->all, "every chapter"},
           {"--data", &f->data,
            "the folder of MNIST, or the one above it; else GRADUS_DATA, else ../shared/data; or "
            "digits, the built-in ones"},
           {"--json", &f->json, "one JSON object a row"},
           {"--health", &f->health, "the mistakes with a code that a recorded run shows, alone"},
           {"--page", &f->page, "one JSON object a chapter, with output and pictures"}},
          [f] { return run(*f); }};
}

}  // namespace gradus::app
