// Reading and writing IDX; see idx.h. One reader serves plain and gzipped bytes through `Source`.
#include <gradus/io/idx.h>

#include <algorithm>
#include <cstring>

#include <gradus/io/gzip.h>

namespace gradus::io {
namespace {

constexpr std::uint8_t type_u8 = 0x08;
constexpr std::uint64_t free_allocation = 16 << 20;  // taken before bytes are seen, at most
constexpr std::uint64_t most_packed = 16;  // images are packed 4 to 8 times; more may be a lie

std::string type_text(std::uint8_t type) {
  switch (type) {
    case 0x09:
      return "i8";
    case 0x0B:
      return "i16";
    case 0x0C:
      return "i32";
    case 0x0D:
      return "f32";
    case 0x0E:
      return "f64";
    default:
      return {};
  }
}

class Source {
 public:
  virtual ~Source() = default;
  /// Fewer than `count` only at the end.
  virtual std::size_t read(std::uint8_t* to, std::size_t count) = 0;
  /// No more bytes than this can come.
  virtual std::uint64_t limit() const = 0;
  /// How many bytes may be taken for them before they are seen.
  virtual std::uint64_t credit() const = 0;
  /// Everything from the beginning on, where it is known to be `count` bytes and comes faster at
  /// once; else empty, and read() goes on as if nobody had asked.
  virtual Storage whole(std::uint64_t /*count*/) { return {}; }
};

class PlainSource final : public Source {
 public:
  explicit PlainSource(ByteSpan bytes) : size_(bytes.size()), rest_(bytes) {}
  std::size_t read(std::uint8_t* to, std::size_t count) override {
    const std::size_t n = std::min(count, rest_.size());
    if (n != 0) std::memcpy(to, rest_.data(), n);
    rest_ = rest_.subspan(n);
    return n;
  }
  std::uint64_t limit() const override { return size_; }
  std::uint64_t credit() const override { return size_; }

 private:
  std::uint64_t size_;
  ByteSpan rest_;
};

class FileSource final : public Source {
 public:
  explicit FileSource(FileReader& file) : file_(file) {}
  std::size_t read(std::uint8_t* to, std::size_t count) override { return file_.read(to, count); }
  std::uint64_t limit() const override { return file_.size(); }
  std::uint64_t credit() const override { return file_.size(); }

 private:
  FileReader& file_;
};

class GzipSource final : public Source {
 public:
  GzipSource(ByteSpan bytes, const std::string& name)
      : bytes_(bytes), size_(bytes.size()), reader_(bytes, name) {}
  std::size_t read(std::uint8_t* to, std::size_t count) override { return reader_.read(to, count); }
  std::uint64_t limit() const override { return size_ * max_inflate_ratio; }
  std::uint64_t credit() const override { return 2 * size_ + free_allocation; }
  Storage whole(std::uint64_t count) override {
    if (count > most_packed * size_ || gunzipped_size(bytes_) != count) return {};
    Storage storage = Storage::allocate(count);
    auto* const to = reinterpret_cast<std::uint8_t*>(storage.data());
    return gunzip_whole(bytes_, {to, count}) ? storage : Storage();
  }

