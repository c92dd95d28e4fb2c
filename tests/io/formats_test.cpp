// Files: what is right is read, everything else is a typed error. Every truncation and every
// changed byte of small files is tried.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <fstream>

#include <gradus/gradus.h>
#include <gradus/io/file.h>
#include <gradus/io/idx.h>
#include <gradus/io/image.h>
#include <gradus/io/safetensors.h>

namespace gradus::io {
namespace {

using testing::HasSubstr;

std::string scratch(const std::string& name) {
  return testing::TempDir() + "gradus_" + std::to_string(::getpid()) + "_" + name;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

const std::string idx("\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5\6", 18);

/// Calls read(bytes) for every truncation and every substituted byte; it may return or throw a
/// gradus error.
template <class Read>
void attack(const std::string& good, Read&& read) {
  auto attempt = [&](const std::string& bytes) {
    try {
      read(bytes);
    } catch (const Error&) {
    }
  };
  for (std::size_t n = 0; n < good.size(); ++n) {
    try {
      read(good.substr(0, n));
      ADD_FAILURE() << "cut to " << n << " bytes it was read";
    } catch (const Error&) {
    }
    std::string changed = good;
    for (int value = 0; value < 256; ++value) {
      changed[n] = static_cast<char>(value);
      attempt(changed);
    }
  }
}

TEST(Idx, ReadsPlainAndGzipped) {
  for (const std::string& bytes : {idx, gunzip(gzip(idx), "x")}) {
    const Tensor x = parse_idx(bytes, "x");
    EXPECT_EQ(x.spec(), (Spec{{2, 3}, DType::u8}));
    EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  }
}

TEST(Idx, RefusesEveryDamage) {
  attack(idx, [](const std::string& bytes) { parse_idx(bytes, "x"); });
  attack(gzip(idx), [](const std::string& bytes) { parse_idx(gunzip(bytes, "x"), "x"); });
  EXPECT_THROW(parse_idx(idx + "x", "x"), DataError);
  EXPECT_THROW(parse_idx(std::string("\0\0\x08\x09", 4) + std::string(40, '\1'), "x"), DataError);
  const std::string huge(
      "\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20);
  reset_peak_memory();
  const std::size_t before = memory_in_use();
  EXPECT_THROW(parse_idx(huge, "x"), DataError);
  EXPECT_EQ(peak_memory(), before)
      << "nothing may be allocated for sizes that the file does not hold";
}

SafeTensors sample_file() {
  SafeTensors file;
  file.tensors = {{"w", tensor({{1., 2.}, {3., 4.}})},
                  {"flags", tensor({1., 2.}) > 1.5},
                  {"empty", zeros({0, 3}, DType::f64)},
                  {"one", Tensor::scalar(7, DType::i64)}};
  file.metadata = {{"who", "test \"quoted\""}};
  return file;
}

TEST(SafeTensorsFile, ComesBackAsItWas) {
  const std::string bytes = safetensors_bytes(sample_file());
  const SafeTensors back = parse_safetensors(bytes, "x");
  ASSERT_EQ(back.tensors.size(), 4u);
  EXPECT_EQ(back.at("w").to_vector<double>(), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(back.at("flags").dtype(), DType::boolean);
  EXPECT_EQ(back.at("empty").shape(), Shape({0, 3}));
  EXPECT_EQ(back.at("one").item<int>(), 7);
  EXPECT_EQ(back.metadata.at("who"), "test \"quoted\"");
  EXPECT_EQ(safetensors_bytes(back), bytes);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_THROW(back.at("v"), NameError);
}

TEST(SafeTensorsFile, RefusesEveryDamage) {
  SafeTensors small;
  small.tensors = {{"w", tensor({1., 2.})}, {"b", tensor({3})}};
  attack(safetensors_bytes(small), [](const std::string& bytes) { parse_safetensors(bytes, "x"); });
}

TEST(SafeTensorsFile, RefusesMalformedHeaders) {
  auto with_header = [](const std::string& json, std::size_t data) {
    const std::uint64_t n = json.size();
    return std::string(reinterpret_cast<const char*>(&n), 8) + json + std::string(data, '\0');
  };
  const std::string good = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  EXPECT_NO_THROW(parse_safetensors(with_header(good, 4), "x"));
  const std::pair<std::string, std::size_t> bad[] = {
      {good, 3},
      {good, 5},
      {"", 0},
      {"[]", 0},
      {"null", 0},
      {R"({"a":1})", 0},
      {R"({"a":{}})", 0},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
       6},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
       12},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}})",
       4},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})", 2},
      {R"({"a":{"dtype":5,"shape":[1],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4},
      {R"({"__metadata__":5})", 0},
      {R"({"__metadata__":{"a":5}})", 0},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})",
       4},
      {std::string(70, '[') + std::string(70, ']'), 0},
      {R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}", 0},
      {good + "x", 4},
      {"\xff\xfe", 0},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4}};
  for (const auto& [json, data] : bad)
    EXPECT_THROW(parse_safetensors(with_header(json, data), "x"), DataError) << json;
  // A truth value that is neither 0 nor 1 would be undefined to read.
  std::string flags = with_header(R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", 1);
  flags.back() = 2;
  EXPECT_THROW(parse_safetensors(flags, "x"), DataError);
  std::string huge(8, '\xff');
  EXPECT_THROW(parse_safetensors(huge, "x"), DataError);
}

TEST(File, WritingIsAllOrNothing) {
  const std::string path = scratch("file");
  write_file_atomically(path, "first");
  write_file_atomically(path, "second");
  EXPECT_EQ(read_file(path), "second");
  ::unlink(path.c_str());
  EXPECT_THROW(write_file_atomically("/nowhere/at/all", "x"), IoError);
  EXPECT_THROW(check_writable("/nowhere/at/all"), IoError);
  EXPECT_THROW(check_writable(testing::TempDir()), IoError);
  EXPECT_THROW(read_file("/nowhere"), IoError);
  EXPECT_THROW(read_file(testing::TempDir()), IoError);
  check_writable(path);
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "asking leaves nothing behind";
}

TEST(Image, ReadsPgmAndRefusesDamage) {
  const std::string path = scratch("picture.pgm");
  auto read = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    return read_image(path);
  };
  EXPECT_EQ(read("P2\n# a comment\n3 2\n10\n0 5 10\n10 5 0\n").to_vector<int>(),
            (std::vector<int>{0, 128, 255, 255, 128, 0}));
  EXPECT_EQ(read(std::string("P5 2 1 255\n\x01\xff", 13)).to_vector<int>(),
            (std::vector<int>{1, 255}));
  for (const char* bad : {"P5 2 1 255\n\x01", "P2 2 2 10\n1 2 3", "P2 2 1 10\n11 1",
                          "P2 99999 1 10\n", "P2 0 1 10\n", "P2", "P7 1 1", "", "\x89PNG nonsense"})
    EXPECT_THROW(read(bad), Error) << bad;
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace gradus::io
