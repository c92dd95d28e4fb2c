// PGM by hand, PNG through libpng; see image.h.
#include <gradus/io/image.h>

#include <png.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace gradus::io {
namespace {

constexpr std::int64_t max_side = 4096;
constexpr char damaged_image_hint[] = "the file is damaged: make it again";

Tensor new_image(std::int64_t height, std::int64_t width, const std::string& name) {
  if (height < 1 || width < 1 || height > max_side || width > max_side)
    throw DataError(name + ": a picture of " + std::to_string(width) + " x " +
                        std::to_string(height) + " pixels; 1 x 1 to 4096 x 4096 are read",
                    "make it smaller first");
  return Tensor::empty({height, width}, DType::u8);
}

/// Reads the numbers of a PGM header, or of a P2 body: white space and # comments between them.
class PgmReader {
 public:
  PgmReader(ByteSpan bytes, const std::string& name) : rest_(bytes), name_(name) {}

  std::int64_t number() {
    skip_space();
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; ++digits, drop()) {
      value = 10 * value + (rest_[0] - '0');
      if (value > 1'000'000) throw damaged("a number is too large");
    }
    if (digits == 0)
      throw damaged(rest_.empty() ? "the file ends too early" : "a number is missing");
    return value;
  }
  /// The one white space that ends a binary header.
  void end_header() {
    if (rest_.empty() || !is_space(rest_[0])) throw damaged("the header does not end");
    drop();
  }
  void skip_space() {
    while (!rest_.empty() && (is_space(rest_[0]) || rest_[0] == '#'))
      if (rest_[0] == '#')
        while (!rest_.empty() && rest_[0] != '\n') drop();
      else
        drop();
  }
  ByteSpan rest() const { return rest_; }
  DataError damaged(const std::string& what) const {
    return DataError(name_ + ": not a whole PGM picture: " + what, damaged_image_hint);
  }

 private:
  static bool is_space(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  void drop() { rest_ = rest_.subspan(1); }
  ByteSpan rest_;
  const std::string& name_;
};

Tensor parse_pgm(ByteSpan bytes, const std::string& name) {
  const bool binary = bytes[1] == '5';
  PgmReader reader(bytes.subspan(2), name);
  const std::int64_t width = reader.number(), height = reader.number(), most = reader.number();
  if (most < 1 || most > 65535)
    throw reader.damaged("the largest value is " + std::to_string(most) + ", not 1..65535");
  if (binary) reader.end_header();
  // Two bytes per value where one does not do; in text, a digit and a space.
  const std::size_t size = binary && most < 256 ? 1 : 2;
  const std::size_t count = width > max_side || height > max_side
                                ? 0  // refused below
                                : static_cast<std::size_t>(width * height);
  if (reader.rest().size() + (binary ? 0 : 1) < count * size)
    throw reader.damaged("pixels are missing");
  Tensor image = new_image(height, width, name);
  std::uint8_t* pixels = image.data<std::uint8_t>();
  const std::uint8_t* raw = reader.rest().data();
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t value = !binary     ? reader.number()
                               : size == 1 ? raw[i]
                                           : raw[2 * i] << 8 | raw[2 * i + 1];
    if (value > most)
      throw reader.damaged("pixel " + std::to_string(i) + " is " + std::to_string(value) +
                           ", the largest value is " + std::to_string(most));
    pixels[i] = static_cast<std::uint8_t>((value * 255 + most / 2) / most);
  }
  if (!binary) reader.skip_space();
  if (reader.rest().size() != (binary ? count * size : 0))
    throw reader.damaged("bytes are left over after the pixels");
  return image;
}

