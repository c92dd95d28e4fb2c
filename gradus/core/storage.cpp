// Aligned allocation with a count of what is in use; see storage.h.
#include <gradus/core/storage.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <gradus/core/pool.h>
#include <gradus/core/spare.h>

namespace gradus {
namespace {

constexpr std::size_t alignment = 64;
// Signed: what one thread gave back may be told before another tells that it took it.
std::atomic<std::ptrdiff_t> in_use{0}, peak{0};

/// What this thread took and gave back since it last told the others: a counter that all threads
/// share costs more than a small tensor. Trivial, so that destructors may use it at any time.
struct Tally {
  std::ptrdiff_t bytes = 0;
  std::ptrdiff_t patience = 0;

  void add(std::ptrdiff_t more) {
    bytes += more;
    if (bytes > patience || -bytes > patience) report();
  }
  void report();
};
constinit thread_local Tally tally;

void Tally::report() {
  struct AtTheEnd {
    AtTheEnd() { tally.patience = 4096; }
    ~AtTheEnd() {
      tally.patience = 0;
      tally.report();
    }
  };
  thread_local const AtTheEnd at_the_end;
  const std::ptrdiff_t change = std::exchange(bytes, 0);
  const std::ptrdiff_t now = in_use.fetch_add(change, std::memory_order_relaxed) + change;
  std::ptrdiff_t seen = peak.load(std::memory_order_relaxed);
  while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
}

// Rounded up so that kernels may read whole vectors at the end, and aligned by hand: malloc is
// several times slower when it aligns.
constexpr std::size_t slack = 3 * alignment;
std::size_t size_of_memory(std::size_t bytes) { return (bytes + slack) / alignment * alignment; }

std::byte* aligned(std::byte* p) {
  return p + (-reinterpret_cast<std::uintptr_t>(p) & (alignment - 1));
}

/// Guards everything that is deferred: rare, and a recipe may look at other deferred values.
std::recursive_mutex& lazy_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

}  // namespace

/// What a storage has to do with deferred values: its own recipe, and those made of it.
struct Storage::Lazy {
  std::shared_ptr<const Deferred> recipe;
  std::vector<std::weak_ptr<Block>> dependants;
};

void Storage::Block::give_memory_back() {
  if (is_counted) tally.add(-static_cast<std::ptrdiff_t>(bytes));
  is_counted = false;
  if (memory) detail::give_block(std::exchange(memory, nullptr), size_of_memory(bytes));
}

std::byte* Storage::Block::take_memory() {
  static_assert(sizeof small == slack);
  std::byte* start = small;
  if (bytes > alignment) {
    if (bytes <= SIZE_MAX - slack) memory = detail::take_block(size_of_memory(bytes));
    if (!memory)
      throw MemoryError(
          "no memory for a tensor of " + std::to_string(bytes) + " bytes (" +
              std::to_string(memory_in_use()) + " bytes are in use)",
          "use smaller batches, free tensors that are not needed, or compute in parts");
    start = memory;
  }
  tally.add(static_cast<std::ptrdiff_t>(bytes));
  is_counted = true;
  return aligned(start);
}

Storage Storage::allocate(std::size_t bytes) {
  Storage storage;
  storage.block_ = std::allocate_shared<Block>(Pooled<Block>());
  storage.block_->bytes = bytes;
  storage.block_->data.store(storage.block_->take_memory(), std::memory_order_relaxed);
  return storage;
}

Storage Storage::borrow(void* data, std::size_t bytes, std::shared_ptr<void> owner) {
  Storage storage;
  storage.block_ = std::allocate_shared<Block>(Pooled<Block>());
  storage.block_->data.store(static_cast<std::byte*>(data), std::memory_order_relaxed);
  storage.block_->bytes = bytes;
  storage.block_->owner = std::move(owner);
  return storage;
}

Storage Storage::defer(std::size_t bytes, std::shared_ptr<const Deferred> recipe,
                       std::span<const Storage> sources) {
  Storage storage = borrow(nullptr, bytes, nullptr);
  const std::lock_guard lock(lazy_mutex());
  auto lazy_of = [](Block& block) -> Lazy& {
    if (!block.lazy) block.lazy = std::make_shared<Lazy>();
    block.deferring.store(true, std::memory_order_release);
    return *block.lazy;
  };
  lazy_of(*storage.block_).recipe = std::move(recipe);
  for (const Storage& source : sources) {
    auto& dependants = lazy_of(*source.block_).dependants;
    std::erase_if(dependants, [](const auto& dependant) { return dependant.expired(); });
    dependants.push_back(storage.block_);
  }
  return storage;
}

std::shared_ptr<const Deferred> Storage::recipe() const {
  if (!block_ || !block_->deferring.load(std::memory_order_acquire)) return nullptr;
  const std::lock_guard lock(lazy_mutex());
  return block_->lazy->recipe;
}

std::byte* Storage::settle(Block& block) {
  const std::lock_guard lock(lazy_mutex());
  if (std::byte* data = block.data.load(std::memory_order_acquire)) return data;  // another thread
  if (!block.lazy) return nullptr;
  std::byte* data = block.take_memory();
  try {
    block.lazy->recipe->compute(data);
  } catch (...) {
    block.give_memory_back();
    throw;
  }
  block.data.store(data, std::memory_order_release);
  return data;
}

void Storage::settle_dependants() const {
  const std::lock_guard lock(lazy_mutex());
  for (const std::weak_ptr<Block>& dependant : block_->lazy->dependants)
    if (const std::shared_ptr<Block> block = dependant.lock()) {
      settle(*block);
      block->lazy->recipe = nullptr;
    }
  block_->lazy->dependants.clear();
  if (block_->lazy->recipe) settle(*block_);
  block_->lazy->recipe = nullptr;
}

void Storage::note_write(std::string_view operation, Place at) const {
  if (!block_) return;
  block_->version.fetch_add(1, std::memory_order_relaxed);
  block_->writer = operation;
  block_->written_at = at;
}

std::string Storage::last_write() const {
  if (!block_ || block_->writer.empty()) return {};
  return std::string(block_->writer) + " at " + short_place(block_->written_at);
}

std::size_t memory_in_use() {
  tally.report();
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(in_use.load(), 0));
}
std::size_t peak_memory() {
  tally.report();
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(peak.load(), 0));
}
void reset_peak_memory() {
  tally.report();
  peak.store(in_use.load());
}

}  // namespace gradus
