// parallel_for: every index once, nested and concurrent calls, fork.
#include <gradus/kernels/threads.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <thread>
#include <vector>

namespace gradus::kernels {
namespace {

TEST(ThreadsInTheEnvironment, AreWholeNumbersInTheirRange) {
  EXPECT_EQ(threads_in("1"), 1);
  EXPECT_EQ(threads_in("4096"), 4096);
  for (const char* text : {"", "0", "-2", "4097", "two", "2 ", " 2", "2.5", "99999999999999999999"})
    EXPECT_EQ(threads_in(text), 0) << text;
}

class Threads : public ::testing::Test {
 protected:
  void TearDown() override { set_num_threads(0); }
};

/// How often each of n indices was visited, summed over `rounds` rounds; 1 per round is right.
bool each_once(std::int64_t n, std::int64_t grain) {
  std::vector<int> visits(static_cast<std::size_t>(n));
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
  });
  for (int v : visits)
    if (v != 1) return false;
  return true;
}

TEST_F(Threads, VisitsEveryIndexOnce) {
  for (int threads : {1, 2, 3, 4, 8, 2, 1}) {
    set_num_threads(threads);
    EXPECT_EQ(threads, num_threads());
    for (std::int64_t n : {0, 1, 2, 7, 64, 1000})
      for (std::int64_t grain : {1, 3, 64}) EXPECT_TRUE(each_once(n, grain)) << n << " " << grain;
  }
}

TEST_F(Threads, ManyShortJobs) {
  set_num_threads(4);
  std::atomic<std::int64_t> sum{0};
  for (int round = 0; round < 2000; ++round)
    parallel_for(8, 1, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
  EXPECT_EQ(16000, sum);
}

TEST_F(Threads, PiecesDependOnSizeAlone) {
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    std::vector<std::int64_t> ends(4);
    parallel_for(10, 3, [&](std::int64_t begin, std::int64_t end) {
      ends[static_cast<std::size_t>(begin / 3)] = end;
    });
    EXPECT_EQ((std::vector<std::int64_t>{3, 6, 9, 10}), ends);
  }
}

TEST_F(Threads, NestedCallsRunInline) {
  set_num_threads(4);
  std::atomic<int> total{0};
  parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
    const std::thread::id me = std::this_thread::get_id();
    parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
      if (std::this_thread::get_id() == me) ++total;
    });
  });
  EXPECT_EQ(64, total);
}

TEST_F(Threads, SeveralUserThreads) {
  set_num_threads(3);
  std::atomic<int> right{0};
  std::vector<std::thread> users;
  for (int u = 0; u < 4; ++u)
    users.emplace_back([&] {
      for (int round = 0; round < 200; ++round) right += each_once(100, 7);
    });
  for (std::thread& user : users) user.join();
  EXPECT_EQ(800, right);
}

TEST_F(Threads, TheFirstPiecesExceptionReachesTheCaller) {
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    for (int round = 0; round < 50; ++round) {
      std::int64_t caught = -1;
      try {
        parallel_for(20, 1, [](std::int64_t begin, std::int64_t) {
          if (begin % 7 == 5) throw begin;
        });
      } catch (std::int64_t piece) {
        caught = piece;
      }
      EXPECT_EQ(5, caught);
      EXPECT_TRUE(each_once(100, 1));
    }
  }
}

TEST_F(Threads, DefaultIsPositive) {
  set_num_threads(0);
  EXPECT_GE(num_threads(), 1);
}

TEST_F(Threads, ARegionKeepsThePoolForItsThread) {
  set_num_threads(3);
  const Region region;
  const Region inside;  // does nothing
  EXPECT_TRUE(each_once(1000, 3));
  bool was_alone = true;
  std::thread([&] {
    const std::thread::id me = std::this_thread::get_id();
    std::atomic<int> strangers{0};
    parallel_for(
        100, 1, [&](std::int64_t, std::int64_t) { strangers += std::this_thread::get_id() != me; });
    const Region refused;
    was_alone = strangers == 0 && each_once(100, 1);
  }).join();
  EXPECT_TRUE(was_alone);
  for (int round = 0; round < 100; ++round)
    EXPECT_THROW(parallel_for(20, 1, [](std::int64_t, std::int64_t) { throw 1; }), int);
  EXPECT_TRUE(each_once(1000, 3)) << "as before after an exception";
}

TEST_F(Threads, ThePoolIsFreeAfterARegion) {
  set_num_threads(4);
  for (int round = 0; round < 300; ++round) {
    const Region region;
    for (int job = 0; job < 3; ++job) EXPECT_TRUE(each_once(20, 1));
    if (round % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // they sleep
  }
  bool is_free = false;
  std::thread([&] {
    const Region region;
    is_free = each_once(100, 1);
  }).join();
  EXPECT_TRUE(is_free);
}

TEST_F(Threads, PiecesRunInTheCallersFloatingModes) {
  set_num_threads(2);
  const auto third = [] {
    volatile float one = 1, three = 3;
    return one / three;
  };
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TONEAREST}) {
    std::fesetround(mode);
    const float wanted = third();
    float got[2] = {};
    std::atomic<int> here{0};
    parallel_for(2, 1, [&](std::int64_t begin, std::int64_t) {
      const auto start = std::chrono::steady_clock::now();
      for (++here; here < 2;)  // each piece has a thread of its own
        if (std::chrono::steady_clock::now() - start > std::chrono::seconds(30)) return;
      got[begin] = third();
    });
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(got[0], wanted) << mode;
    EXPECT_EQ(got[1], wanted) << mode;
  }
}

#if !defined(__SANITIZE_THREAD__)  // its runtime does not follow a threaded process through fork
TEST_F(Threads, ChildAfterForkWorks) {
  set_num_threads(3);
  EXPECT_TRUE(each_once(100, 1));
  const pid_t child = fork();
  ASSERT_NE(-1, child);
  if (child == 0) _exit(each_once(100, 1) && each_once(50, 2) ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(each_once(100, 1));
}

TEST_F(Threads, ChildAfterForkInARegionWorks) {
  set_num_threads(3);
  const Region region;
  EXPECT_TRUE(each_once(100, 1));
  const pid_t child = fork();
  ASSERT_NE(-1, child);
  if (child == 0) {
    const Region own;
    _exit(each_once(100, 1) && each_once(50, 2) ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(each_once(100, 1));
}
#endif

}  // namespace
}  // namespace gradus::kernels
