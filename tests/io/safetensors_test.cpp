// Safetensors: files that Python wrote, round trips, malformed kinds, every truncation and every
// changed byte.
#include <gradus/io/safetensors.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/io/attack.h"

namespace gradus::io {
namespace {

using test::message_of;
using testing::HasSubstr;

/// A file of that header and so many bytes of data, 0 1 2 ...
Bytes file_of(const std::string& header, std::size_t data_bytes) {
  Bytes bytes;
  for (std::size_t i = 0; i < 8; ++i)
    bytes.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data_bytes; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}

std::string wrong(const std::string& header, std::size_t data_bytes) {
  return message_of([&] { parse_safetensors(file_of(header, data_bytes), "m"); });
}

// What Python's safetensors 0.8.0 writes for
// save({"w": float32 [[1, 2], [-3, .5]], "b": uint8 [7, 255], "n": int64 5}, metadata={"k": "v"}).
const std::string python_header =
    R"({"__metadata__":{"k":"v"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
    R"("w":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},)"
    R"("b":{"dtype":"U8","shape":[2],"data_offsets":[24,26]}})";
const Bytes python_data{5, 0, 0,    0, 0, 0,    0,    0, 0, 0, 0x80, 0x3f, 0,
                        0, 0, 0x40, 0, 0, 0x40, 0xc0, 0, 0, 0, 0x3f, 7,    255};

Bytes python_file() {
  std::string header = python_header;
  header.resize((header.size() + 7) / 8 * 8, ' ');
  Bytes bytes = file_of(header, 0);
  bytes.insert(bytes.end(), python_data.begin(), python_data.end());
  return bytes;
}

TEST(SafeTensors, ReadsWhatPythonWrote) {
  const SafeTensors content = parse_safetensors(python_file());
  ASSERT_EQ(content.tensors.size(), 3u);
  EXPECT_EQ(content.tensors[0].first, "n");
  EXPECT_EQ(content.at("n").spec(), (Spec{{}, DType::i64}));
  EXPECT_EQ(content.at("n").item<std::int64_t>(), 5);
  EXPECT_EQ(content.at("w").spec(), (Spec{{2, 2}, DType::f32}));
  EXPECT_THAT(content.at("w").to_vector<double>(), testing::ElementsAre(1, 2, -3, .5));
  EXPECT_THAT(content.at("b").to_vector<int>(), testing::ElementsAre(7, 255));
  EXPECT_THAT(content.metadata, testing::ElementsAre(testing::Pair("k", "v")));
  EXPECT_EQ(content.find("x"), nullptr);
  EXPECT_THAT(message_of([&] { content.at("x"); }), HasSubstr("there are: n, w, b"));
}

TEST(SafeTensors, WritesWhatPythonWrites) {
  EXPECT_EQ(safetensors_bytes(parse_safetensors(python_file())), python_file());
}

TEST(SafeTensors, RoundTripsEveryDtypeAndLayout) {
  SafeTensors content;
  content.metadata = {{"quote \" and \\ and \n", "\xc3\xa4"}, {"", ""}};
  for (const DType dtype : all_dtypes) {
    Tensor x = Tensor::empty({2, 3}, dtype);
    dispatch(dtype, [&]<class T>() {
      for (std::int64_t i = 0; i < 6; ++i) x.data<T>()[i] = static_cast<T>(i * 37 % 5);
    });
    const std::string name(dtype_name(dtype));
    content.tensors.emplace_back(name, x);
    content.tensors.emplace_back(name + " permuted", x.with_layout(x.layout().permute({1, 0})));
    content.tensors.emplace_back(name + " flipped", x.with_layout(x.layout().flip({1})));
    content.tensors.emplace_back(name + " stretched",
                                 x.with_layout(x.layout().slice(1, 1, 2).broadcast_to({2, 4})));
    content.tensors.emplace_back(name + " none", Tensor::empty({0, 7}, dtype));
    content.tensors.emplace_back(name + " scalar", Tensor::scalar(1, dtype));
  }
  const Bytes bytes = safetensors_bytes(content);
  EXPECT_EQ(bytes, safetensors_bytes(content));
  const SafeTensors back = parse_safetensors(bytes);
  EXPECT_EQ(back.metadata, content.metadata);
  ASSERT_EQ(back.tensors.size(), content.tensors.size());
  for (std::size_t i = 0; i < back.tensors.size(); ++i) {
    EXPECT_EQ(back.tensors[i].first, content.tensors[i].first);
    EXPECT_EQ(back.tensors[i].second.spec(), content.tensors[i].second.spec());
    EXPECT_EQ(back.tensors[i].second.to_vector<double>(),
              content.tensors[i].second.to_vector<double>());
  }
  EXPECT_TRUE(parse_safetensors(safetensors_bytes({})).tensors.empty());
  EXPECT_EQ(parse_safetensors(file_of("{\"__metadata__\":{}}  \n", 0)).metadata.size(), 0u);
}

TEST(SafeTensors, RefusesNamesThatCannotBeStored) {
  const Tensor x = Tensor::scalar(1);
  EXPECT_THAT(message_of([&] {
                safetensors_bytes({{{"a", x}, {"a", x}}, {}});
              }),
              HasSubstr("NameError: the name \"a\" comes twice"));
  EXPECT_THROW(safetensors_bytes({{{"__metadata__", x}}, {}}), NameError);
  EXPECT_THROW(safetensors_bytes({{{"\xff", x}}, {}}), NameError);
  EXPECT_THROW(safetensors_bytes({{}, {{"\xff", ""}}}), NameError);
}

TEST(SafeTensors, SaysWhatIsWrongWithTheFrame) {
  const auto raw = [](const Bytes& bytes) {
    return message_of([&] { parse_safetensors(bytes, "m"); });
  };
  EXPECT_THAT(raw({}), HasSubstr("DataError: m: too short"));
  EXPECT_THAT(raw({2, 0, 0, 0, 0, 0, 0}), HasSubstr("too short"));
  EXPECT_THAT(raw({3, 0, 0, 0, 0, 0, 0, 0, '{', '}'}), HasSubstr("says 3 bytes, 2 are there"));
  EXPECT_THAT(raw({1, 0xe1, 0xf5, 5, 0, 0, 0, 0, '{', '}'}), HasSubstr("have 100000001 bytes"));
  EXPECT_THAT(raw({255, 255, 255, 255, 255, 255, 255, 255, '{'}), HasSubstr("the limit is"));
  EXPECT_THAT(wrong("", 0), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(wrong(" {}", 0), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(wrong("\xef\xbb\xbf{}", 0), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(wrong("[]", 0), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(wrong(std::string("{}\0 x", 5), 0), HasSubstr("zero byte"));
  EXPECT_THAT(wrong("{} {}", 0), HasSubstr("not JSON at byte"));
  EXPECT_THAT(wrong("{\"a\":", 0), HasSubstr("not JSON at byte"));
  EXPECT_THAT(wrong("{\"\xff\":1}", 0), HasSubstr("not JSON at byte"));
  EXPECT_THAT(wrong("{/**/}", 0), HasSubstr("not JSON at byte"));
  EXPECT_THAT(wrong("{}", 1), HasSubstr("1 bytes after the last tensor belong to none"));
}

TEST(SafeTensors, SaysWhatIsWrongWithTheHeader) {
  EXPECT_THAT(wrong(R"({"a":1})", 0), HasSubstr("the entry \"a\" of the header is the number 1"));
  EXPECT_THAT(wrong(R"({"a":null})", 0), HasSubstr("is null"));
  EXPECT_THAT(wrong(R"({"a":[]})", 0), HasSubstr("is a list"));
  EXPECT_THAT(wrong(R"({"__metadata__":"x"})", 0), HasSubstr("is the text \"x\""));
  EXPECT_THAT(wrong(R"({"__metadata__":{"k":1}})", 0), HasSubstr("\"k\" of __metadata__ is"));
  EXPECT_THAT(wrong(R"({"__metadata__":{"k":{}}})", 0), HasSubstr("is an object, not text"));
  EXPECT_THAT(wrong(R"({"__metadata__":{"k":"","k":""}})", 0), HasSubstr("comes twice"));
  EXPECT_THAT(wrong(R"({"__metadata__":{},"__metadata__":{}})", 0), HasSubstr("comes twice"));
  EXPECT_THAT(wrong(R"({"a":{}})", 0), HasSubstr("tensor \"a\" has no dtype"));
  EXPECT_THAT(wrong(R"({"a":{"dtype":"F32"}})", 0), HasSubstr("has no shape"));
  EXPECT_THAT(wrong(R"({"a":{"dtype":"F32","shape":[]}})", 0), HasSubstr("has no data_offsets"));
  EXPECT_THAT(wrong(R"({"a":{"dtype":"F32","dtype":"F32"}})", 0), HasSubstr("\"dtype\" twice"));
  EXPECT_THAT(wrong(R"({"a":{"shape":[],"shape":[]}})", 0), HasSubstr("\"shape\" twice"));
  EXPECT_THAT(wrong(R"({"a":{"extra":1}})", 0), HasSubstr("unknown field \"extra\""));
  EXPECT_THAT(wrong(R"({"a":{"dtype":7}})", 0), HasSubstr("the number 7 in \"dtype\""));
  EXPECT_THAT(wrong(R"({"a":{"dtype":["F32"]}})", 0), HasSubstr("a list in \"dtype\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":2}})", 0), HasSubstr("the number 2 in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":"2"}})", 0), HasSubstr("the text \"2\" in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":[-1]}})", 0), HasSubstr("the number -1 in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":[1.0]}})", 0), HasSubstr("the number 1.0 in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":[99999999999999999999]}})", 0),
              HasSubstr("99999999999999999"));
  EXPECT_THAT(wrong(R"({"a":{"shape":[true]}})", 0), HasSubstr("a boolean in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":[[1]]}})", 0), HasSubstr("a list in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":[{"dtype":"F32"}]}})", 0),
              HasSubstr("an object in \"shape\""));
  EXPECT_THAT(wrong(R"({"a":{"shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}})", 0),
              HasSubstr("more than 16 numbers"));
  // Deep nesting is refused at the first level that has no meaning, however deep it goes.
  EXPECT_THAT(wrong("{\"a\":" + std::string(1'000'000, '['), 0), HasSubstr("is a list"));
  EXPECT_THAT(wrong("{\"a\":{\"shape\":" + std::string(1'000'000, '['), 0), HasSubstr("a list in"));
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

