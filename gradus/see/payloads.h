// Payloads: which elements of a tape are kept, within a budget. The oldest go first; those around
// the place where a NaN or an infinity began stay, up to half of the budget. Every entry is looked
// at a fixed number of times, however many there are. recorder.h is the user.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gradus/see/tape.h>

namespace gradus::see {

class Payloads {
 public:
  /// `budget` in bytes; the tape must live as long.
  Payloads(Tape& tape, std::int64_t budget) : tape_(tape), budget_(budget) {}

  /// Counts the payload that the value has just got; what is too much goes.
  void hold(TapeIndex value);
  /// The value's payload goes, whatever else.
  void let_go(TapeIndex value);
  /// All go but those that `stays` names.
  void let_go_unless(const std::function<bool(TapeIndex value)>& stays);
  /// The value's payload, when its turn to go comes, stays if half of the budget has room for it.
  void pin(TapeIndex value) { pinned_.insert(value); }

  /// The values that hold bytes of this storage.
  std::vector<TapeIndex> holders(const void* storage) const;
  /// A value of that version and dtype whose payload has the same elements as x, once each; none
  /// where there is none.
  TapeIndex same_as(const Tensor& x, std::uint64_t version);
  /// Bytes of all payloads, and of those that stay; a storage counts once.
  std::int64_t bytes() const { return bytes_; }
  std::int64_t pinned_bytes() const { return pinned_bytes_; }
  /// How many entries were looked at so far, to see that the work grows with the tape and no
  /// faster, also where all views are of one storage (the rows of a data set).
  std::int64_t looked_at() const { return looked_at_; }

 private:
  using View = std::pair<std::int64_t, std::int64_t>;  // offset and number of elements
  struct Holders {
    std::multimap<View, TapeIndex> values;
    bool is_pinned = false;
  };
  bool drop_oldest();

  Tape& tape_;
  std::int64_t budget_, bytes_ = 0, pinned_bytes_ = 0, looked_at_ = 0;
  std::unordered_map<const void*, Holders> by_storage_;
  std::deque<TapeIndex> order_;  // oldest first; a value may stand there more than once
  std::unordered_set<TapeIndex> pinned_;
};

}  // namespace gradus::see
