// The pool: workers sleep on a condition variable; a job is a counter of pieces that everybody
// takes from. One job runs at a time; whoever finds the pool taken does its work alone.
#include <gradus/kernels/threads.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
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

struct Pool {
  std::mutex owner;  // held by the user thread whose job runs
  std::mutex mutex;  // guards everything below except `next`
  std::condition_variable work, done;
  std::vector<std::thread> workers;
  detail::Task task = nullptr;
  void* context = nullptr;
  Index count = 0, grain = 1;
  std::atomic<Index> next{0};
  int seats = 0;  // workers that may still join the job
  int busy = 0;   // workers inside it
  bool stopping = false;
  Index failed_piece = no_piece;
  std::exception_ptr failure;

  ~Pool() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    work.notify_all();
    for (std::thread& worker : workers) worker.join();
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
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [this] { return stopping || seats > 0; });
      if (stopping) return;
      --seats;
      ++busy;
      lock.unlock();
      take_pieces();
      lock.lock();
      if (--busy == 0) done.notify_one();
    }
  }

  void run(Index n, Index step, detail::Task f, void* data, int threads) {
    {
      const std::lock_guard lock(mutex);
      while (static_cast<int>(workers.size()) < threads - 1) {
        try {
          workers.emplace_back([this] { work_forever(); });
        } catch (const std::system_error&) {
          break;  // the system gives no more threads: fewer do the same work
        }
      }
      task = f;
      context = data;
      count = n;
      grain = step;
      next.store(0, std::memory_order_relaxed);
      seats = std::min(threads - 1, static_cast<int>(workers.size()));
    }
    work.notify_all();
    inside_task = true;
    take_pieces();
    inside_task = false;
    std::unique_lock lock(mutex);
    seats = 0;  // who has not come yet need not come
    done.wait(lock, [this] { return busy == 0; });
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

int find_default() {
  if (const char* text = std::getenv("GRADUS_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && n > 0 && n <= 4096) return static_cast<int>(n);
  }
  int cpus = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = std::max(1, CPU_COUNT(&mask));
  for (const int quota : {quota_of("/sys/fs/cgroup/cpu.max"), quota_v1()})
    if (quota > 0) cpus = std::min(cpus, quota);
#endif
  return cpus;
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
