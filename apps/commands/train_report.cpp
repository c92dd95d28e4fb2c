// The report of a run; see train_report.h.
#include <apps/commands/train_report.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gradus::app {

TestReport test(nn::Sequential& net, const data::ImageData& data, double scale) {
  NoGrad guard;
  net.eval();
  TestReport report;
  report.evaluation = evaluate(
      net, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      data::DataLoader(std::make_shared<data::TensorDataset>(data.test, scale, Place::current()),
                       {.batch_size = 1000}));
  const auto classes = static_cast<std::size_t>(data.classes);
  report.confusion.assign(classes, std::vector<std::int64_t>(classes, 0));
  const data::TensorDataset set(data.test, scale);
  Ints rows(static_cast<std::size_t>(set.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  for (std::size_t begin = 0; begin < rows.size(); begin += 1000) {
    const data::Batch batch =
        set.get(std::span(rows).subspan(begin, std::min<std::size_t>(1000, rows.size() - begin)));
    const auto [confidence, answer] = max(softmax(net(batch.x)), 1);
    const std::vector<std::int64_t> truths = batch.y.to_vector<std::int64_t>(),
                                    answers = answer.to_vector<std::int64_t>();
    const std::vector<double> shares = confidence.to_vector<double>();
    for (std::size_t i = 0; i < truths.size(); ++i) {
      if (!std::isfinite(shares[i])) {
        ++report.without_answer;
        continue;
      }
      ++report.confusion[static_cast<std::size_t>(truths[i])][static_cast<std::size_t>(answers[i])];
      if (truths[i] != answers[i])
        report.misread.push_back({rows[begin + i], truths[i], answers[i], shares[i]});
    }
  }
  std::stable_sort(report.misread.begin(), report.misread.end(),
                   [](const Misread& a, const Misread& b) { return a.confidence > b.confidence; });
  return report;
}

void print_epochs(const Terminal& terminal, const std::vector<EpochRecord>& records) {
  if (records.empty()) return;
  const bool wide = terminal.width() >= 74;
  std::printf(
      "\n%s\n",
      terminal
          .bold(wide ? "epoch  train loss  train acc  valid loss  valid acc  seconds  samples/s"
                     : "epoch  valid loss  valid acc  seconds")
          .c_str());
  for (const EpochRecord& r : records) {
    if (wide)
      std::printf("%5lld  %10s  %9.4f  %10s  %9.4f  %7.2f  %9.0f\n",
                  static_cast<long long>(r.epoch), number("%.5f", r.train_loss).c_str(),
                  r.train_accuracy, number("%.5f", r.valid.loss).c_str(), r.valid.accuracy,
                  r.seconds, r.samples_per_second());
    else
      std::printf("%5lld  %10s  %9.4f  %7.2f\n", static_cast<long long>(r.epoch),
                  number("%.5f", r.valid.loss).c_str(), r.valid.accuracy, r.seconds);
  }
}

void print_confusion(const Terminal& terminal, const TestReport& report) {
  if (report.without_answer > 0)
    std::printf("\nno answer for %lld of %lld test images: the scores are no finite numbers\n",
                static_cast<long long>(report.without_answer),
                static_cast<long long>(report.evaluation.samples));
  struct Pair {
    std::int64_t count;
    std::size_t truth, answer;
  };
  std::vector<Pair> pairs;
  for (std::size_t t = 0; t < report.confusion.size(); ++t)
    for (std::size_t a = 0; a < report.confusion.size(); ++a)
      if (t != a && report.confusion[t][a] > 0) pairs.push_back({report.confusion[t][a], t, a});
  if (pairs.empty()) return;
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.count > b.count; });
  std::printf("\n%s\n", terminal.bold("most confused").c_str());
  std::string line;
  for (std::size_t i = 0; i < std::min<std::size_t>(pairs.size(), 5); ++i) {
    const std::string pair = std::to_string(pairs[i].truth) + " read as " +
                             std::to_string(pairs[i].answer) + ": " +
                             std::to_string(pairs[i].count);
    const std::string longer = line + (line.empty() ? "" : "   ") + pair;
    if (static_cast<int>(longer.size()) > terminal.width() && !line.empty()) break;
    line = longer;
  }
  std::printf("%s\n", line.c_str());
}

void print_misread(const Terminal& terminal, const TestReport& report,
                   const data::ImageData& data) {
  constexpr int caption_width = 22, gap = 2;
  const auto side = static_cast<int>(data.test.images.size(2));
  const int cell = std::max(side, caption_width);
  const std::size_t shown =
      std::min(report.misread.size(),
               static_cast<std::size_t>(std::clamp((terminal.width() + gap) / (cell + gap), 0, 4)));
  if (shown == 0) return;
  std::printf("\n%s\n", terminal.bold("misread, the surest first").c_str());
  std::vector<std::vector<std::string>> pictures;
  for (std::size_t i = 0; i < shown; ++i)
    pictures.push_back(picture(data.test.images[report.misread[i].row], terminal.has_utf8()));
  // Lines end with their last character that is not a space.
  const auto print = [](std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  };
  // Rows that are empty in all pictures are left out above and below.
  const auto is_empty = [&](std::size_t row) {
    return std::all_of(pictures.begin(), pictures.end(), [&](const auto& lines) {
      return lines[row].find_first_not_of(' ') == std::string::npos;
    });
  };
  std::size_t first = 0, last = pictures[0].size();
  while (first < last && is_empty(first)) ++first;
  while (last > first && is_empty(last - 1)) --last;
  for (std::size_t row = first; row < last; ++row) {
    std::string line;
    for (std::size_t i = 0; i < shown; ++i)
      line += pictures[i][row] + std::string(static_cast<std::size_t>(cell - side + gap), ' ');
    print(line);
  }
  std::string captions;
  for (std::size_t i = 0; i < shown; ++i) {
    const Misread& m = report.misread[i];
    char caption[64];
    std::snprintf(caption, sizeof caption, "a %lld, read as %lld (%.0f %%)",
                  static_cast<long long>(m.truth), static_cast<long long>(m.answer),
                  100 * m.confidence);
    std::string text = caption;
    text.resize(std::max(text.size(), static_cast<std::size_t>(cell + gap)), ' ');
    captions += text;
  }
  print(captions);
}

}  // namespace gradus::app
