// Inflate: a gzip stream read piece by piece, so that the reader decides how much it wants before
// memory is taken; or all at once by libdeflate, which takes half of the time and says less about
// what is wrong. Used by idx.cpp.
#pragma once

#include <memory>
#include <string>

#include <gradus/io/file.h>

namespace gradus::io {

/// Deflate cannot pack better than this (zlib's technical note: 1032:1): a size beyond
/// max_inflate_ratio * compressed bytes is a lie.
inline constexpr std::uint64_t max_inflate_ratio = 1032;

/// Whether the bytes begin like a gzip file (1f 8b).
bool is_gzip(ByteSpan bytes);

/// How long the content is, modulo 2^32, as the file's last four bytes say; a lie where there are
/// several members, or damage.
std::uint32_t gunzipped_size(ByteSpan bytes);

/// What files are unpacked with: "libdeflate", or "zlib" in a build without it.
const char* gunzip_library();

/// The content, if it is sound and fills `to` exactly; else false, as always in a build without
/// libdeflate: GzipReader then says what is wrong, if anything is. `to` may be written to anyway.
bool gunzip_whole(ByteSpan bytes, std::span<std::uint8_t> to);

/// The content of a gzip file (RFC 1952, also of several members), in pieces.
class GzipReader {
 public:
  /// Keeps a view of `bytes`; `name` is for messages.
  GzipReader(ByteSpan bytes, std::string name);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `to` and returns how many bytes came; fewer than `count` only at the end, after the
  /// checksum agreed. Throws DataError for damaged or truncated streams.
  std::size_t read(std::uint8_t* to, std::size_t count);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::io
