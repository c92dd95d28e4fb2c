// A chapter as a program of its own: runs it and prints its table; `--json` prints the rows alone.
#include <cstring>

#include "lesson.h"

int main(int argc, char** argv) {
  const bool json = argc > 1 && std::strcmp(argv[1], "--json") == 0;
  try {
    return lesson::run_chapters(lesson::chapters(), json);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
