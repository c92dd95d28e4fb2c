// Reading limits and looking for what lies within; see range.h.
#include <gradus/ops/ops.h>
#include <gradus/see/range.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace gradus::see {
namespace {

/// "[a,b]" or "a,b"; blanks are free.
std::pair<double, double> limits_from(std::string_view given) {
  std::string text(trimmed(given));
  const auto fail = [&] {
    throw ValueError("'" + std::string(given) + "' is no range", "-r [0,1], -r [-inf,-1]");
  };
  if (text.starts_with('[') != text.ends_with(']') || text.size() < 3) fail();
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  const std::size_t comma = text.find(',');
  if (comma == text.npos) fail();
  const auto number_from = [&](const std::string& word) {
    char* end = nullptr;
    const double value = std::strtod(word.c_str(), &end);
    if (end == word.c_str() || !trimmed(end).empty() || std::isnan(value)) fail();
    return value;
  };
  const std::pair limits{number_from(text.substr(0, comma)), number_from(text.substr(comma + 1))};
  if (limits.first > limits.second)
    throw ValueError("the range '" + std::string(given) + "' is empty", "the lower end goes first");
  return limits;
}

}  // namespace

InRange in_range(const Tensor& x, std::string_view limits) {
  InRange range;
  std::tie(range.low, range.high) = limits_from(limits);
  range.count = x.numel();
  const Shape& shape = x.shape();
  const std::vector<double> elements = x.to_vector<double>();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!(elements[i] >= range.low && elements[i] <= range.high)) continue;
    range.found.push_back({index_at(shape, static_cast<std::int64_t>(i)), elements[i]});
  }
  return range;
}

std::string range_text(const InRange& range) {
  constexpr std::size_t most = 10;
  std::string text = std::to_string(range.found.size()) + " of " + std::to_string(range.count) +
                     " elements lie in [" + number(range.low) + ", " + number(range.high) + "]\n";
  for (std::size_t i = 0; i < std::min(most, range.found.size()); ++i)
    text += "  " + index_text(range.found[i].index) + " " + number(range.found[i].value) + "\n";
  if (range.found.size() <= most) return text;
  const auto largest = std::max_element(
      range.found.begin(), range.found.end(),
      [](const auto& a, const auto& b) { return std::fabs(a.value) < std::fabs(b.value); });
  return text + "  and " + std::to_string(range.found.size() - most) + " more; the largest is " +
         index_text(largest->index) + " " + number(largest->value) + "\n";
}

}  // namespace gradus::see
