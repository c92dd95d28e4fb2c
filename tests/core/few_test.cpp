// Few against std::vector, inside itself and beyond; the pool across threads.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gradus/core/counted.h>
#include <gradus/core/few.h>
#include <gradus/core/pool.h>
#include <gradus/core/storage.h>

namespace gradus {
namespace {

using Words = Few<std::string, 2>;

std::vector<std::string> list(const Words& words) { return {words.begin(), words.end()}; }

/// 0, 1, 2 elements lie inside, 3 and more on the heap.
Words words(std::size_t n) {
  Words result;
  for (std::size_t i = 0; i < n; ++i)
    result.push_back("a word too long to lie in a string " + std::to_string(i));
  return result;
}

TEST(Few, GrowsCopiesAndMovesLikeAVector) {
  for (std::size_t n = 0; n < 12; ++n) {
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < n; ++i)
      expected.push_back("a word too long to lie in a string " + std::to_string(i));
    Words original = words(n);
    EXPECT_EQ(original.size(), n);
    EXPECT_EQ(original.empty(), n == 0);
    EXPECT_EQ(list(original), expected);
    const Words copy = original;
    EXPECT_EQ(list(copy), expected);
    Words moved = std::move(original);
    EXPECT_EQ(list(moved), expected);
    EXPECT_TRUE(original.empty());  // NOLINT(bugprone-use-after-move): empty, and of use again
    original.push_back("again");
    EXPECT_EQ(list(original), std::vector<std::string>{"again"});
    for (std::size_t m = 0; m < 5; ++m) {
      Words target = words(m);
      target = moved;
      EXPECT_EQ(list(target), expected);
      target = std::move(target);  // NOLINT
      target = words(m);
      EXPECT_EQ(target.size(), m);
    }
  }
}

TEST(Few, ListsAndRanges) {
  EXPECT_EQ(list({"one", "two", "three"}), (std::vector<std::string>{"one", "two", "three"}));
  std::vector<std::string> source{"one", "two", "three"};
  const Words taken(std::move_iterator(source.begin()), std::move_iterator(source.end()));
  EXPECT_EQ(taken[2], "three");
  EXPECT_TRUE(source[2].empty());
}

TEST(Few, PushesItsOwnElement) {
  Words w = words(2);
  w.push_back(w[0]);
  EXPECT_EQ(w[2], w[0]);
}

// A thread's last objects outlive its pool, or go to another thread: nothing is lost or freed
// twice (sanitizers would say so).
TEST(Pool, ObjectsChangeThreads) {
  std::vector<std::shared_ptr<int>> given;
  for (int round = 0; round < 3; ++round) {
    std::thread([&] {
      given.clear();
      for (int i = 0; i < 1000; ++i) given.push_back(std::allocate_shared<int>(Pooled<int>(), i));
      thread_local std::shared_ptr<int> last;
      last = given.back();
    }).join();
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(*given[static_cast<std::size_t>(i)], i);
  }
}

struct Watched {
  Watched(std::shared_ptr<int> watched_) noexcept : watched(std::move(watched_)) {}
  std::atomic<std::uint32_t> pointers{1};
  std::shared_ptr<int> watched;
};

TEST(Counted, TheLastPointerDropsTheObject) {
  auto watched = std::make_shared<int>(1);
  Counted<Watched> a = Counted<Watched>::make(watched), b = a, c;
  EXPECT_FALSE(c);
  c = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_EQ(b.get(), c.get());
  b = {};
  c = *&c;
  EXPECT_EQ(watched.use_count(), 2);
  c = Counted<Watched>::make(nullptr);
  EXPECT_EQ(watched.use_count(), 1);
}

// Copies made and dropped by several threads at once: one of them drops the object, and only one.
TEST(Counted, PointersChangeThreads) {
  for (int round = 0; round < 50; ++round) {
    auto watched = std::make_shared<int>(1);
    Counted<Watched> first = Counted<Watched>::make(watched);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([mine = first] {
        for (int k = 0; k < 100; ++k) const Counted<Watched> copy = mine;
      });
    first = {};
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    EXPECT_EQ(watched.use_count(), 1);
  }
}

TEST(Storage, BytesAreCountedAcrossThreads) {
  const std::size_t before = memory_in_use();
  std::vector<Storage> given;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) given.push_back(Storage::allocate(60));
    EXPECT_EQ(memory_in_use(), before + 6000);
  }).join();
  EXPECT_EQ(memory_in_use(), before + 6000);
  std::thread([&] { given.resize(50); }).join();
  EXPECT_EQ(memory_in_use(), before + 3000);
  given.clear();
  EXPECT_EQ(memory_in_use(), before);
}

}  // namespace
}  // namespace gradus
