// What gradus train tells after a run: epochs, worst confusions, misread images.
#pragma once

#include <apps/terminal.h>

#include <gradus/gradus.h>

namespace gradus::app {

struct Misread {
  std::int64_t row, truth, answer;
  double confidence;
};

/// How a net does on the test part.
struct TestReport {
  Evaluation evaluation;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [truth][answer]
  std::vector<Misread> misread;                      ///< the surest first
  std::int64_t without_answer = 0;  ///< images whose scores are no finite numbers; in none of both
};

TestReport test(nn::Sequential& net, const data::ImageData& data, double scale);

// Each prints one part in the width of the terminal, with an empty line before it.
void print_epochs(const Terminal& terminal, const std::vector<EpochRecord>& records);
void print_confusion(const Terminal& terminal, const TestReport& report);
void print_misread(const Terminal& terminal, const TestReport& report, const data::ImageData& data);

}  // namespace gradus::app
