// IDX: round trips, real files, malformed kinds, every truncation and every changed byte.
#include <gradus/io/gzip.h>
#include <gradus/io/idx.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/io/attack.h"

namespace gradus::io {
namespace {

using test::message_of;
using testing::HasSubstr;

Bytes gzip(const Bytes& bytes, int level = 9) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// Written out by hand: u8 of shape [2, 3].
const Bytes two_by_three{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 50, 255};
const Bytes vector_of_two{0, 0, 8, 1, 0, 0, 0, 2, 7, 9};
const Bytes empty_axis{0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 28};

TEST(Idx, ReadsTheValuesPlainAndGzipped) {
  for (const Bytes& bytes : {two_by_three, gzip(two_by_three), gzip(two_by_three, 0)}) {
    const Tensor x = parse_idx(bytes);
    EXPECT_EQ(x.spec(), (Spec{{2, 3}, DType::u8}));
    EXPECT_THAT(x.to_vector<int>(), testing::ElementsAre(10, 20, 30, 40, 50, 255));
  }
  EXPECT_EQ(parse_idx(empty_axis).shape(), (Shape{0, 28}));
}

TEST(Idx, ReadsGzipFilesOfSeveralMembers) {
  Bytes bytes = gzip(Bytes(two_by_three.begin(), two_by_three.begin() + 7));
  const Bytes second = gzip(Bytes(two_by_three.begin() + 7, two_by_three.end()));
  bytes.insert(bytes.end(), second.begin(), second.end());
  EXPECT_THAT(parse_idx(bytes).to_vector<int>(), testing::ElementsAre(10, 20, 30, 40, 50, 255));
}

// libdeflate takes what is sound and whole; the rest is zlib's to take or to refuse, and all is in
// a build without libdeflate.
TEST(Idx, UnpacksAtOnceWhatIsSound) {
  const Bytes packed = gzip(two_by_three);
  EXPECT_EQ(gunzipped_size(packed), two_by_three.size());
  Bytes unpacked(two_by_three.size());
  const bool is_built_in = gunzip_library() == std::string("libdeflate");
  EXPECT_EQ(gunzip_whole(packed, unpacked), is_built_in);
  EXPECT_EQ(unpacked == two_by_three, is_built_in);
  Bytes other(two_by_three.size() - 1);
  EXPECT_FALSE(gunzip_whole(packed, other));
  other.resize(two_by_three.size() + 1);
  EXPECT_FALSE(gunzip_whole(packed, other));
  const auto is_refused = [](const Bytes& bytes) {
    Bytes to(two_by_three.size());
    return !gunzip_whole(bytes, to);
  };
  Bytes damaged = packed;
  damaged[damaged.size() - 6] ^= 1;  // checksum
  EXPECT_TRUE(is_refused(damaged));
  damaged = packed;
  damaged.push_back(0);
  EXPECT_TRUE(is_refused(damaged));
  EXPECT_TRUE(is_refused(Bytes(packed.begin(), packed.end() - 1)));
  EXPECT_TRUE(is_refused({}));
}

TEST(Idx, WritesWhatItReads) {
  EXPECT_EQ(idx_bytes(parse_idx(two_by_three)), two_by_three);
  const Tensor flipped = parse_idx(two_by_three);
  const Tensor view = flipped.with_layout(flipped.layout().permute({1, 0}));
  EXPECT_THAT(parse_idx(idx_bytes(view)).to_vector<int>(),
              testing::ElementsAre(10, 40, 20, 50, 30, 255));
  EXPECT_THROW(idx_bytes(Tensor::empty({2}, DType::f32)), DTypeError);
  EXPECT_THROW(idx_bytes(Tensor::empty({}, DType::u8)), ShapeError);
}

TEST(Idx, SaysWhatIsWrong) {
  const auto wrong = [](Bytes bytes) {
    return message_of([&] { parse_idx(bytes, "digits.idx"); });
  };
  const auto changed = [](Bytes bytes, std::size_t at, std::uint8_t value) {
    bytes[at] = value;
    return bytes;
  };
  const auto cut = [](Bytes bytes, std::size_t size) {
    bytes.resize(size);
    return bytes;
  };
  EXPECT_THAT(wrong({}), HasSubstr("DataError: digits.idx: too short"));
  EXPECT_THAT(wrong({0, 0, 8}), HasSubstr("too short"));
  EXPECT_THAT(wrong(changed(two_by_three, 0, 1)), HasSubstr("not an IDX file"));
  EXPECT_THAT(wrong(changed(two_by_three, 1, 1)), HasSubstr("not an IDX file"));
  EXPECT_THAT(wrong(changed(two_by_three, 2, 7)), HasSubstr("not an IDX file"));
  for (const auto& [type, name] :
       {std::pair{0x09, "i8"}, {0x0B, "i16"}, {0x0C, "i32"}, {0x0D, "f32"}, {0x0E, "f64"}})
    EXPECT_THAT(wrong(changed(two_by_three, 2, static_cast<std::uint8_t>(type))),
                HasSubstr(std::string("DTypeError: digits.idx: an IDX file of ") + name));
  EXPECT_THAT(wrong(changed(two_by_three, 3, 0)), HasSubstr("rank 0"));
  EXPECT_THAT(wrong(changed(two_by_three, 3, 9)), HasSubstr("rank 9"));
  EXPECT_THAT(wrong(cut(two_by_three, 10)), HasSubstr("ends inside the header"));
  EXPECT_THAT(wrong(cut(two_by_three, 17)), HasSubstr("says 6 values, 5 are there"));
  EXPECT_THAT(wrong(cut(two_by_three, 19)), HasSubstr("bytes are left over"));
  EXPECT_THAT(wrong(changed(two_by_three, 4, 255)),
              HasSubstr("more values than the file can hold"));
  // 2^32-1 in each of 8 axes overflows any product.
  Bytes huge{0, 0, 8, 8};
  huge.resize(36, 255);
  EXPECT_THAT(wrong(huge), HasSubstr("more values than the file can hold"));
  EXPECT_THAT(wrong(gzip(huge)), HasSubstr("more values than the file can hold"));
  // Nor may the strides of an empty tensor overflow.
  huge[7] = huge[6] = huge[5] = huge[4] = 0;
  EXPECT_THAT(wrong(huge), HasSubstr("more values than the file can hold"));
}

TEST(Idx, SaysWhatIsWrongWithGzip) {
  const auto wrong = [](const Bytes& bytes) {
    return message_of([&] { parse_idx(bytes, "digits.gz"); });
  };
  const Bytes good = gzip(two_by_three);
  EXPECT_THAT(wrong(Bytes(good.begin(), good.end() - 5)), HasSubstr("ends too early"));
  EXPECT_THAT(wrong(Bytes(good.begin(), good.begin() + 12)), HasSubstr("ends too early"));
  Bytes bytes = good;
  bytes[bytes.size() - 6] ^= 1;  // checksum
  EXPECT_THAT(wrong(bytes), HasSubstr("incorrect data check"));
  bytes = good;
  bytes[bytes.size() - 1] ^= 1;  // length
  EXPECT_THAT(wrong(bytes), HasSubstr("incorrect length check"));
  bytes = good;
  bytes[2] = 9;  // method
  EXPECT_THAT(wrong(bytes), HasSubstr("unknown compression method"));
  bytes = good;
  bytes.push_back(0);
  EXPECT_THAT(wrong(bytes), HasSubstr("1 bytes follow the end"));
  Bytes longer = two_by_three;
  longer.push_back(0);
  EXPECT_THAT(wrong(gzip(longer)), HasSubstr("bytes are left over"));
  EXPECT_THAT(wrong({0x1f, 0x8b}), HasSubstr("ends too early"));
}

TEST(Idx, TakesNoMemoryForWhatIsNotThere) {
  // A header that says 800 MB over 1 MB of packed zeros that would unpack to 1 GB, one that says
  // 2 GB over nothing, and an honest bomb of 64 MB.
  Bytes header{0, 0, 8, 1, 0x30, 0, 0, 0};
  Bytes body = header;
  body.resize(1 << 20);
  const Bytes small = gzip(body);
  EXPECT_LT(small.size(), 4096u);
  reset_peak_memory();
  const std::size_t before = memory_in_use();
  EXPECT_THROW(parse_idx(small), DataError);
  EXPECT_THROW(parse_idx(body), DataError);
  EXPECT_LE(peak_memory() - before, 2 * body.size() + (16u << 20));
}

TEST(Idx, SurvivesEveryTruncationAndEveryChangedByte) {
  Bytes rank_eight{0, 0, 8, 8};
  for (int axis = 0; axis < 8; ++axis) rank_eight.insert(rank_eight.end(), {0, 0, 0, 1});
  rank_eight.push_back(42);
  for (const Bytes& seed : {two_by_three, vector_of_two, empty_axis, rank_eight, gzip(two_by_three),
                            gzip(vector_of_two, 0), gzip(empty_axis), gzip(rank_eight)})
    test::attack(seed, [](ByteSpan bytes) { parse_idx(bytes); });
}

TEST(Idx, WritesAndReadsFiles) {
  const test::Folder folder;
  write_idx(folder / "a.idx", parse_idx(two_by_three));
  EXPECT_EQ(read_file(folder / "a.idx"), two_by_three);
  EXPECT_EQ(read_idx(folder / "a.idx").shape(), (Shape{2, 3}));
  EXPECT_THROW(read_idx(folder / "b.idx"), IoError);
}

}  // namespace
}  // namespace gradus::io
