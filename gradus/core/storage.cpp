// Aligned allocation with a count of what is in use; see storage.h.
#include <gradus/core/storage.h>

#include <new>

namespace gradus {
namespace {

constexpr std::align_val_t alignment{64};
std::atomic<std::size_t> in_use{0}, peak{0};

void count_allocation(std::size_t bytes) {
  const std::size_t now = in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t seen = peak.load(std::memory_order_relaxed);
  while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
}

}  // namespace

Storage Storage::allocate(std::size_t bytes) {
  // Rounded up so that kernels may read whole vectors at the end.
  const std::size_t padded = bytes > SIZE_MAX - 128 ? 0 : (bytes + 63) / 64 * 64 + 64;
  void* memory = padded == 0 ? nullptr : ::operator new(padded, alignment, std::nothrow);
  if (memory == nullptr)
    throw MemoryError("no memory for a tensor of " + std::to_string(bytes) + " bytes (" +
                          std::to_string(memory_in_use()) + " bytes are in use)",
                      "use smaller batches, free tensors that are not needed, or compute in parts");
  std::shared_ptr<void> owner(memory, [bytes](void* p) {
    in_use.fetch_sub(bytes, std::memory_order_relaxed);
    ::operator delete(p, alignment);
  });
  count_allocation(bytes);
  return borrow(memory, bytes, std::move(owner));
}

Storage Storage::borrow(void* data, std::size_t bytes, std::shared_ptr<void> owner) {
  Storage storage;
  storage.block_ = std::make_shared<Block>();
  storage.block_->data = static_cast<std::byte*>(data);
  storage.block_->bytes = bytes;
  storage.block_->owner = std::move(owner);
  return storage;
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

std::size_t memory_in_use() { return in_use.load(std::memory_order_relaxed); }
std::size_t peak_memory() { return peak.load(std::memory_order_relaxed); }
void reset_peak_memory() { peak.store(in_use.load(std::memory_order_relaxed)); }

}  // namespace gradus
