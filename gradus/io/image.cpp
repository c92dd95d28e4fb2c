// PGM by hand (the netpbm format is a dozen lines), PNG by libpng's simplified interface.
#include <gradus/io/image.h>

#include <png.h>

#include <cstring>

#include <gradus/io/file.h>

namespace gradus::io {
namespace {

constexpr std::int64_t max_side = 16384;

class PgmReader {
 public:
  PgmReader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}
  Tensor read() {
    const bool binary = bytes_[1] == '5';
    at_ = 2;
    const std::int64_t width = number(max_side), height = number(max_side), white = number(65535);
    if (width == 0 || height == 0 || white == 0) fail("a size or its white is 0");
    const std::int64_t count = width * height;
    const std::size_t size = white > 255 ? 2 : 1;
    if (binary) {
      ++at_;  // one white space ends the header
      if (bytes_.size() < at_ + static_cast<std::size_t>(count) * size) fail("it is cut off");
    } else if (bytes_.size() < static_cast<std::size_t>(count)) {
      fail("it is cut off");
    }
    Tensor image = Tensor::empty({height, width}, DType::u8);
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t value = 0;
      if (!binary)
        value = number(white);
      else
        for (std::size_t k = 0; k < size; ++k)
          value = value << 8 | static_cast<std::uint8_t>(bytes_[at_++]);
      if (value > white) fail("a pixel is brighter than white");
      image.data<std::uint8_t>()[i] = static_cast<std::uint8_t>((value * 255 + white / 2) / white);
    }
    return image;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw DataError("'" + path_ + "' is not a sound PGM picture: " + why,
                    "write it as PGM (P2 or P5) or PNG");
  }
  std::int64_t number(std::int64_t limit) {
    while (at_ < bytes_.size() &&
           (std::isspace(static_cast<unsigned char>(bytes_[at_])) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') at_ = std::min(bytes_.find('\n', at_), bytes_.size() - 1);
      ++at_;
    }
    if (at_ >= bytes_.size() || bytes_[at_] < '0' || bytes_[at_] > '9') fail("a number is missing");
    std::int64_t value = 0;
    while (at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9') {
      value = value * 10 + (bytes_[at_++] - '0');
      if (value > limit) fail("a number is above " + std::to_string(limit));
    }
    return value;
  }
  std::string_view bytes_;
  const std::string& path_;
  std::size_t at_ = 0;
};

Tensor read_png(const std::string& bytes, const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  auto fail = [&](const std::string& why) {
    png_image_free(&image);
    return DataError("'" + path + "' is not a sound PNG picture: " + why,
                     "write it again as PNG or PGM");
  };
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()))
    throw fail(image.message);
  if (image.width > max_side || image.height > max_side)
    throw fail("it is larger than 16384 a side");
  image.format = PNG_FORMAT_GRAY;
  Tensor pixels = Tensor::empty({image.height, image.width}, DType::u8);
  const png_color black{0, 0, 0};
  if (!png_image_finish_read(&image, &black, pixels.raw_data(), 0, nullptr))
    throw fail(image.message);
  return pixels;
}

}  // namespace

Tensor read_image(const std::string& path) {
  const std::string bytes = read_file(path);
  if (bytes.starts_with("\x89PNG")) return read_png(bytes, path);
  if (bytes.starts_with("P5") || bytes.starts_with("P2")) return PgmReader(bytes, path).read();
  throw DataError("'" + path + "' is neither PGM nor PNG",
                  "give a PGM (P2, P5), a PNG or an IDX file");
}

}  // namespace gradus::io
