// Storage: shared bytes with a version. Tensors that share a storage are views of each other; each
// write in place raises the version, by which saved values notice that they were changed.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <gradus/core/error.h>

namespace gradus {

/// How to compute bytes that nobody has looked at yet; see Storage::defer.
class Deferred {
 public:
  virtual ~Deferred() = default;
  virtual void compute(std::byte* into) const = 0;
};

/// A handle: copying shares. Memory is 64-byte aligned and not initialised.
/// Thread safety: reading from several threads is safe; writing needs the callers' own order.
class Storage {
 public:
  Storage() = default;
  /// Throws MemoryError when there is not enough memory.
  static Storage allocate(std::size_t bytes);
  /// Bytes that somebody else owns (a mapped file, a caller's array), kept alive by `owner`.
  static Storage borrow(void* data, std::size_t bytes, std::shared_ptr<void> owner);
  /// Bytes that `recipe` computes from `sources` when data() is first called, or when a source is
  /// about to be written. Takes no memory until then.
  static Storage defer(std::size_t bytes, std::shared_ptr<const Deferred> recipe,
                       std::span<const Storage> sources);

  /// Computes deferred bytes first, which throws what the recipe throws (MemoryError).
  std::byte* data() const {
    if (!block_) return nullptr;
    std::byte* data = block_->data.load(std::memory_order_acquire);
    if (data == nullptr && block_->bytes > 0) [[unlikely]]
      data = settle(*block_);
    return data;
  }
  /// The recipe of a deferred storage, also after it was computed, as long as its sources are what
  /// they were; null otherwise. So a result does not depend on whether somebody looked.
  std::shared_ptr<const Deferred> recipe() const;
  /// Equal for handles of the same bytes, also before deferred ones are computed.
  const void* id() const { return block_.get(); }
  /// While it is held, no other storage gets this id; the bytes themselves may go.
  std::weak_ptr<const void> keep_id() const { return block_; }
  std::size_t bytes() const { return block_ ? block_->bytes : 0; }
  explicit operator bool() const { return block_ != nullptr; }
  /// Number of writes in place so far.
  std::uint64_t version() const {
    return block_ ? block_->version.load(std::memory_order_relaxed) : 0;
  }
  /// To be called before a write in place: deferred values that are made of these bytes are
  /// computed now, and this one forgets its recipe.
  void prepare_write() const {
    if (block_ && block_->deferring.load(std::memory_order_acquire)) settle_dependants();
  }
  /// Notes a write in place: who wrote, and where.
  void note_write(std::string_view operation, Place at) const;
  /// "add_ at train.cpp:44", the last write in place; empty when there was none.
  std::string last_write() const;

  /// Whether more than one tensor was made over these bytes (a view): then a recorded write in
  /// place would change values behind the others' histories.
  bool is_viewed() const { return block_ && block_->viewed.load(std::memory_order_relaxed); }
  void mark_viewed() const {
    if (block_) block_->viewed.store(true, std::memory_order_relaxed);
  }

  friend bool operator==(const Storage& a, const Storage& b) { return a.block_ == b.block_; }

 private:
  struct Lazy;
  struct Block {
    Block() {}
    ~Block() { give_memory_back(); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    /// Takes memory for `bytes` and counts it. Throws MemoryError.
    std::byte* take_memory();
    void give_memory_back();

    std::atomic<std::byte*> data{nullptr};
    std::size_t bytes = 0;
    std::shared_ptr<void> owner;  // of borrowed bytes
    std::byte* memory = nullptr;  // of large ones
    std::atomic<std::uint64_t> version{0};
    std::atomic<bool> viewed{false};
    bool is_counted = false;  // among the bytes in use
    std::string_view writer;  // operation names live as long as the program
    Place written_at;
    std::atomic<bool> deferring{false};  // whether `lazy` is set
    std::shared_ptr<Lazy> lazy;
    std::byte small[192];  // memory of 64 bytes or less, so that a number takes one allocation
  };
  static std::byte* settle(Block& block);
  void settle_dependants() const;

  std::shared_ptr<Block> block_;
};

/// Bytes held by all storages that are alive, and the most there ever were since the last reset:
/// exact for those of this thread that are alive now, to 4 KiB for each other thread and for what
/// came and went. Thread-safe. (torch.cuda.memory_allocated, for the CPU)
std::size_t memory_in_use();
std::size_t peak_memory();
void reset_peak_memory();

}  // namespace gradus
