// Gradients of products and of losses. A product's gradient in one factor is the contraction of g
// with the other factors: one equation, its letters exchanged. Next: term_print.cpp.
#include <algorithm>

#include <gradus/see/gradient_call.h>

namespace gradus::see {
namespace {

Terms matmul(GradientCallRef c) {
  const std::string inner = "k";
  const auto letters = [](int count) {
    return std::string("bcdefgh").substr(0, std::size_t(count));
  };
  const int a_batch = std::max(c.rank(0) - 2, 0), b_batch = std::max(c.rank(1) - 2, 0);
  const std::string batch = letters(std::max(a_batch, b_batch));
  const std::string batch_a = batch.substr(batch.size() - static_cast<std::size_t>(a_batch));
  const std::string batch_b = batch.substr(batch.size() - static_cast<std::size_t>(b_batch));
  const std::string row = c.rank(0) > 1 ? "i" : "", column = c.rank(1) > 1 ? "j" : "";
  const std::string a = batch_a + row + inner, b = batch_b + inner + column,
                    g = batch + row + column;
  return {unbroadcast(contraction(g + "," + b + "->" + batch + row + inner, {c.g[0], c.x[1]}),
                      c.shape(0)),
          unbroadcast(contraction(a + "," + g + "->" + batch + inner + column, {c.x[0], c.g[0]}),
                      c.shape(1))};
}

/// "...ij" with the letters that the dots stand for.
std::string spelled(const std::string& term, std::size_t covered, std::size_t widest) {
  const std::size_t dots = term.find("...");
  if (dots == std::string::npos) return term;
  return term.substr(0, dots) + std::string("ABCDEFGH").substr(widest - covered, covered) +
         term.substr(dots + 3);
}

Terms einsum(GradientCallRef c) {
  std::string text;
  for (const char l : c.get<std::string>("equation"))
    if (l != ' ') text += l;
  const std::size_t arrow = text.find("->");
  std::vector<std::string> terms(1);
  for (const char l : text.substr(0, arrow)) {
    if (l == ',')
      terms.emplace_back();
    else
      terms.back() += l;
  }
  std::vector<std::size_t> covered;
  std::size_t widest = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool has_dots = terms[i].find("...") != std::string::npos;
    covered.push_back(has_dots ? c.shape(i).size() - (terms[i].size() - 3) : 0);
    widest = std::max(widest, covered.back());
  }
  std::map<char, int> seen;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    for (const char l : terms[i]) seen[l] += l != '.';
    terms[i] = spelled(terms[i], covered[i], widest);
  }
  std::string out;
  if (arrow == std::string::npos) {
    out = std::string("ABCDEFGH").substr(0, widest);
    for (const auto& [letter, count] : seen)
      if (count == 1) out += letter;
  } else {
    out = spelled(text.substr(arrow + 2), widest, widest);
  }
  std::map<char, std::int64_t> sizes;
  for (std::size_t i = 0; i < terms.size(); ++i)
    for (std::size_t k = 0; k < terms[i].size(); ++k) {
      std::int64_t& n = sizes.try_emplace(terms[i][k], 1).first->second;
      n = std::max(n, c.shape(i)[static_cast<int>(k)]);
    }
  Terms result;
  for (std::size_t p = 0; p < terms.size(); ++p) {
    std::string left = out, known = out, distinct;
    Terms factors{c.g[0]};
    for (std::size_t q = 0; q < terms.size(); ++q)
      if (q != p) {
        left += "," + terms[q];
        known += terms[q];
        factors.push_back(c.x[q]);
      }
    Shape one_each, all;  // of the axes of x[p]: the letters that come once, and all
    std::string right;
    for (const char l : terms[p]) {
      const bool first = distinct.find(l) == std::string::npos;
      if (first) distinct += l;
      const bool there = first && known.find(l) != std::string::npos;
      if (there) right += l;
      one_each.push_back(there ? sizes[l] : 1);
      all.push_back(sizes[l]);
    }
    const bool is_plain = factors.size() == 1 && right == out;
    Term t = is_plain ? c.g[0] : contraction(left + "->" + right, factors);
    t = stretch(reshaped(t, one_each), all);
    for (std::size_t i = 0; i < terms[p].size(); ++i)
      for (std::size_t j = i + 1; j < terms[p].size(); ++j)
        if (terms[p][i] == terms[p][j])
          t = t *
              compare(position(static_cast<int>(i), all), "==", position(static_cast<int>(j), all));
    result.push_back(unbroadcast(t, c.shape(p)));
  }
  return result;
}

/// The count that reduction = mean divides by.
double mean_count(GradientCallRef c) {
  return c.get<std::string>("reduction") == "mean" ? numel(c.shape()) : 1;
}

/// How many rows count, where it divides: where none does, the loss is 0/0, but what comes back is
/// 0.
Term at_least_one(const Term& count) { return map("max(x, 1)", {count}); }

