// Reading IDX; see idx.h. Format: the comment at the end of yann.lecun.com/exdb/mnist.
#include <gradus/io/idx.h>

#include <zlib.h>

#include <cstring>
#include <memory>

#include <gradus/io/file.h>

namespace gradus::io {

std::string gunzip(std::string bytes, const std::string& name) {
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    throw MemoryError("no memory to inflate '" + name + "'");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string result;
  // What zlib says has been inflated is appended piece by piece: nothing is believed beforehand.
  char buffer[1 << 16];
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    result.append(buffer, sizeof buffer - stream.avail_out);
    if (status == Z_STREAM_END || status == Z_OK) continue;
    if (status == Z_BUF_ERROR)
      throw DataError("'" + name + "' ends in the middle of its gzip data",
                      "the file was cut off: fetch it again");
    throw DataError(
        "'" + name + "' has damaged gzip data" + (stream.msg ? std::string(": ") + stream.msg : ""),
        "fetch it again");
  }
  if (stream.avail_in != 0)
    throw DataError(
        "'" + name + "' has " + std::to_string(stream.avail_in) + " bytes after its gzip data",
        "fetch it again");
  return result;
}

Tensor parse_idx(std::string_view bytes, const std::string& name) {
  auto fail = [&](const std::string& why) {
    return DataError("'" + name + "' is not an IDX file of bytes: " + why,
                     "MNIST-shaped files begin with 00 00 08 and the number of axes");
  };
  if (bytes.size() < 4)
    throw fail("it has " + std::to_string(bytes.size()) + " bytes, less than a header");
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (byte(0) != 0 || byte(1) != 0) {
    char magic[16];
    std::snprintf(magic, sizeof magic, "%02x %02x %02x %02x", byte(0), byte(1), byte(2), byte(3));
    throw fail(std::string("it begins with ") + magic);
  }
  if (byte(2) != 8)
    throw fail("its element type is " + std::to_string(byte(2)) +
               ", only 8 (unsigned bytes) is read");
  const int rank = byte(3);
  if (rank < 1 || rank > 8) throw fail("it has " + std::to_string(rank) + " axes, 1 to 8 are read");
  const std::size_t header = 4 + 4 * static_cast<std::size_t>(rank);
  if (bytes.size() < header) throw fail("its header is cut off");
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) {
    std::uint32_t size = 0;
    for (std::size_t k = 0; k < 4; ++k)
      size = size << 8 | byte(4 + 4 * static_cast<std::size_t>(axis) + k);
    shape.push_back(size);
  }
  std::int64_t count = 1;
  for (std::int64_t size : shape)
    if (__builtin_mul_overflow(count, size, &count))
      throw fail("its sizes " + shape.str() + " cannot be");
  if (static_cast<std::uint64_t>(count) != bytes.size() - header)
    throw DataError("'" + name + "' says it holds " + shape.str() + " = " + std::to_string(count) +
                        " bytes, but has " + std::to_string(bytes.size() - header),
                    "the file was cut off or changed: fetch it again");
  Tensor tensor = Tensor::empty(shape, DType::u8);
  std::memcpy(tensor.raw_data(), bytes.data() + header, bytes.size() - header);
  return tensor;
}

Tensor read_idx(const std::string& path) { return parse_idx(gunzip(read_file(path), path), path); }

}  // namespace gradus::io
