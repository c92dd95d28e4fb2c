// Chunks, checksums and stored blocks; see plot_png.h.
#include <gradus/see/plot_png.h>

#include <algorithm>
#include <string_view>

namespace gradus::see {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put32(Bytes& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(v >> shift));
}

void put_chunk(Bytes& out, std::string_view kind, const Bytes& body) {
  put32(out, static_cast<std::uint32_t>(body.size()));
  const std::size_t begin = out.size();
  out.insert(out.end(), kind.begin(), kind.end());
  out.insert(out.end(), body.begin(), body.end());
  std::uint32_t crc = 0xFFFFFFFF;  // bit by bit: pictures are small
  for (std::size_t i = begin; i < out.size(); ++i) {
    crc ^= out[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  put32(out, ~crc);
}

}  // namespace

Bytes png(std::size_t rows, std::size_t columns, std::span<const Colour> pixels) {
  Bytes raw;
  for (std::size_t r = 0; r < rows; ++r) {
    raw.push_back(0);  // no filter
    for (std::size_t c = 0; c < columns; ++c)
      for (const std::uint8_t v : pixels[r * columns + c]) raw.push_back(v);
  }
  Bytes zlib{0x78, 0x01};
  for (std::size_t at = 0; at < raw.size(); at += 65535) {
    const std::size_t n = std::min<std::size_t>(65535, raw.size() - at);
    zlib.push_back(at + n == raw.size());
    for (const std::size_t v : {n, ~n})
      for (const int shift : {0, 8}) zlib.push_back(static_cast<std::uint8_t>(v >> shift));
    zlib.insert(zlib.end(), raw.begin() + static_cast<std::ptrdiff_t>(at),
                raw.begin() + static_cast<std::ptrdiff_t>(at + n));
  }
  std::uint32_t a = 1, b = 0;  // Adler-32
  for (const std::uint8_t v : raw) a = (a + v) % 65521, b = (b + a) % 65521;
  put32(zlib, b << 16 | a);

  Bytes out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, header;
  put32(header, static_cast<std::uint32_t>(columns));
  put32(header, static_cast<std::uint32_t>(rows));
  for (const int v : {8, 2, 0, 0, 0}) header.push_back(static_cast<std::uint8_t>(v));
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", zlib);
  put_chunk(out, "IEND", {});
  return out;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace gradus::see
