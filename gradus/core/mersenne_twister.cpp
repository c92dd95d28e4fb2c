// The recurrence of MT19937; see mersenne_twister.h.
#include <gradus/core/mersenne_twister.h>

#include <istream>
#include <ostream>

namespace gradus {
namespace {

constexpr std::size_t middle = 397;

/// The first bit of one word and the others of the next, multiplied by the matrix A.
std::uint32_t twisted(std::uint32_t word, std::uint32_t following) {
  const std::uint32_t mixed = (word & 0x80000000u) | (following & 0x7FFFFFFFu);
  return (mixed >> 1) ^ ((0u - (mixed & 1u)) & 0x9908B0DFu);
}

}  // namespace

void MersenneTwister::seed(std::uint32_t seed) {
  state_[0] = seed;
  for (std::size_t k = 1; k < size; ++k)
    state_[k] =
        1812433253u * (state_[k - 1] ^ (state_[k - 1] >> 30)) + static_cast<std::uint32_t>(k);
  next_ = size;
}

void MersenneTwister::refill() {
  std::uint32_t* x = state_.data();
  // Word k needs word k + 397 modulo 624: first the old ones behind it, then the new ones before.
  for (std::size_t k = 0; k < size - middle; ++k) x[k] = x[k + middle] ^ twisted(x[k], x[k + 1]);
  for (std::size_t k = size - middle; k < size - 1; ++k)
    x[k] = x[k + middle - size] ^ twisted(x[k], x[k + 1]);
  x[size - 1] = x[middle - 1] ^ twisted(x[size - 1], x[0]);
  temper();
  next_ = 0;
}

void MersenneTwister::temper() {
  for (std::size_t k = 0; k < size; ++k) {
    std::uint32_t word = state_[k];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9D2C5680u;
    word ^= (word << 15) & 0xEFC60000u;
    words_[k] = word ^ (word >> 18);
  }
}

std::ostream& operator<<(std::ostream& out, const MersenneTwister& twister) {
  for (const std::uint32_t word : twister.state_) out << word << ' ';
  return out << twister.next_;
}

std::istream& operator>>(std::istream& in, MersenneTwister& twister) {
  MersenneTwister::Block state{};
  std::size_t next = 0;
  for (std::uint32_t& word : state) in >> word;
  in >> next;
  if (next > MersenneTwister::size) in.setstate(std::ios::failbit);
  if (!in) return in;
  twister.state_ = state;
  twister.next_ = next;
  twister.temper();
  return in;
}

}  // namespace gradus
