// Spare memory: what comes back is reused for its size alone, never more than the limit is kept,
// threads and forked children get along.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <gradus/core/spare.h>

namespace gradus::detail {
namespace {

std::byte* written(std::size_t bytes) {
  std::byte* block = take_block(bytes);
  std::memset(block, 1, bytes);
  return block;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Spare, ABlockComesBackForItsOwnSizeOnly) {
  const std::size_t bytes = (1 << 16) + 64;
  std::byte* first = written(bytes);
  give_block(first, bytes);
  std::byte* other = written(bytes + 64);
  EXPECT_NE(first, other);
  std::byte* again = take_block(bytes);
  EXPECT_EQ(first, again);
  give_block(again, bytes);
  give_block(other, bytes + 64);
}

TEST(Spare, TheOldestGoWhenThereIsTooMuch) {
  const std::size_t bytes = largest_spare - 64;
  std::vector<std::byte*> blocks;
  for (std::size_t i = 0; i < most_spare / bytes + 1; ++i) blocks.push_back(written(bytes));
  for (std::byte* block : blocks) give_block(block, bytes);
  // The first went back to the system when the last one came.
  for (std::size_t i = blocks.size(); i-- > 1;) EXPECT_EQ(blocks[i], take_block(bytes));
  for (std::size_t i = 1; i < blocks.size(); ++i) give_block(blocks[i], bytes);
}
#endif

TEST(Spare, SmallAndLargeBlocksAndManyOfThem) {
  for (const std::size_t bytes : {std::size_t{100}, smallest_spare - 1, largest_spare + 1,
                                  smallest_mapped - 1, smallest_mapped, smallest_mapped + 4097})
    give_block(written(bytes), bytes);
  std::vector<std::byte*> blocks;
  for (std::size_t i = 0; i < 100; ++i) blocks.push_back(written(smallest_spare + i));
  for (std::size_t i = 0; i < 100; ++i) give_block(blocks[i], smallest_spare + i);
}

TEST(Spare, NobodyGetsABlockThatAnotherHolds) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 500; ++round) {
        const std::size_t bytes = smallest_spare + static_cast<std::size_t>(round % 3);
        std::byte* block = take_block(bytes);
        std::memset(block, t, bytes);
        std::this_thread::yield();
        for (std::size_t i = 0; i < bytes; i += 997)
          if (block[i] != static_cast<std::byte>(t)) ++wrong;
        give_block(block, bytes);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(0, wrong);
}

#if !defined(__SANITIZE_THREAD__)  // its runtime does not follow a threaded process through fork
TEST(Spare, AForkedChildTakesAndGives) {
  const pid_t child = fork();
  ASSERT_NE(-1, child);
  if (child == 0) {
    give_block(written(1 << 17), 1 << 17);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace
}  // namespace gradus::detail
