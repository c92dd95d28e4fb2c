// Which elements a tape keeps within its budget, and how much work that is.
#include <gradus/ops/ops.h>
#include <gradus/see/payloads.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/see/nth.h"

using namespace gradus;
using see::Tape;
using see::TapeIndex;
using test::nth;
using testing::ElementsAre;

namespace {

/// A tape with `count` values of 8 bytes, the payloads of which are then given to `payloads`: each
/// a number of its own, or an element of `whole`.
void fill(Tape& tape, see::Payloads& payloads, TapeIndex count, bool pinned, Tensor whole = {}) {
  for (TapeIndex i = 0; i < count; ++i) {
    see::TapeValue value;
    value.payload = whole ? whole[i] : Tensor::scalar(static_cast<double>(i), DType::f64);
    value.spec = value.payload.spec();
    tape.values.push_back(value);
    if (pinned) payloads.pin(i);
    payloads.hold(i);
  }
}

TEST(Payloads, WorkGrowsWithTheTapeAndNoFasterWhateverIsPinned) {
  for (const bool pinned : {false, true})
    for (const TapeIndex count : {100, 10000}) {
      Tape tape;
      see::Payloads payloads(tape, 100 * 8);
      fill(tape, payloads, count, pinned);
      EXPECT_LE(payloads.looked_at(), 2 * count);  // when its turn comes, and among its storage's
      EXPECT_LE(payloads.bytes(), 800);
      EXPECT_EQ(payloads.bytes(), tape.payload_bytes());
      EXPECT_EQ(payloads.pinned_bytes(), pinned && count > 100 ? 400 : 0);
    }
}

/// The rows that a data set hands out one by one are all views of one storage.
TEST(Payloads, WorkGrowsNoFasterWhereAllAreViewsOfOneStorage) {
  for (const TapeIndex count : {100, 10000}) {
    Tape tape;
    see::Payloads payloads(tape, 1 << 20);
    const Tensor whole = zeros({count}, DType::f64);
    fill(tape, payloads, count, false, whole);
    EXPECT_EQ(payloads.bytes(), count * 8);
    EXPECT_EQ(payloads.holders(whole.storage().data()).size(), static_cast<std::size_t>(count));
    for (TapeIndex i = 0; i < count; ++i) {
      EXPECT_EQ(payloads.same_as(reshape(whole[i], {1, 1}), whole.storage().version()), i);
      EXPECT_EQ(payloads.same_as(whole[i], whole.storage().version() + 1), see::none);
    }
    EXPECT_EQ(payloads.same_as(whole, whole.storage().version()), see::none);
    for (TapeIndex i = 0; i < count; ++i) payloads.let_go(i);
    EXPECT_LE(payloads.looked_at(), 3 * count);
    EXPECT_EQ(payloads.bytes(), 0);
    EXPECT_TRUE(payloads.holders(whole.storage().data()).empty());
  }
}

TEST(Payloads, TheEarliestPinsStayAndTheRestIsTheLatest) {
  Tape tape;
  see::Payloads payloads(tape, 10 * 8);
  fill(tape, payloads, 30, true);
  std::vector<TapeIndex> kept;
  for (TapeIndex i = 0; i < 30; ++i)
    if (nth(tape.values, i).payload) kept.push_back(i);
  EXPECT_THAT(kept, ElementsAre(0, 1, 2, 3, 4, 25, 26, 27, 28, 29));
  payloads.let_go(0);
  EXPECT_EQ(payloads.pinned_bytes(), 32);
  payloads.let_go_unless([](TapeIndex v) { return v == 29; });
  EXPECT_FALSE(nth(tape.values, 28).payload);
  EXPECT_TRUE(nth(tape.values, 29).payload);
}

}  // namespace