TEST(SafeTensors, SaysWhatIsWrongWithTheTensors) {
  for (const char* dtype : {"F16", "BF16", "I8", "I16", "U16", "U32", "U64", "F8_E4M3", "f32", ""})
    EXPECT_THAT(wrong("{" + entry("w", dtype, "[1]", "[0,4]") + "}", 4),
                HasSubstr("DTypeError: m: tensor \"w\" has dtype \"" + std::string(dtype) + "\""));
  const auto one = [](const std::string& shape, const std::string& offsets, std::size_t bytes) {
    return wrong("{" + entry("w", "F32", shape, offsets) + "}", bytes);
  };
  EXPECT_THAT(one("[2]", "[0,4]", 4), HasSubstr("tensor \"w\" is f32[2], 8 bytes, but has 4"));
  EXPECT_THAT(one("[0]", "[0,4]", 4), HasSubstr("0 bytes, but has 4"));
  EXPECT_THAT(one("[1]", "[0]", 4), HasSubstr("has 1 data_offsets"));
  EXPECT_THAT(one("[1]", "[0,4,8]", 8), HasSubstr("has 3 data_offsets"));
  EXPECT_THAT(one("[1]", "[4,0]", 4), HasSubstr("lies at bytes 4..0 of 4"));
  EXPECT_THAT(one("[1]", "[0,8]", 4), HasSubstr("lies at bytes 0..8 of 4"));
  EXPECT_THAT(one("[1]", "[18446744073709551612,18446744073709551615]", 4), HasSubstr("lies at"));
  EXPECT_THAT(one("[1]", "[4,8]", 8), HasSubstr("after a hole that begins at 0"));
  EXPECT_THAT(one("[1]", "[0,4]", 8), HasSubstr("4 bytes after the last tensor belong to none"));
  // 4 * 2^62, 4 * 2^32 * 2^32, one size beyond 63 bits: products that wrap to small numbers.
  for (const char* shape :
       {"[4611686018427387904]", "[4294967296,4294967296]", "[18446744073709551615]",
        "[9223372036854775808,2]", "[0,4294967296,4294967296]"})
    EXPECT_THAT(one(shape, "[0,0]", 0), HasSubstr("number of bytes overflows")) << shape;
  EXPECT_THAT(
      wrong("{" + entry("a", "F32", "[2]", "[0,8]") + "," + entry("b", "F32", "[1]", "[4,8]") + "}",
            8),
      HasSubstr("tensor \"b\" begins at byte 4, inside another one that ends at 8"));
  EXPECT_THAT(
      wrong("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[0,4]") + "}",
            4),
      HasSubstr("inside another one"));
  EXPECT_THAT(
      wrong("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "U8", "[1]", "[2,3]") + "}",
            3),
      HasSubstr("tensor \"b\" begins at byte 2, after a hole that begins at 1"));
  EXPECT_THAT(
      wrong("{" + entry("a", "F32", "[]", "[0,4]") + "," + entry("a", "F32", "[]", "[4,8]") + "}",
            8),
      HasSubstr("the name \"a\" comes twice"));
  EXPECT_THAT(wrong("{" + entry("a", "BOOL", "[3]", "[0,3]") + "}", 3),
              HasSubstr("is BOOL but holds bytes other than 0 and 1"));
  const std::string long_name(1000, 'x');
  EXPECT_LT(wrong("{" + entry(long_name, "F16", "[]", "[0,2]") + "}", 2).size(), 400u);
}

