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
  std::cout << lesson::contents(json);
  if (!json)
    std::cout << "\n`gradus lesson 16` runs one, `--all` every one, `gradus lesson quiz` asks for "
                 "shapes\n";
  return 0;
}

/// What a chapter does on purpose, to show it: the trap of the loss, the naive softmax, and the
/// wrong answers that the exercises' judges try.
see::HealthOptions meant_in(int chapter) {
  if (chapter == 8) return {.allow = {"B2", "S3"}};
  if (chapter == 16) return {.allow = {"N2"}};
  if (chapter == 22) return {.allow = {"B2", "S3", "T1", "X1"}};
  return {};
}

/// Runs chapters under a recorder. Prints the errors and warnings that have a code, and nothing
/// else; 1 where there is one.
int run_watched(const std::vector<const lesson::Chapter*>& chapters) {
  bool ok = true;
  for (const lesson::Chapter* chapter : chapters) {
    see::Recorder recorder({.level = see::TapeLevel::stats});
    lesson::run(*chapter, true);
    recorder.finish();
    std::vector<Diagnostic> found = see::health(recorder.tape(), meant_in(chapter->number));
    std::erase_if(found, [](const Diagnostic& d) { return d.severity() < Severity::warning; });
    std::cout << "Chapter " << chapter->number << ": " << see::health_text(found);
    ok = ok && found.empty();
  }
  return ok ? 0 : 1;
}

int run(const LessonFlags& flags) {
  if (flags.what == std::vector<std::string>{"quiz"}) {
    lesson::quiz(std::cin, std::cout, flags.json);
    return 0;
  }
  std::vector<const lesson::Chapter*> chosen;
  if (flags.all) chosen = lesson::chapters();
  for (const std::string& word : flags.what) {
    const auto chapters = lesson::chapters();
    const auto found = std::find_if(chapters.begin(), chapters.end(), [&](const auto* c) {
      return std::to_string(c->number) == word;
    });
    if (found == chapters.end())
      throw UsageError("lesson", "there is no chapter '" + word.substr(0, 40) +
                                     "': `gradus lesson` lists them; `gradus lesson quiz` asks");
    chosen.push_back(*found);
  }
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
          {{"chapter", &f->what, "numbers of chapters, or quiz; without, the list of chapters"},
           {"--all", &f->all, "every chapter"},
           {"--data", &f->data,
            "the folder of MNIST, or the one above it; else GRADUS_DATA, else ../shared/data"},
           {"--json", &f->json, "one JSON object a row"},
           {"--health", &f->health, "the mistakes with a code that a recorded run shows, alone"},
           {"--page", &f->page, "one JSON object a chapter, with output and pictures"}},
          [f] { return run(*f); }};
}

}  // namespace gradus::app
