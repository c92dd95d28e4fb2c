// The pool: workers wait at a door, awake for a while and then asleep; a job is a counter of pieces
// that everybody takes from. One job runs at a time; whoever finds the pool taken does its work
// alone.
#include <gradus/kernels/threads.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace gradus::kernels {
namespace {

using Index = std::int64_t;
thread_local bool inside_task = false;
std::atomic<int> requested{0};

constexpr Index no_piece = std::numeric_limits<Index>::max();

/// CPUs of the affinity mask, limited by the cgroup's quota.
int available_cpus();

/// Tells the processor that this thread waits for another one's write.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

struct Pool {
  // The door of the pool, in one word: workers inside, seats still free, and whether all is over.
  static constexpr std::uint32_t one_inside = 1, one_seat = 1u << 15, over = 1u << 31;
  static constexpr std::uint32_t inside_bits = one_seat - 1, seat_bits = over - one_seat;
  static constexpr int longest_patience = 2000;  // looks before sleep, some 20 to 80 us

  std::mutex owner;  // held by the user thread whose job runs
  std::vector<std::thread> workers;
  // A job: written while the door is shut and nobody is inside, read inside.
  detail::Task task = nullptr;
  void* context = nullptr;
  Index count = 0, grain = 1;
  alignas(64) std::atomic<Index> next{0};
  alignas(64) std::atomic<std::uint32_t> door{0};
  std::atomic<int> patience{0};
  std::mutex mutex;  // guards the two below
  Index failed_piece = no_piece;
  std::exception_ptr failure;

  ~Pool() {
    door.fetch_or(over);
    door.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  /// Looks at the door until `ready` of it: for a while at once, as jobs follow each other within
  /// microseconds and waking takes longer; then asleep.
  template <class Ready>
  std::uint32_t wait_for(Ready ready) {
    std::uint32_t seen = door.load();
    for (int left = patience.load(std::memory_order_relaxed); left > 0 && !ready(seen); --left) {
      pause();
      seen = door.load();
    }
    for (; !ready(seen); seen = door.load()) door.wait(seen);
    return seen;
  }

  void take_pieces() {
    const Index pieces = (count + grain - 1) / grain;
    for (Index piece; (piece = next.fetch_add(1, std::memory_order_relaxed)) < pieces;) try {
        task(context, piece * grain, std::min(count, (piece + 1) * grain));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (piece < failed_piece) {
          failed_piece = piece;
          failure = std::current_exception();
        }
      }
  }

  void work_forever() {
    inside_task = true;
    while (true) {
      std::uint32_t seen = wait_for([](std::uint32_t d) { return (d & (seat_bits | over)) != 0; });
      if (seen & over) return;
      if (!door.compare_exchange_strong(seen, seen - one_seat + one_inside)) continue;
      take_pieces();
      if ((door.fetch_sub(one_inside) & inside_bits) == one_inside) door.notify_all();
    }
  }

  void run(Index n, Index step, detail::Task f, void* data, int threads) {
    while (static_cast<int>(workers.size()) < threads - 1) {
      try {
        workers.emplace_back([this] { work_forever(); });
      } catch (const std::system_error&) {
        break;  // the system gives no more threads: fewer do the same work
      }
    }
    static const int cpus = available_cpus();  // more threads than CPUs must not look for long:
    patience.store(threads <= cpus ? longest_patience : 0, std::memory_order_relaxed);
    task = f;
    context = data;
    count = n;
    grain = step;
    next.store(0, std::memory_order_relaxed);
    const int seats = std::min(threads - 1, static_cast<int>(workers.size()));
    door.store(static_cast<std::uint32_t>(seats) * one_seat);
    door.notify_all();
    inside_task = true;
    take_pieces();
    inside_task = false;
    door.fetch_and(inside_bits);  // who has not come yet need not come
    wait_for([](std::uint32_t d) { return (d & inside_bits) == 0; });
    failed_piece = no_piece;
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }
};

// The pool of this process. After fork the child drops the parent's, whose threads it does not
// have; the dropped one stays reachable because its mutexes may be held for ever.
struct Holder {
  std::atomic<Pool*> pool{new Pool};
  std::atomic<Pool*> dropped{nullptr};
  std::atomic<bool> gone{false};
  Holder() {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { holder().forget(); });
#endif
  }
  ~Holder() {
    gone = true;
    delete pool.exchange(nullptr);
  }
  void forget() {
    if (gone) return;
    dropped = pool.exchange(new Pool);
    inside_task = false;
  }
  static Holder& holder() {
    static Holder instance;
    return instance;
  }
};

#if defined(__linux__)
/// CPUs that the quota file allows, or 0 when it does not say. cgroup v2: "max 100000" or
/// "200000 100000".
int quota_of(const char* path) {
  std::FILE* file = std::fopen(path, "r");
  if (!file) return 0;
  long long quota = 0, period = 0;
  const int read = std::fscanf(file, "%lld %lld", &quota, &period);
  std::fclose(file);
  if (read != 2 || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::max(1LL, (quota + period - 1) / period));
}

int quota_v1() {
  long long values[2] = {0, 0};
  const char* paths[2] = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                          "/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
  for (int i = 0; i < 2; ++i) {
    std::FILE* file = std::fopen(paths[i], "r");
    if (!file) return 0;
    const int read = std::fscanf(file, "%lld", &values[i]);
    std::fclose(file);
    if (read != 1 || values[i] <= 0) return 0;
  }
  return static_cast<int>(std::max(1LL, (values[0] + values[1] - 1) / values[1]));
}
#endif

int available_cpus() {
  int cpus = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = std::max(1, CPU_COUNT(&mask));
  for (const int quota : {quota_of("/sys/fs/cgroup/cpu.max"), quota_v1()})
    if (quota > 0) cpus = std::min(cpus, quota);
#endif
  return cpus;
}

int find_default() {
  if (const char* text = std::getenv("GRADUS_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && n > 0 && n <= 4096) return static_cast<int>(n);
  }
  return available_cpus();
}

}  // namespace

int num_threads() {
  const int n = requested.load(std::memory_order_relaxed);
  if (n > 0) return n;
  static const int by_default = find_default();
  return by_default;
}

void set_num_threads(int n) { requested.store(std::max(0, n), std::memory_order_relaxed); }

namespace detail {

void run_tasks(Index count, Index grain, Task task, void* context) {
  const Index pieces = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<Index>(num_threads(), pieces));
  Pool* pool = nullptr;
  if (threads > 1 && !inside_task) pool = Holder::holder().pool.load();
  if (pool) {
    const std::unique_lock owner(pool->owner, std::try_to_lock);
    if (owner) return pool->run(count, grain, task, context, threads);
  }
  for (Index begin = 0; begin < count; begin += grain)
    task(context, begin, std::min(count, begin + grain));
}

}  // namespace detail
}  // namespace gradus::kernels
