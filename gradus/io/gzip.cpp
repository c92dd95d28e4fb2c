// zlib and libdeflate behind gzip.h.
#include <gradus/io/gzip.h>

#include <zlib.h>
#ifdef GRADUS_LIBDEFLATE
#include <libdeflate.h>
#endif

#include <algorithm>
#include <limits>

namespace gradus::io {

bool is_gzip(ByteSpan bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

std::uint32_t gunzipped_size(ByteSpan bytes) {
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 4); ++i)
    size = size << 8 | bytes[bytes.size() - 1 - i];
  return size;
}

const char* gunzip_library() {
#ifdef GRADUS_LIBDEFLATE
  return "libdeflate";
#else
  return "zlib";
#endif
}

bool gunzip_whole([[maybe_unused]] ByteSpan bytes, [[maybe_unused]] std::span<std::uint8_t> to) {
#ifdef GRADUS_LIBDEFLATE
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> inflater(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  std::size_t in = 0, out = 0;
  return inflater &&
         libdeflate_gzip_decompress_ex(inflater.get(), bytes.data(), bytes.size(), to.data(),
                                       to.size(), &in, &out) == LIBDEFLATE_SUCCESS &&
         in == bytes.size() && out == to.size();
#else
  return false;
#endif
}

struct GzipReader::State {
  z_stream stream{};
  ByteSpan rest;
  std::string name;
  bool finished = false;
};

namespace {
constexpr std::size_t max_piece = std::numeric_limits<uInt>::max();
constexpr char damaged_gzip_hint[] = "the file is damaged: fetch or make it again";
}  // namespace

GzipReader::GzipReader(ByteSpan bytes, std::string name) : state_(std::make_unique<State>()) {
  state_->rest = bytes;
  state_->name = std::move(name);
  // 15 + 16: the largest window, gzip framing alone.
  if (inflateInit2(&state_->stream, 15 + 16) != Z_OK)
    throw MemoryError("no memory to unpack " + state_->name);
}

GzipReader::~GzipReader() { inflateEnd(&state_->stream); }

std::size_t GzipReader::read(std::uint8_t* to, std::size_t count) {
  z_stream& stream = state_->stream;
  const auto damaged = [&](const std::string& what) {
    return DataError(state_->name + ": " + what, damaged_gzip_hint);
  };
  std::size_t done = 0;
  while (done < count && !state_->finished) {
    const std::size_t in = std::min(state_->rest.size(), max_piece);
    const std::size_t out = std::min(count - done, max_piece);
    stream.next_in = const_cast<Bytef*>(state_->rest.data());
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = to + done;
    stream.avail_out = static_cast<uInt>(out);
    const int code = inflate(&stream, Z_NO_FLUSH);
    state_->rest = state_->rest.subspan(in - stream.avail_in);
    done += out - stream.avail_out;
    if (code == Z_STREAM_END) {
      if (state_->rest.empty()) {
        state_->finished = true;
      } else if (!is_gzip(state_->rest)) {
        throw damaged(std::to_string(state_->rest.size()) +
                      " bytes follow the end of the gzip data");
      } else {
        inflateReset(&stream);
      }
    } else if (code == Z_MEM_ERROR) {
      throw MemoryError("no memory to unpack " + state_->name);
    } else if (code == Z_BUF_ERROR ||
               (code == Z_OK && state_->rest.empty() && done < count && stream.avail_out != 0)) {
      throw damaged("the gzip data ends too early");
    } else if (code != Z_OK) {
      throw damaged(
          "the gzip data is damaged (" +
          std::string(stream.msg != nullptr ? stream.msg : "zlib: " + std::to_string(code)) + ")");
    }
  }
  return done;
}

}  // namespace gradus::io
