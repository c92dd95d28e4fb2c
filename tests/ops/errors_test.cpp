// Wrong inputs for every operation: the answer is a typed gradus::Error that names the operation
// and the inputs, or a success; never another exception, never a crash. Then the exact words of the
// operations that are used most.
#include <gtest/gtest.h>

#include <functional>

#include <gradus/gradus.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace {

/// A sample spoilt in one way.
struct Wrong {
  std::string what;
  Op op;
  Tensors inputs;
  bool must_throw = false;
};

std::vector<Wrong> spoilt(const Sample& s) {
  std::vector<Wrong> list;
  const auto add = [&](std::string what, Tensors inputs, bool must_throw = false) {
    list.push_back({std::move(what), s.op, std::move(inputs), must_throw});
  };
  Tensors more = s.inputs;
  more.resize(more.size() + 4, ones({2}));
  add("four inputs more", more);
  if (!s.inputs.empty()) {
    add("no input", {}, true);
    add("an input less", Tensors(s.inputs.begin(), s.inputs.end() - 1));
  }
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    const auto with = [&](Tensor other) {
      Tensors inputs = s.inputs;
      inputs[i] = std::move(other);
      return inputs;
    };
    const std::string at = "input " + std::to_string(i) + " ";
    const Tensor& x = s.inputs[i];
    add(at + "undefined", with(Tensor()), true);
    for (const DType dtype : {DType::boolean, DType::u8, DType::i32, DType::i64, DType::f32})
      add(at + "as " + std::string(dtype_name(dtype)), with(astype(x, dtype)));
    add(at + "of another shape", with(astype(ones({7, 11, 13}), x.dtype())));
    add(at + "0-dim", with(astype(ones({}), x.dtype())));
    add(at + "empty", with(astype(ones({0}), x.dtype())));
    add(at + "of six axes", with(astype(ones({1, 2, 1, 2, 1, 2}), x.dtype())));
    add(at + "negative", with(astype(full_like(x, -5), x.dtype())));
    add(at + "huge", with(astype(full_like(astype(x, DType::f64), 1e18), x.dtype())));
    if (is_floating(x.dtype())) {
      add(at + "NaN", with(full_like(x, std::numeric_limits<double>::quiet_NaN())));
      add(at + "infinite", with(full_like(x, std::numeric_limits<double>::infinity())));
    }
  }
  const std::int64_t rank = s.inputs.empty() ? 3 : s.inputs[0].ndim();
  for (const AttributeInfo& a : s.op.attributes()) {
    std::vector<AttributeValue> values;
    if (std::holds_alternative<Ints>(a.value) || a.type.starts_with("ints"))
      values = {Ints{rank},     Ints{-rank - 1}, Ints{0, 0},
                Ints{-7, 3},    Ints{},          Ints{INT64_MAX, INT64_MAX},
                Ints{INT64_MIN}};
    else if (a.type.starts_with("int"))
      values = {rank, -rank - 1, std::int64_t{-3}, INT64_MIN, INT64_MAX};
    else if (a.type.starts_with("float"))
      values = {-1.0, 2.0, 0.0, std::numeric_limits<double>::infinity(),
                std::numeric_limits<double>::quiet_NaN()};
    else if (a.type.starts_with("text"))
      values = {std::string("nonsense"), std::string(""), std::string("->->"), std::string("...,")};
    else if (a.type.starts_with("dtype"))
      values = {DType::boolean, DType::u8, DType::f64};
    for (const AttributeValue& value : values) {
      // A size of 2^63 is refused by arithmetic; a size that only fills the memory is no test.
      if (const auto* n = std::get_if<std::int64_t>(&value);
          n != nullptr && *n == INT64_MAX && (a.name == "n" || a.name == "num"))
        continue;
      list.push_back({std::string(a.name) + "=" + to_text(value), s.op.with(a.name, to_text(value)),
                      s.inputs});
    }
  }
  return list;
}

class EveryWrong : public testing::TestWithParam<std::size_t> {
 protected:
  const Op& op() const { return all_ops()[GetParam()]; }
};

TEST_P(EveryWrong, InputEndsInATypedErrorOrASuccess) {
  for (const Sample& s : op().samples()) {
    std::vector<Wrong> list;
    ASSERT_NO_THROW(list = spoilt(s));
    for (const Wrong& wrong : list) {
      SCOPED_TRACE(wrong.op.str() + ": " + wrong.what);
      try {
        for (const Tensor& y : apply_all(wrong.op, wrong.inputs))
          EXPECT_EQ(static_cast<std::int64_t>(y.to_vector<double>().size()), y.numel());
        EXPECT_FALSE(wrong.must_throw) << "it was taken";
      } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_NE(error.kind(), "Error") << text;
        EXPECT_FALSE(error.problem().empty());
        EXPECT_NE(error.operation().find(op().name()), std::string::npos) << text;
        EXPECT_FALSE(error.hint().empty()) << text;
        for (const Tensor& x : wrong.inputs) {
          if (!x) continue;
          EXPECT_NE(error.inputs().find(x.spec().str()), std::string::npos) << text;
        }
      } catch (const std::exception& other) {
        ADD_FAILURE() << "not a gradus::Error: " << other.what();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryWrong, testing::Range<std::size_t>(0, all_ops().size()),
                         [](const auto& each) {
                           return std::string(all_ops()[each.param].name());
                         });

/// The text without its last line, the place.
std::string words_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string text = std::string(error.kind()) + ": " + error.what();
    return text.substr(0, text.rfind("\n  at: "));
  }
  return "nothing";
}