/// nll and cross_entropy. With q, the weighted target probabilities, the loss is -sum q log p / W.
Terms class_loss(GradientCallRef c, bool from_scores) {
  const int axis = c.rank() == 1 ? 0 : 1;
  const Ints classes{axis};
  const auto count = static_cast<double>(c.shape()[axis]);
  Shape row = c.shape();
  row[axis] = 1;
  const std::string reduction = c.get<std::string>("reduction");
  const double smoothing = from_scores ? c.get<double>("label_smoothing") : 0;
  const bool is_mean = reduction == "mean";
  const Term x = c.x[0], g = reduction == "none" ? reshaped(c.g[0], row) : c.g[0];
  const Term p = from_scores ? softmax_of(x, axis) : Term();
  const Term log_p = from_scores ? map("log(x)", {p}) : x;
  Term weight = 1;
  if (c.x.size() == 3) {
    Shape column;
    for (int k = 0; k < c.rank(); ++k) column.push_back(k == axis ? c.shape()[axis] : 1);
    weight = reshaped(c.x[2], column);
  }
  const bool from_classes = c.shape(1) != c.shape() || !from_scores;
  if (from_classes && from_scores && c.x.size() == 2 && smoothing == 0) {
    // As in a textbook: softmax minus one-hot, in the rows that count.
    const Term label = reshaped(c.x[1], row);
    const Term counts =
        compare(label, "!=", static_cast<double>(c.get<std::int64_t>("ignore_index")));
    Ints all;
    for (int k = 0; k < c.rank(); ++k) all.push_back(k);
    const Term scaled = is_mean ? g / at_least_one(sum_over(counts, all)) : g;
    return {scaled * ((p - compare(position(axis, c.shape()), "==", label)) * counts), Term()};
  }
  Term hot, target, divisor = 1;
  if (from_classes) {
    const Term label = reshaped(c.x[1], row);
    hot = compare(position(axis, c.shape()), "==", label);
    target = hot;
    if (smoothing > 0) {
      const auto ignored = static_cast<double>(c.get<std::int64_t>("ignore_index"));
      target = Term(1 - smoothing) * hot + Term(smoothing / count) * compare(label, "!=", ignored);
    }
    const auto ignored = static_cast<double>(c.get<std::int64_t>("ignore_index"));
    if (0 <= ignored && ignored < count) {
      hot = hot * compare(label, "!=", ignored);
      target = target * compare(label, "!=", ignored);
    }
    if (is_mean) {
      Ints all;
      for (int k = 0; k < c.rank(); ++k) all.push_back(k);
      const Term counted = sum_over(hot, all);
      divisor = c.x.size() == 2 ? at_least_one(counted)
                                : select(compare(counted, "==", 0), 1, sum_over(hot * weight, all));
    }
  } else {
    target = smoothing > 0 ? Term(1 - smoothing) * c.x[1] + Term(smoothing / count) : c.x[1];
    if (is_mean) divisor = numel(c.shape()) / count;
  }
  const Term q = target * weight;
  const Term scaled = g / divisor;
  Terms result{scaled * (from_scores ? p * sum_over(q, classes, true) - q : -q), Term()};
  if (!from_classes) result[1] = -(scaled * (Term(1 - smoothing) * (log_p * weight)));
  if (c.x.size() == 3) {
    Term each = target * log_p;
    if (is_mean && from_classes) each = each + select(hot, c.y[0], 0);
    result.push_back(reshaped(unbroadcast(-(scaled * each), weight.shape()), c.shape(2)));
  }
  return result;
}

}  // namespace

const GradientTable& product_gradients() {
  static const GradientTable table{
      {"matmul", matmul},
      {"outer",
       [](GradientCallRef c) -> Terms {
         return {contraction("ij,j->i", {c.g[0], c.x[1]}),
                 contraction("i,ij->j", {c.x[0], c.g[0]})};
       }},
      {"dot",
       [](GradientCallRef c) -> Terms {
         return {c.g[0] * c.x[1], c.g[0] * c.x[0]};
       }},
      {"einsum", einsum},
      {"mse",
       [](GradientCallRef c) -> Terms {
         const Term d = Term(2) / Term(mean_count(c)) * (c.g[0] * (c.x[0] - c.x[1]));
         return {d, -d};
       }},
      {"nll", [](GradientCallRef c) { return class_loss(c, false); }},
      {"cross_entropy", [](GradientCallRef c) { return class_loss(c, true); }},
      {"binary_cross_entropy_with_logits",
       [](GradientCallRef c) -> Terms {
         const Term scaled = c.g[0] / Term(mean_count(c));
         return {scaled * (map("sigmoid(x)", {c.x[0]}) - c.x[1]), -(scaled * c.x[0])};
       }},
  };
  return table;
}

}  // namespace gradus::see