TEST(SafeTensors, SurvivesEveryTruncationAndEveryChangedByte) {
  for (const Bytes& seed : {file_of("{}", 0), python_file(),
                            file_of("{" + entry("a", "BOOL", "[1,2]", "[0,2]") + "}", 2),
                            file_of("{" + entry("", "F64", "[]", "[0,8]") + "," +
                                        entry("z", "I32", "[0]", "[8,8]") + "}",
                                    8),
                            file_of("{\"__metadata__\":{\"a\":\"\\u00e4\"}}", 0)})
    test::attack(seed, [](ByteSpan bytes) { parse_safetensors(bytes); });
}

TEST(SafeTensors, TakesNoMemoryForWhatIsNotThere) {
  // A header that claims 2^40 bytes, and 3 MB of lists in lists.
  const Bytes claim =
      file_of("{" + entry("w", "F32", "[274877906944]", "[0,1099511627776]") + "}", 4);
  reset_peak_memory();
  const std::size_t before = memory_in_use();
  EXPECT_THROW(parse_safetensors(claim), DataError);
  EXPECT_EQ(peak_memory(), before);
}

TEST(SafeTensors, SavesAndLoadsFiles) {
  const test::Folder folder;
  SafeTensors content;
  content.tensors.emplace_back("0.weight", Tensor::scalar(2.5));
  save_safetensors(folder / "m.safetensors", content);
  EXPECT_EQ(load_safetensors(folder / "m.safetensors").at("0.weight").item(), 2.5);
  EXPECT_EQ(folder.entries(), 1u);
  EXPECT_THAT(message_of([&] { load_safetensors(folder / "none"); }), HasSubstr("IoError"));
}

}  // namespace
}  // namespace gradus::io
