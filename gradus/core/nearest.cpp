// Edits between words; see nearest.h.
#include <gradus/core/nearest.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace gradus {
namespace {

bool is_same(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

/// Damerau's and Levenshtein's distance, each pair of letters exchanged at most once (optimal
/// string alignment); capital letters are as good as small ones.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + !is_same(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& words) {
  std::string best;
  // One edit in three letters; more make another word, and so does any in a single letter.
  std::size_t least = (word.size() + 1) / 3 + 1;
  for (const std::string& other : words)
    if (const std::size_t n = edits(word, other); n < least) {
      least = n;
      best = other;
    }
  if (!best.empty() || word.empty()) return best;
  const auto begins = [&](const std::string& other) { return other.starts_with(word); };
  const auto first = std::find_if(words.begin(), words.end(), begins);
  return first != words.end() && std::find_if(first + 1, words.end(), begins) == words.end()
             ? *first
             : std::string();
}

}  // namespace gradus
