// The lines, and the loop that asks; see quiz.h.
#include "quiz.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>

#include <gradus/core/diagnostic.h>

#include "json.h"

namespace lesson {
namespace {

using namespace gradus;

/// Zeros in the lesson's shapes: one number in memory, seen through a broadcast view.
Tensor of_shape(const Ints& shape, DType dtype = DType::f32) {
  return broadcast_to(zeros({}, dtype), shape);
}

/// The tensors that `line` names, with their shapes.
std::string shapes_in(const std::string& line, const std::map<std::string, Tensor>& names) {
  std::string given;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i;
    while (end < line.size() &&
           (std::isalnum(static_cast<unsigned char>(line[end])) || line[end] == '_'))
      ++end;
    const auto found = names.find(line.substr(i, end - i));
    if (found != names.end()) {
      const std::string text = found->first + " " + found->second.shape().str();
      if (given.find(text) == std::string::npos) given += (given.empty() ? "" : ", ") + text;
    }
    i = std::max(end, i + 1);
  }
  return given;
}

// The text of a line and the code that runs are one thing.
#define LINE(why, ...)                                                                      \
  Question {                                                                                \
#__VA_ARGS__, shapes_in(#__VA_ARGS__, names), [] { return (__VA_ARGS__).shape(); }, why \
  }

/// A line that a code warns of, and that is asked for because of that.
Question meant(const char* code, Question question) {
  question.run = [code, run = std::move(question.run)] {
    const Allow meant(code);
    return run();
  };
  return question;
}

std::vector<Question> make_questions() {
  static const Tensor x_train = of_shape({50000, 784}), y_train = of_shape({50000}, DType::i64),
                      x_valid = of_shape({10000, 784}), w1 = of_shape({784, 50}),
                      b1 = of_shape({50}), w2 = of_shape({50, 1}), b2 = of_shape({1}),
                      l1 = of_shape({50000, 50}), out_g = of_shape({50000, 1}),
                      pred = of_shape({50000, 10}), preds = of_shape({64, 10}),
                      yb = of_shape({64}, DType::i64), c = of_shape({3}), m = of_shape({3, 3}),
                      // Bytes, because one answer holds 10000 x 10000 numbers.
      res = of_shape({10000, 1}, DType::u8), y_valid = of_shape({10000}, DType::u8);
  const std::map<std::string, Tensor> names = {{"x_train", x_train},
                                               {"y_train", y_train},
                                               {"x_valid", x_valid},
                                               {"y_valid", y_valid},
                                               {"w1", w1},
                                               {"b1", b1},
                                               {"w2", w2},
                                               {"b2", b2},
                                               {"l1", l1},
                                               {"out_g", out_g},
                                               {"pred", pred},
                                               {"preds", preds},
                                               {"yb", yb},
                                               {"c", c},
                                               {"m", m},
                                               {"res", res}};
  return {
      LINE("the axis in the middle, 784, is summed over and goes", matmul(x_train, w1)),
      LINE("b1 is stretched over the rows: shapes are compared from the right, [50] fits [n,50]",
           matmul(x_train, w1) + b1),
      LINE("the model: 784 numbers in, 50 in the middle, one out, for each of 10000 images",
           matmul(clamp_min(matmul(x_valid, w1) + b1, 0), w2) + b2),
      LINE("an outer sum: [1,3] and [3,1] stretch to each other", c[newaxis] + c[{all, newaxis}]),
      LINE("a new axis of size 1 makes c a column, which is stretched along the columns of m",
           m + c[{all, newaxis}]),
      meant("B2", LINE("the trap: from the right, 1 meets 10000 and stretches, and 10000 meets "
                       "nothing",
                       res - y_valid)),
      LINE("an integer index takes its axis away, and then both are [10000]",
           res[{all, 0}] - y_valid),
      LINE("each newaxis is an axis of size 1, where it stands", res[{newaxis, all, newaxis}]),
      meant("S3",
            LINE("squeeze drops every axis of size 1", res[{newaxis, all, newaxis}].squeeze())),
      LINE("[50000,50,1] times [50000,1,1]: every input of an image with its output's gradient",
           l1.expand_dims(-1) * out_g.expand_dims(1)),
      LINE("summed over the images: one gradient for each weight, the shape of w2",
           (l1.expand_dims(-1) * out_g.expand_dims(1)).sum({0})),
      LINE("the same as a product: [50,50000] times [50000,1]", matmul(l1.T(), out_g)),
      LINE("j is summed, i and k stay: the transposed product again",
           einsum("ij,ik->jk", {l1, out_g})),
      LINE("the gradient of the input has the input's shape", matmul(out_g, w2.T())),
      LINE("the summed axis goes", exp(pred).sum({-1})),
      LINE("keepdims leaves it with size 1, so that the sums divide their rows",
           exp(pred).sum({-1}, true)),
      LINE("the largest of each row, and the column axis is gone", max(pred, -1).values),
      LINE("two lists of 50000 walk side by side: one number for each pair",
           pred[{arange(50000), y_train}]),
      LINE("one answer for each row", argmax(preds, 1)),
      LINE("a loss is one number, without axes: the shape is []", cross_entropy(preds, yb)),
      LINE("a slice stops where the data ends: 16 rows are left for the last batch of 64",
           x_train[Slice{49984, 50048}]),
      LINE("nn::Linear keeps its weight as [out,in], unlike w1 above", nn::Linear(784, 50).weight),
  };
}

#undef LINE

/// The numbers of an answer; nothing when there is anything else in it.
std::optional<std::vector<std::int64_t>> parse(const std::string& answer) {
  std::vector<std::int64_t> sizes;
  std::string words;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (!std::isdigit(static_cast<unsigned char>(answer[i]))) {
      if (!std::strchr(" \t\r,;x*[]()", answer[i])) words += answer[i];
      continue;
    }
    std::int64_t size = 0;
    for (; i < answer.size() && std::isdigit(static_cast<unsigned char>(answer[i])); ++i)
      size = std::min<std::int64_t>(size * 10 + (answer[i] - '0'), std::int64_t{1} << 50);
    sizes.push_back(size);
    --i;
  }
  if (words == "scalar" && sizes.empty()) return sizes;
  if (!words.empty()) return std::nullopt;
  if (sizes.empty() && answer.find_first_of("[(") == std::string::npos) return std::nullopt;
  return sizes;
}

}  // namespace

