// gradus lesson: the chapters of the lesson and its shape quiz; all they do is in
// examples/lesson13.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <memory>

#ifdef GRADUS_LESSON
#include <examples/lesson13/lesson.h>
#include <examples/lesson13/quiz.h>
#include <algorithm>
#endif

namespace gradus::app {
namespace {

struct LessonFlags {
  std::vector<std::string> what;
  std::string data;
  bool all = false, json = false, page = false;
};

#ifdef GRADUS_LESSON
int list(bool json) {
  std::cout << lesson::contents(json);
  if (!json)
    std::cout << "\n`gradus lesson 16` runs one, `--all` every one, `gradus lesson quiz` asks for "
                 "shapes\n";
  return 0;
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
           {"--page", &f->page, "one JSON object a chapter, with output and pictures"}},
          [f] { return run(*f); }};
}

}  // namespace gradus::app
