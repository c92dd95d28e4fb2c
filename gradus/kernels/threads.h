// Threads: one static pool behind parallel_for. Work is cut by its size alone, so results never
// depend on how many threads there are or which of them runs what. No thread exists before it is
// needed.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace gradus::kernels {

/// Threads that parallel_for may use, the caller's included. Default: GRADUS_THREADS when it is a
/// positive number, else the CPUs that the process may use (available_cpus.h).
int num_threads();
/// The number of threads that GRADUS_THREADS=`text` means: 1 to 4096; 0 where it means none.
int threads_in(const char* text);
/// n < 1 restores the default. May be called at any time, from any thread; takes effect with the
/// next parallel_for.
void set_num_threads(int n);

/// Elements that one piece of a plain loop should have at least, so that waking a thread pays.
inline constexpr std::int64_t elements_per_task = 1 << 17;

namespace detail {
using Task = void (*)(void* context, std::int64_t begin, std::int64_t end);
void run_tasks(std::int64_t count, std::int64_t grain, Task task, void* context);
}  // namespace detail

/// Calls f(begin, end) for the pieces [0, grain), [grain, 2 grain), ... of [0, count), maybe at the
/// same time, and returns when all are done. The pieces are the same for any number of threads.
/// What f throws reaches the caller; if several pieces throw, the first piece's does, as in a plain
/// loop. Inside f, parallel_for runs inline; so does the second of two user threads that come at
/// once. After fork the child starts threads of its own when it needs them. The pieces run in the
/// caller's floating modes (rounding, subnormal numbers), whoever runs them.
template <class F>
void parallel_for(std::int64_t count, std::int64_t grain, F&& f) {
  if (count <= 0) return;
  if (count <= grain) {
    f(std::int64_t{0}, count);
    return;
  }
  using Function = std::remove_reference_t<F>;
  detail::run_tasks(
      count, grain < 1 ? 1 : grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<Function*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/// While it lives, the pool belongs to this thread: its jobs follow each other without a lock, and
/// the workers, once called, stay awake in between, for some milliseconds at most. For many jobs in
/// a row, as a plan has. Does nothing where another thread has the pool, inside a task or another
/// region.
class Region {
 public:
  Region();
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

 private:
  bool is_owner_ = false;
};

}  // namespace gradus::kernels