const std::vector<Question>& questions() {
  static const std::vector<Question> all_questions = make_questions();
  return all_questions;
}

Score quiz(std::istream& in, std::ostream& out, bool json) {
  Score score;
  if (!json) out << "What shape comes out? Write 64,10 or [] for one number; q ends the quiz.\n";
  const std::size_t count = questions().size();
  for (std::size_t i = 0; i < count; ++i) {
    const Question& q = questions()[i];
    if (!json) {
      out << "\n" << i + 1 << " of " << count << "   " << q.line << "\n";
      if (!q.given.empty()) out << "   with " << q.given << "\n";
      out << "   shape: " << std::flush;
    }
    std::string answer;
    if (!std::getline(in, answer) || answer == "q") {
      if (!json) out << "\n";
      break;
    }
    const Shape shape = q.run();
    const std::optional<std::vector<std::int64_t>> sizes = parse(answer);
    const bool right = sizes && *sizes == shape.to_vector();
    ++score.asked;
    score.right += right;
    if (json)
      out << "{\"question\":" << i + 1 << ",\"line\":" << json_text(q.line)
          << ",\"given\":" << json_text(q.given) << ",\"answer\":" << json_text(answer)
          << ",\"shape\":" << json_text(shape.str()) << ",\"right\":" << (right ? "true" : "false")
          << ",\"why\":" << json_text(q.why) << "}\n";
    else if (right)
      out << "   right: " << q.why << "\n";
    else
      out << "   no, " << shape.str() << ": " << q.why
          << (sizes ? "" : "\n   (an answer is numbers: 64,10)") << "\n";
  }
  if (json)
    out << "{\"right\":" << score.right << ",\"asked\":" << score.asked << ",\"of\":" << count
        << "}\n";
  else
    out << "\nscore: " << score.right << " of " << score.asked
        << (score.asked < static_cast<int>(count) ? " asked" : "") << "\n";
  return score;
}

}  // namespace lesson
