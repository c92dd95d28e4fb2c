// Pictures: PGM written by hand, PNG packed by Python's zlib after the PNG specification.
#include <gradus/io/image.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/io/attack.h"

namespace gradus::io {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

// Width x height: 3 x 2 gray; 2 x 1 gray of 16 bits; 3 x 1 of one bit; 2 x 1 RGB; 2 x 1 gray with
// alpha, the first pixel transparent white; 2 x 1 of a palette.
const Bytes gray8{137, 80,  78,  71,  13,  10,  26, 10, 0,  0,   0,  13,  73,  72,  68,
                  82,  0,   0,   0,   3,   0,   0,  0,  2,  8,   0,  0,   0,   0,   184,
                  31,  57,  198, 0,   0,   0,   16, 73, 68, 65,  84, 120, 218, 99,  96,
                  104, 248, 207, 192, 200, 244, 15, 0,  9,  8,   2,  129, 192, 129, 234,
                  39,  0,   0,   0,   0,   73,  69, 78, 68, 174, 66, 96,  130};
const Bytes gray16{137, 80, 78, 71, 13, 10,  26,  10, 0,  0,  0,   13,  73,  72,  68, 82,  0, 0,
                   0,   2,  0,  0,  0,  1,   16,  0,  0,  0,  0,   129, 217, 252, 21, 0,   0, 0,
                   13,  73, 68, 65, 84, 120, 218, 99, 96, 96, 104, 104, 0,   0,   1,  133, 1, 1,
                   218, 48, 79, 38, 0,  0,   0,   0,  73, 69, 78,  68,  174, 66,  96, 130};
const Bytes bits1{137, 80, 78,  71, 13, 10, 26, 10,  0,   0,  0,  13, 73,  72,  68,  82, 0,
                  0,   0,  3,   0,  0,  0,  1,  1,   0,   0,  0,  0,  51,  155, 41,  25, 0,
                  0,   0,  10,  73, 68, 65, 84, 120, 218, 99, 88, 0,  0,   0,   162, 0,  161,
                  113, 5,  203, 65, 0,  0,  0,  0,   73,  69, 78, 68, 174, 66,  96,  130};
const Bytes rgb8{137, 80,  78,  71,  13,  10, 26, 10, 0,   0,  0,   13,  73,  72,  68,
                 82,  0,   0,   0,   2,   0,  0,  0,  1,   8,  2,   0,   0,   0,   123,
                 64,  232, 221, 0,   0,   0,  15, 73, 68,  65, 84,  120, 218, 99,  224,
                 226, 226, 58,  113, 226, 4,  0,  5,  77,  2,  119, 81,  22,  233, 227,
                 0,   0,   0,   0,   73,  69, 78, 68, 174, 66, 96,  130};
const Bytes graya{137, 80,  78,  71,  13,  10,  26, 10, 0,  0,   0,   13, 73, 72,
                  68,  82,  0,   0,   0,   2,   0,  0,  0,  1,   8,   4,  0,  0,
                  0,   94,  43,  183, 1,   0,   0,  0,  13, 73,  68,  65, 84, 120,
                  218, 99,  248, 207, 224, 251, 31, 0,  5,  154, 2,   76, 36, 119,
                  149, 114, 0,   0,   0,   0,   73, 69, 78, 68,  174, 66, 96, 130};
// 2 x 1 RGBA, the second pixel transparent: a black first one, a transparent one, a white one.
const Bytes black_on_clear{137, 80,  78,  71, 13,  10, 26, 10, 0,   0,  0,  13,  73,  72,  68,
                           82,  0,   0,   0,  2,   0,  0,  0,  1,   8,  6,  0,   0,   0,   244,
                           34,  127, 138, 0,  0,   0,  15, 73, 68,  65, 84, 120, 218, 99,  96,
                           96,  96,  248, 15, 196, 12, 0,  5,  4,   1,  0,  9,   126, 244, 213,
                           0,   0,   0,   0,  73,  69, 78, 68, 174, 66, 96, 130};
const Bytes all_clear{137, 80,  78, 71,  13,  10, 26, 10, 0,   0,  0,   13,  73,  72,
                      68,  82,  0,  0,   0,   2,  0,  0,  0,   1,  8,   6,   0,   0,
                      0,   244, 34, 127, 138, 0,  0,  0,  11,  73, 68,  65,  84,  120,
                      218, 99,  96, 128, 2,   0,  0,  9,  0,   1,  104, 246, 207, 78,
                      0,   0,   0,  0,   73,  69, 78, 68, 174, 66, 96,  130};
const Bytes white_on_clear{137, 80,  78,  71, 13, 10, 26, 10,  0,  0,   0,   13,  73,  72,  68,
                           82,  0,   0,   0,  2,  0,  0,  0,   1,  8,   6,   0,   0,   0,   244,
                           34,  127, 138, 0,  0,  0,  14, 73,  68, 65,  84,  120, 218, 99,  248,
                           15,  4,   12,  64, 0,  0,  25, 239, 3,  253, 113, 160, 218, 126, 0,
                           0,   0,   0,   73, 69, 78, 68, 174, 66, 96,  130};
const Bytes palette{
    137, 80, 78, 71, 13,  10,  26,  10,  0,   0,   0,   13, 73, 72, 68, 82,  0,   0,  0,  2,   0, 0,
    0,   1,  8,  3,  0,   0,   0,   195, 252, 143, 184, 0,  0,  0,  6,  80,  76,  84, 69, 0,   0, 0,
    90,  90, 90, 15, 166, 31,  157, 0,   0,   0,   11,  73, 68, 65, 84, 120, 218, 99, 96, 100, 0, 0,
    0,   5,  0,  2,  66,  194, 68,  159, 0,   0,   0,   0,  73, 69, 78, 68,  174, 66, 96, 130};

Bytes text(const std::string& s) { return Bytes(s.begin(), s.end()); }
std::vector<int> pixels(const Bytes& bytes) { return parse_image(bytes).to_vector<int>(); }

TEST(Image, ReadsPgm) {
  const Bytes plain = text("P2\n# a comment\n3 2\n255\n0 128 255\n1 2 254\n");
  EXPECT_EQ(parse_image(plain).spec(), (Spec{{2, 3}, DType::u8}));
  EXPECT_THAT(pixels(plain), ElementsAre(0, 128, 255, 1, 2, 254));
  EXPECT_THAT(pixels(text("P5 3 2 255\n\1\2\3\4\5\6")), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(pixels(text("P5\n2 1 65535\n\x80\x80\xff\xff")), ElementsAre(128, 255));
  EXPECT_THAT(pixels(text("P2 3 1 15 0 7 15")), ElementsAre(0, 119, 255));
  EXPECT_THAT(pixels(text("P2 3 1 1 0 1 1")), ElementsAre(0, 255, 255));
}

TEST(Image, ReadsPng) {
  EXPECT_EQ(parse_image(gray8).spec(), (Spec{{2, 3}, DType::u8}));
  EXPECT_THAT(pixels(gray8), ElementsAre(0, 128, 255, 1, 2, 254));
  EXPECT_THAT(pixels(gray16), ElementsAre(0, 128));
  EXPECT_THAT(pixels(bits1), ElementsAre(255, 0, 255));
  EXPECT_THAT(pixels(rgb8), ElementsAre(10, 200));
  EXPECT_THAT(pixels(graya), ElementsAre(0, 77));
  EXPECT_THAT(pixels(palette), ElementsAre(90, 0));
}

TEST(Image, SaysWhatIsWrong) {
  const auto wrong = [](const Bytes& bytes) {
    return message_of([&] { parse_image(bytes, "x.png"); });
  };
  EXPECT_THAT(wrong({}), HasSubstr("DataError: x.png: neither a PGM (P2, P5) nor a PNG picture"));
  EXPECT_THAT(wrong(text("P6 1 1 255\nabc")), HasSubstr("neither"));
  EXPECT_THAT(wrong(text("P5")), HasSubstr("ends too early"));
  EXPECT_THAT(wrong(text("P5 x")), HasSubstr("a number is missing"));
  EXPECT_THAT(wrong(text("P5 2 2 255\nabc")), HasSubstr("pixels are missing"));
  EXPECT_THAT(wrong(text("P5 2 2 255\nabcde")), HasSubstr("left over"));
  EXPECT_THAT(wrong(text("P2 1 1 255 7 7")), HasSubstr("left over"));
  EXPECT_THAT(wrong(text("P2 2 1 255 7 x")), HasSubstr("a number is missing"));
  EXPECT_THAT(wrong(text("P2 1 1 255 256")), HasSubstr("pixel 0 is 256, the largest value is 255"));
  EXPECT_THAT(wrong(text("P5 1 1 0\na")), HasSubstr("the largest value is 0"));
  EXPECT_THAT(wrong(text("P5 1 1 65536\naa")), HasSubstr("the largest value is 65536"));
  EXPECT_THAT(wrong(text("P5 1 1 255")), HasSubstr("the header does not end"));
  EXPECT_THAT(wrong(text("P5 99999999999999999999 1 255\n")), HasSubstr("too large"));
  EXPECT_THAT(wrong(text("P5 5000 1 255\n")), HasSubstr("5000 x 1 pixels"));
  EXPECT_THAT(wrong(text("P5 0 1 255\n")), HasSubstr("0 x 1 pixels"));
  EXPECT_THAT(wrong(text("P5 4096 4096 255\n")), HasSubstr("pixels are missing"));
  EXPECT_THAT(wrong(Bytes(gray8.begin(), gray8.begin() + 40)), HasSubstr("not a whole PNG"));
  Bytes bytes = gray8;
  bytes[45] ^= 1;  // packed pixels
  EXPECT_THAT(wrong(bytes), HasSubstr("not a whole PNG"));
}

// What is transparent counts as black, as the ground of MNIST's digits is; black strokes on it
// would be read as nothing at all, without a word.
TEST(Image, BlackOnATransparentGroundIsRefused) {
  EXPECT_THAT(pixels(white_on_clear), ElementsAre(255, 0));
  EXPECT_THAT(pixels(all_clear), ElementsAre(0, 0));
  const std::string message = message_of([&] { parse_image(black_on_clear, "x.png"); });
  EXPECT_THAT(message, HasSubstr("DataError: x.png: black strokes on a transparent ground"));
  EXPECT_THAT(message, HasSubstr("--invert"));
}

TEST(Image, SurvivesEveryTruncationAndEveryChangedByte) {
  for (const Bytes& seed :
       {text("P2 #c\n2 1 255\n7 8"), text("P5 2 1 300 \1\1\1\1"), gray8, bits1, palette, graya})
    test::attack(seed, [](ByteSpan b) { parse_image(b); });
}

TEST(Image, ReadsFiles) {
  const test::Folder folder;
  write_file(folder / "a.png", gray8);
  EXPECT_EQ(read_image(folder / "a.png").numel(), 6);
  EXPECT_THAT(message_of([&] { read_image(folder / "b.png"); }), HasSubstr("IoError"));
}

// The pixels may be all there: a file that ends before its end chunk was cut, and who knows what
// else is wrong with it.
TEST(Image, PngCutAnywhereIsRefused) {
  for (const Bytes& whole : {gray8, gray16, bits1, rgb8, graya, palette}) {
    ASSERT_NO_THROW(parse_image(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_THROW(parse_image(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))),
                   DataError)
          << size << " of " << whole.size() << " bytes";
  }
}

}  // namespace
}  // namespace gradus::io