 private:
  ByteSpan bytes_;
  std::uint64_t size_;
  GzipReader reader_;
};

/// `count` values from `source`, in storage that grows as they come.
Storage read_values(Source& source, std::uint64_t count, const std::string& name) {
  std::uint64_t capacity = std::min(count, source.credit());
  Storage storage = Storage::allocate(capacity);
  std::uint64_t used = 0;
  for (;;) {
    auto* base = reinterpret_cast<std::uint8_t*>(storage.data());
    const std::size_t got = source.read(base + used, capacity - used);
    used += got;
    if (used == count) break;
    if (used < capacity)
      throw DataError(name + ": the header says " + std::to_string(count) + " values, " +
                          std::to_string(used) + " are there",
                      "the file is cut off: fetch or make it again");
    capacity = std::min(count, 2 * capacity);
    Storage larger = Storage::allocate(capacity);
    std::memcpy(larger.data(), storage.data(), used);
    storage = std::move(larger);
  }
  std::uint8_t extra = 0;
  if (source.read(&extra, 1) != 0)
    throw DataError(name + ": bytes are left over after the " + std::to_string(count) +
                        " values that the header says",
                    "the header or the file is damaged: fetch or make it again");
  return storage;
}

Tensor read_from(Source& source, const std::string& name, const IdxWish& wish) {
  std::uint8_t magic[4];
  if (source.read(magic, 4) != 4)
    throw DataError(name + ": too short for an IDX file", "fetch or make it again");
  const std::uint8_t type = magic[2];
  const int rank = magic[3];
  const bool known = type == type_u8 || !type_text(type).empty();
  if (magic[0] != 0 || magic[1] != 0 || !known)
    throw DataError(name + ": not an IDX file (it begins with bytes " + std::to_string(magic[0]) +
                        " " + std::to_string(magic[1]) + " " + std::to_string(magic[2]) + " " +
                        std::to_string(magic[3]) + ", not 0 0 8 and the rank)",
                    "check that this is the file you mean");
  if (type != type_u8)
    throw DTypeError(name + ": an IDX file of " + type_text(type) + "; only u8 is read",
                     "store the values as unsigned bytes (IDX type 8)");
  if (rank < 1 || rank > 8)
    throw DataError(name + ": rank " + std::to_string(rank) + " in the header, it must be 1..8",
                    "the file is damaged: fetch or make it again");
  if (wish.rank != 0 && rank != wish.rank)
    throw DataError(name + ": the header says rank " + std::to_string(rank) + ", " + wish.what +
                        " have " + std::to_string(wish.rank),
                    "are the names of files exchanged? else the header is damaged (its fourth byte "
                    "is the rank): fetch or make it again");
  Shape shape;
  std::uint64_t count = 1;
  bool too_large = false, empty = false;
  for (int axis = 0; axis < rank; ++axis) {
    std::uint8_t size[4];
    if (source.read(size, 4) != 4)
      throw DataError(name + ": the file ends inside the header", "fetch or make it again");
    const std::uint64_t value = std::uint64_t{size[0]} << 24 | std::uint64_t{size[1]} << 16 |
                                std::uint64_t{size[2]} << 8 | size[3];
    shape.push_back(static_cast<std::int64_t>(value));
    empty = empty || value == 0;
    // Empty axes are left out, so that the strides of an empty tensor do not overflow either.
    if (value != 0)
      too_large = too_large || __builtin_mul_overflow(count, value, &count) || count > INT64_MAX;
  }
  if (empty) count = std::min<std::uint64_t>(count, source.limit());
  if (too_large || count > source.limit())
    throw DataError(
        name + ": the header says shape " + shape.str() + ", more values than the file can hold",
        "the file is cut off or damaged: fetch or make it again");
  if (empty) count = 0;
  Layout layout = Layout::contiguous(shape);
  const std::uint64_t header = sizeof magic + 4 * static_cast<std::uint64_t>(rank);
  if (Storage whole = source.whole(header + count)) {
    layout.offset = static_cast<std::int64_t>(header);
    return Tensor(std::move(whole), layout, DType::u8);
  }
  return Tensor(read_values(source, count, name), layout, DType::u8);
}

Tensor read_bytes(ByteSpan bytes, const std::string& name, const IdxWish& wish) {
  if (is_gzip(bytes)) {
    GzipSource source(bytes, name);
    return read_from(source, name, wish);
  }
  PlainSource source(bytes);
  return read_from(source, name, wish);
}

Tensor read_named(const std::string& path, const IdxWish& wish) {
  std::uint8_t begin[2];
  {
    FileReader file(path);
    if (is_gzip({begin, file.read(begin, 2)})) return read_bytes(read_file(path), path, wish);
  }
  FileReader file(path);  // its values go where they stay
  FileSource source(file);
  return read_from(source, path, wish);
}

}  // namespace

Tensor parse_idx(ByteSpan bytes, const std::string& name, const IdxWish& wish, Place at) {
  return with_place(at, [&] { return read_bytes(bytes, name, wish); });
}

Tensor read_idx(const std::string& path, const IdxWish& wish, Place at) {
  return with_place(at, [&] { return read_named(path, wish); });
}

Bytes idx_bytes(const Tensor& tensor) {
  if (tensor.dtype() != DType::u8)
    throw DTypeError("an IDX file holds u8 here, got " + tensor.spec().str(),
                     "convert first: astype(x, DType::u8)");
  if (tensor.ndim() < 1 || tensor.ndim() > 8)
    throw ShapeError("an IDX file holds 1 to 8 axes, got " + tensor.spec().str(), "reshape first");
  Bytes bytes{0, 0, type_u8, static_cast<std::uint8_t>(tensor.ndim())};
  for (const std::int64_t size : tensor.shape()) {
    if (size > std::int64_t{UINT32_MAX})
      throw ShapeError("an axis of an IDX file holds at most 2^32 - 1, got " + tensor.spec().str());
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<std::uint8_t>(size >> shift));
  }
  const auto* base = reinterpret_cast<const std::uint8_t*>(tensor.storage().data());
  for_each_position(tensor.layout(), [&](std::int64_t i) { bytes.push_back(base[i]); });
  return bytes;
}

void write_idx(const std::string& path, const Tensor& tensor, Place at) {
  with_place(at, [&] { write_file(path, idx_bytes(tensor), at); });
}

}  // namespace gradus::io