TEST(Wrong, SaysExactly) {
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"@@add(ones({3, 4}), ones({4, 3}))@@",
       [] {
         add(ones({3, 4}), ones({4, 3}));
       }},
      {"@@mul(ones({2, 3}), ones({2}))@@",
       [] {
         mul(ones({2, 3}), ones({2}));
       }},
      {"@@where(ones({2}), ones({3}), 0.0)@@", [] { where(ones({2}), ones({3}), 0.0); }},
      {"@@matmul(ones({3, 4}), ones({3, 5}))@@",
       [] {
         matmul(ones({3, 4}), ones({3, 5}));
       }},
      {"@@matmul(ones({}), ones({3}))@@", [] { matmul(ones({}), ones({3})); }},
      {"@@sum(ones({3, 4}), {2})@@",
       [] {
         sum(ones({3, 4}), {2});
       }},
      {"@@sum(ones({3, 4}), {0, -2})@@",
       [] {
         sum(ones({3, 4}), {0, -2});
       }},
      {"@@mean(ones({3}), {-2})@@", [] { mean(ones({3}), {-2}); }},
      {"@@amax(ones({0, 3}), {0})@@",
       [] {
         amax(ones({0, 3}), {0});
       }},
      {"@@argmax(ones({3, 4}), 5)@@",
       [] {
         argmax(ones({3, 4}), 5);
       }},
      {"@@softmax(ones({3, 4}), 2)@@",
       [] {
         softmax(ones({3, 4}), 2);
       }},
      {"@@log_softmax(ones({}))@@", [] { log_softmax(ones({})); }},
      {"@@reshape(ones({3, 4}), {5, -1})@@",
       [] {
         reshape(ones({3, 4}), {5, -1});
       }},
      {"@@reshape(ones({3, 4}), {-1, -1})@@",
       [] {
         reshape(ones({3, 4}), {-1, -1});
       }},
      {"@@permute_dims(ones({3, 4}), {0, 0})@@",
       [] {
         permute_dims(ones({3, 4}), {0, 0});
       }},
      {"@@transpose(ones({3}), 0, 1)@@", [] { transpose(ones({3}), 0, 1); }},
      {"@@expand_dims(ones({3}), 3)@@", [] { expand_dims(ones({3}), 3); }},
      {"@@squeeze(ones({3, 1}), {0})@@",
       [] {
         squeeze(ones({3, 1}), {0});
       }},
      {"@@broadcast_to(ones({3}), {4})@@", [] { broadcast_to(ones({3}), {4}); }},
      {"@@slice(ones({3}), 0, {}, {}, 0)@@", [] { slice(ones({3}), 0, {}, {}, 0); }},
      {"@@concat({ones({2, 3}), ones({3, 2})}, 0)@@",
       [] {
         concat({ones({2, 3}), ones({3, 2})}, 0);
       }},
      {"@@stack({ones({2}), ones({3})}, 0)@@",
       [] {
         stack({ones({2}), ones({3})}, 0);
       }},
      {"@@split(ones({5}), {2, 2}, 0)@@",
       [] {
         split(ones({5}), {2, 2}, 0);
       }},
      {"@@take(ones({3, 4}), tensor({0, 3}), 0)@@",
       [] {
         take(ones({3, 4}), tensor({0, 3}), 0);
       }},
      {"@@take(ones({3}), ones({1}), 0)@@", [] { take(ones({3}), ones({1}), 0); }},
      {"@@gather(ones({3, 4}), tensor({{0, 7}}), 1)@@",
       [] {
         gather(ones({3, 4}), tensor({{0, 7}}), 1);
       }},
      {"@@topk(ones({3}), 4)@@", [] { topk(ones({3}), 4); }},
      {"@@einsum(\"ij,jk->ik\", {ones({2, 3}), ones({4, 5})})@@",
       [] {
         einsum("ij,jk->ik", {ones({2, 3}), ones({4, 5})});
       }},
      {"@@cross_entropy(ones({2, 3}), tensor({0, 3}))@@",
       [] {
         cross_entropy(ones({2, 3}), tensor({0, 3}));
       }},
      {"@@cross_entropy(ones({2, 3}), tensor({0}))@@",
       [] {
         cross_entropy(ones({2, 3}), tensor({0}));
       }},
      {"@@mse(ones({3, 1}), ones({4}))@@",
       [] {
         mse(ones({3, 1}), ones({4}));
       }},
      {"@@dropout(ones({3}), 1.5)@@", [] { dropout(ones({3}), 1.5); }},
      {"@@clip(ones({3}), 2, 1)@@", [] { clip(ones({3}), 2, 1); }},
      {"@@floor_divide(tensor({1, 2}), tensor({1, 0}))@@",
       [] {
         floor_divide(tensor({1, 2}), tensor({1, 0}));
       }},
      {"@@one_hot(tensor({0, 5}), 3)@@",
       [] {
         one_hot(tensor({0, 5}), 3);
       }},
      {"@@randint(3, 3, {2})@@", [] { randint(3, 3, {2}); }},
      {"@@arange(0, 3, 0)@@", [] { arange(0, 3, 0); }},
      {"@@relu(Tensor())@@", [] { relu(Tensor()); }},
  };
  for (const auto& [words, call] : cases) EXPECT_EQ(words_of(call), words);
}

}  // namespace
}  // namespace gradus
