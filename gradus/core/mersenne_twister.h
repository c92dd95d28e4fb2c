// MersenneTwister: the generator MT19937, whose words are made 624 at a time, in loops that the
// compiler vectorises.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

namespace gradus {

/// The words of std::mt19937, also its text. (M. Matsumoto and T. Nishimura, "Mersenne Twister: a
/// 623-dimensionally equidistributed uniform pseudo-random number generator", 1998)
class MersenneTwister {
 public:
  explicit MersenneTwister(std::uint32_t seed = 5489) { this->seed(seed); }
  void seed(std::uint32_t seed);

  std::uint32_t operator()() {
    if (next_ == size) refill();
    return words_[next_++];
  }
  /// Draws n words as operator() would: calls use(words, m) with the next m <= n of them until all
  /// were drawn.
  template <class Use>
  void draw(std::int64_t n, Use&& use) {
    while (n > 0) {
      if (next_ == size) refill();
      const std::size_t m = std::min(static_cast<std::size_t>(n), size - next_);
      use(words_.data() + next_, m);
      next_ += m;
      n -= static_cast<std::int64_t>(m);
    }
  }

  /// The state as std::mt19937 writes it: 624 numbers and how many of them are used up.
  friend std::ostream& operator<<(std::ostream& out, const MersenneTwister& twister);
  /// Sets failbit where the text is none of these, and changes nothing then.
  friend std::istream& operator>>(std::istream& in, MersenneTwister& twister);

 private:
  static constexpr std::size_t size = 624;
  using Block = std::array<std::uint32_t, size>;

  void refill();
  void temper();

  Block state_{}, words_{};  // words_: what is drawn, made from the state
  std::size_t next_ = size;
};

}  // namespace gradus
