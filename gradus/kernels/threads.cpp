// The pool: workers wait at a door, awake for a while and then asleep; a job is a counter of pieces
// that everybody takes from. One job runs at a time; whoever finds the pool taken does its work
// alone.
#include <gradus/kernels/available_cpus.h>
#include <gradus/kernels/threads.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace gradus::kernels {
namespace {

using Index = std::int64_t;
thread_local bool inside_task = false;
std::atomic<int> requested{0};

constexpr Index no_piece = std::numeric_limits<Index>::max();

/// Tells the processor that this thread waits for another one's write.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

/// How this thread's floating arithmetic rounds and treats subnormal numbers; without the flags of
/// what happened.
inline std::uint64_t floating_modes() {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr() & ~0x3fu;
#elif defined(__aarch64__)
  std::uint64_t modes;
  asm volatile("mrs %0, fpcr" : "=r"(modes));
  return modes;
#else
  return 0;
#endif
}
inline void set_floating_modes(std::uint64_t modes) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(static_cast<unsigned>(modes));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(modes));
#else
  (void)modes;
#endif
}

struct Pool {
  // The door of the pool, in one word: workers inside, seats still free, whether a region has its
  // workers called, and whether all is over.
  static constexpr std::uint32_t one_inside = 1, one_seat = 1u << 15, in_region = 1u << 30,
                                 over = 1u << 31;
  static constexpr std::uint32_t inside_bits = one_seat - 1, seat_bits = in_region - one_seat;
  // How long somebody looks before sleep. Waking takes some 50 us, and operations that a person
  // calls one by one are up to some 100 us apart.
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::duration patience = std::chrono::microseconds(500),
                                   patience_in_region = std::chrono::milliseconds(4);
  static constexpr int looks_between_yields = 100;  // some 2 to 4 us

  std::mutex owner;  // held by the user thread whose job runs
  std::vector<std::thread> workers;
  // A job: written while the door is shut and nobody is inside, read inside.
  detail::Task task = nullptr;
  void* context = nullptr;
  Index count = 0, grain = 1;
  std::uint64_t modes = 0;
  alignas(64) std::atomic<Index> next{0};
  alignas(64) std::atomic<std::uint32_t> door{0};
  std::atomic<bool> is_patient{false};
  std::mutex mutex;  // guards the two below
  Index failed_piece = no_piece;
  std::exception_ptr failure;

  ~Pool() {
    door.fetch_or(over);
    door.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  /// Looks at the door until `ready` of it: for a while at once, as jobs follow each other sooner
  /// than a sleeper wakes, though whoever else needs this CPU goes first; then asleep, until
  /// something happens at the door.
  template <class Ready>
  std::uint32_t wait_for(Ready ready) {
    std::uint32_t seen = door.load();
    int looks = 0;
    for (Clock::time_point began; !ready(seen); seen = door.load()) {
      if (is_patient.load(std::memory_order_relaxed)) {
        if (looks == 0) began = Clock::now();
        if (++looks % looks_between_yields != 0) {
          pause();
          continue;
        }
        std::this_thread::yield();
        if (Clock::now() - began < ((seen & in_region) != 0 ? patience_in_region : patience))
          continue;
      }
      door.wait(seen);
      looks = 0;
    }
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
      if (floating_modes() != modes) set_floating_modes(modes);
      take_pieces();
      if ((door.fetch_sub(one_inside) & inside_bits) == one_inside) door.notify_all();
    }
  }

  void run(Index n, Index step, detail::Task f, void* data, int threads, bool is_in_region) {
    while (static_cast<int>(workers.size()) < threads - 1) {
      try {
        workers.emplace_back([this] { work_forever(); });
      } catch (const std::system_error&) {
        break;  // the system gives no more threads: fewer do the same work
      }
    }
    static const int cpus = available_cpus();  // more threads than CPUs must not look for long:
    is_patient.store(threads <= cpus, std::memory_order_relaxed);
    task = f;
    context = data;
    count = n;
    grain = step;
    modes = floating_modes();
    next.store(0, std::memory_order_relaxed);
    const int seats = std::min(threads - 1, static_cast<int>(workers.size()));
    door.store(static_cast<std::uint32_t>(seats) * one_seat | (is_in_region ? in_region : 0));
    door.notify_all();
    inside_task = true;
    take_pieces();
    inside_task = false;
    door.fetch_and(~seat_bits);  // who has not come yet need not come
    wait_for([](std::uint32_t d) { return (d & inside_bits) == 0; });
    failed_piece = no_piece;
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }
};

thread_local Pool* region = nullptr;  // the pool that this thread has for a while

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
    region = nullptr;
  }
  static Holder& holder() {
    static Holder instance;
    return instance;
  }
};

int find_default() {
  const char* text = std::getenv("GRADUS_THREADS");
  const int wished = text ? threads_in(text) : 0;
  return wished > 0 ? wished : available_cpus();
}

}  // namespace

int threads_in(const char* text) {
  int n = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, code] = std::from_chars(text, end, n);
  return code == std::errc() && stop == end && n >= 1 && n <= 4096 ? n : 0;
}

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
  if (threads > 1 && !inside_task) {
    if (region) return region->run(count, grain, task, context, threads, true);
    pool = Holder::holder().pool.load();
  }
  if (pool) {
    const std::unique_lock owner(pool->owner, std::try_to_lock);
    if (owner) return pool->run(count, grain, task, context, threads, false);
  }
  for (Index begin = 0; begin < count; begin += grain)
    task(context, begin, std::min(count, begin + grain));
}

}  // namespace detail

Region::Region() {
  if (inside_task || region || num_threads() == 1) return;
  Pool* pool = Holder::holder().pool.load();
  if (!pool || !pool->owner.try_lock()) return;
  region = pool;
  is_owner_ = true;
}

Region::~Region() {
  if (!is_owner_ || !region) return;  // a child after fork has another pool
  region->door.fetch_and(~Pool::in_region);
  region->owner.unlock();
  region = nullptr;
}

}  // namespace gradus::kernels