/// Frees what the simplified interface of libpng holds.
struct PngImage : png_image {
  PngImage() {
    std::memset(static_cast<png_image*>(this), 0, sizeof(png_image));
    version = PNG_IMAGE_VERSION;
  }
  ~PngImage() { png_image_free(this); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

/// Whether the chunks (length, type, data, checksum) lead to the one that ends a picture. libpng
/// stops after the last pixel.
bool has_end_chunk(ByteSpan bytes) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = std::size_t{bytes[at]} << 24 | std::size_t{bytes[at + 1]} << 16 |
                               std::size_t{bytes[at + 2]} << 8 | bytes[at + 3];
    if (length > bytes.size() - at - 12) return false;
    if (std::memcmp(&bytes[at + 4], "IEND", 4) == 0) return true;
    at += 12 + length;
  }
  return false;
}

/// Into `image`, transparent pixels on a ground of that gray.
bool read_pixels(PngImage& png, std::uint8_t ground, const Tensor& image) {
  png.format = PNG_FORMAT_GRAY;
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // the values as they are: no gamma for 16 bits
  std::memset(image.raw_data(), ground, static_cast<std::size_t>(image.numel()));
  const png_color gray{ground, ground, ground};
  return png_image_finish_read(&png, &gray, image.data<std::uint8_t>(), 0, nullptr) != 0;
}

bool is_all(const Tensor& image, std::uint8_t value) {
  const std::uint8_t* pixels = image.data<std::uint8_t>();
  return std::all_of(pixels, pixels + image.numel(), [&](std::uint8_t p) { return p == value; });
}

/// Whether a picture that is all black on black is more than one gray on white.
bool shows_on_white(ByteSpan bytes, const Tensor& like) {
  PngImage png;
  const Tensor image = Tensor::empty(like.shape(), DType::u8);
  return png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) != 0 &&
         read_pixels(png, 255, image) && !is_all(image, image.data<std::uint8_t>()[0]);
}

Tensor parse_png(ByteSpan bytes, const std::string& name) {
  PngImage png;
  const auto damaged = [&] {
    return DataError(name + ": not a whole PNG picture: " + png.message, damaged_image_hint);
  };
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) throw damaged();
  // libpng checks width and height for its own needs; the limit here is ours. Deflate cannot say
  // more than 1032 pixel bytes, and so 8256 pixels of one bit, with one byte.
  const std::int64_t width = png.width, height = png.height;
  if (width <= max_side && height <= max_side &&
      static_cast<std::uint64_t>(width * height) / 8256 > bytes.size())
    throw DataError(name + ": a picture of " + std::to_string(width) + " x " +
                        std::to_string(height) + " pixels in " + std::to_string(bytes.size()) +
                        " bytes",
                    damaged_image_hint);
  Tensor image = new_image(height, width, name);
  const bool has_alpha = (png.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  if (!read_pixels(png, 0, image)) throw damaged();
  if (!has_end_chunk(bytes))
    throw DataError(name + ": not a whole PNG picture: it stops after the pixels, before its end",
                    damaged_image_hint);
  if (has_alpha && is_all(image, 0) && shows_on_white(bytes, image))
    throw DataError(
        name +
            ": black strokes on a transparent ground, which counts as black: nothing "
            "is to be seen",
        "give it a white ground, for example: convert in.png -background white -flatten "
        "out.png, and read it with --invert");
  return image;
}

Tensor picture_of(ByteSpan bytes, const std::string& name) {
  constexpr std::uint8_t png_magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes.size() >= sizeof png_magic &&
      std::memcmp(bytes.data(), png_magic, sizeof png_magic) == 0)
    return parse_png(bytes, name);
  if (bytes.size() >= 2 && bytes[0] == 'P' && (bytes[1] == '2' || bytes[1] == '5'))
    return parse_pgm(bytes, name);
  throw DataError(name + ": neither a PGM (P2, P5) nor a PNG picture",
                  "convert it first, for example: convert in.jpg -colorspace gray out.png");
}

}  // namespace

Tensor parse_image(ByteSpan bytes, const std::string& name, Place at) {
  return with_place(at, [&] { return picture_of(bytes, name); });
}

Tensor read_image(const std::string& path, Place at) {
  return with_place(at, [&] { return picture_of(read_file(path, UINT64_MAX, at), path); });
}

}  // namespace gradus::io
