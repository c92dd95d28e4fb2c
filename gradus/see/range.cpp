// Reading limits and looking for what lies within; see range.h.
#include <gradus/ops/ops.h>
#include <gradus/see/range.h>
#include <gradus/see/words.h>

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
  return {number_from(text.substr(0, comma)), number_from(text.substr(comma + 1))};
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
    Ints index(shape.size(), 0);
    auto place = static_cast<std::int64_t>(i);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[static_cast<std::size_t>(axis)] = place % shape[axis];
      place /= shape[axis];
    }
    range.found.push_back({index, elements[i]});
  }
  return range;
}

std::string range_text(const InRange& range) {
  constexpr std::size_t most = 10;
  std::string text = std::to_string(range.found.size()) + " of " + std::to_string(range.count) +
                     " elements lie in [" + number(range.low) + ", " + number(range.high) + "]\n";
  for (std::size_t i = 0; i < std::min(most, range.found.size()); ++i) {
    const InRange::Element& e = range.found[i];
    std::string index;
    for (const std::int64_t k : e.index) index += (index.empty() ? "" : ",") + std::to_string(k);
    text += "  [" + index + "] " + number(e.value) + "\n";
  }
  return text + (range.found.size() > most ? "  ...\n" : "");
}

}  // namespace gradus::see
