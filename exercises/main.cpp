// Checks the exercises of this program: 0 when all is right, 1 when something is wrong.
#include <exercises/exercise.h>

#include <iostream>

int main() {
  bool passed = true;
  for (const exercises::Exercise* exercise : exercises::registered()) {
    exercises::Check check;
    exercise->check(check);
    std::cout << "Exercise " << exercise->number << ". " << exercise->title << "\n" << check.str();
    passed = passed && check.passed();
  }
  return passed ? 0 : 1;
}
