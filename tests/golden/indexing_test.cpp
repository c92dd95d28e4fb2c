// Indexing against NumPy: the random indices of indexing.json (made by tools/golden/indexing.py),
// read and written, on a contiguous tensor and on a strided one.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using Json = nlohmann::json;

Index entry_of(const Json& j) {
  if (j.is_number()) return j.get<std::int64_t>();
  if (j == "all") return all;
  if (j == "newaxis") return newaxis;
  if (j == "...") return ellipsis;
  if (j.is_array()) {
    const auto end = [](const Json& v) {
      return v.is_null() ? std::optional<std::int64_t>() : v.get<std::int64_t>();
    };
    return Slice{end(j[0]), end(j[1]), j[2].get<std::int64_t>()};
  }
  const Shape shape(j["shape"].get<Ints>());
  if (j.contains("ints")) return Tensor::of(j["ints"].get<Ints>(), shape);
  Ints truths;
  for (const bool truth : j["mask"]) truths.push_back(truth);
  return astype(Tensor::of(truths, shape), DType::boolean);
}

/// 0, 1, 2, ... in row-major order, in every second place of a larger storage where `strided`.
Tensor counting(const Ints& shape, bool strided) {
  if (!strided) return reshape(arange(Shape(shape).numel()), shape);
  Ints twice = shape;
  for (std::int64_t& n : twice) n *= 2;
  Tensor x = full(twice, -7, DType::i64);
  for (int k = 0; k < x.ndim(); ++k) x = slice(x, k, 1, {}, 2);
  x.copy_(counting(shape, false));
  return x;
}

TEST(Golden, EveryIndexReadsAndWritesAsNumPy) {
  const auto cases = Json::parse(std::ifstream(GRADUS_SOURCE_DIR "/tests/golden/indexing.json"));
  ASSERT_GE(cases.size(), 400U);
  const Tensor minus_one = Tensor::scalar(-1, DType::i64);
  for (const Json& c : cases)
    for (const bool strided : {false, true}) {
      const std::string what = c.dump();
      std::vector<Index> index;
      for (const Json& j : c["index"]) index.push_back(entry_of(j));
      const Ints shape = c["shape"].get<Ints>();
      Tensor x = counting(shape, strided);
      if (c.contains("error")) {
        EXPECT_THROW(getitem(x, index), Error) << what;
        EXPECT_THROW(index_put(x, index, minus_one), Error) << what;
        EXPECT_THROW(index_put_(x, index, minus_one), Error) << what;
        continue;
      }
      const Tensor y = getitem(x, index);
      EXPECT_EQ(y.shape(), Shape(c["result"]["shape"].get<Ints>())) << what;
      EXPECT_EQ(y.to_vector<std::int64_t>(), c["result"]["values"].get<Ints>()) << what;
      const Ints written = c["written"].get<Ints>();
      EXPECT_EQ(index_put(x, index, full(y.shape().to_vector(), -1, DType::i64))
                    .to_vector<std::int64_t>(),
                written)
          << what;
      index_put_(x, index, y);
      EXPECT_EQ(x.to_vector<std::int64_t>(), counting(shape, false).to_vector<std::int64_t>())
          << "what was read, written back: " << what;
      index_put_(x, index, minus_one);
      EXPECT_EQ(x.to_vector<std::int64_t>(), written) << what;
    }
}

}  // namespace
}  // namespace gradus
