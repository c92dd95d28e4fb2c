// gradus lesson: the chapters of the lesson and its shape quiz; all they do is in
// examples/lesson13.
#include <apps/commands/commands.h>

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
  bool all = false, json = false;
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
  return chosen.empty() ? list(flags.json) : lesson::run_chapters(chosen, flags.json);
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
           {"--json", &f->json, "one JSON object a row"}},
          [f] { return run(*f); }};
}

}  // namespace gradus::app
