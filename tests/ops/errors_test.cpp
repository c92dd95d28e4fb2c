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
      {"ShapeError: add(f32[3,4], f32[4,3]): shapes [3,4] and [4,3] do not broadcast: sizes 3 and "
       "4 at axis -2\n  hint: aligned at the last axis, sizes must be equal or one of them 1",
       [] {
         add(ones({3, 4}), ones({4, 3}));
       }},
      {"ShapeError: mul(f32[2,3], f32[2]): shapes [2,3] and [2] do not broadcast: sizes 3 and 2 at "
       "axis -1\n  hint: aligned at the last axis, sizes must be equal or one of them 1",
       [] {
         mul(ones({2, 3}), ones({2}));
       }},
      {"ShapeError: where(f32[2], f32[3], f32[]): shapes [2] and [3] do not broadcast: sizes 2 and "
       "3 at axis -1\n  hint: aligned at the last axis, sizes must be equal or one of them 1",
       [] { where(ones({2}), ones({3}), 0.0); }},
      {"ShapeError: S1 error  matmul (3,4) @ (3,5): inner sizes 4 and 3 differ\n          left is "
       "a "
       "tensor without a name, right is a tensor without a name. A weight of (4,5) would fit: "
       "Linear(4,5)?",
       [] {
         matmul(Tensor::empty({3, 4}), Tensor::empty({3, 5}));
       }},
      {"ShapeError: matmul(f32[], f32[3]): a scalar has no rows or columns\n  hint: multiply by a "
       "number with a * b",
       [] { matmul(ones({}), ones({3})); }},
      {"ShapeError: sum(f32[3,4]): axis 2 is out of range for 2 axes\n  hint: valid axes are -2..1",
       [] {
         sum(ones({3, 4}), {2});
       }},
      {"ShapeError: sum(f32[3,4]): axis 0 is named twice\n  hint: name each axis once",
       [] {
         sum(ones({3, 4}), {0, -2});
       }},
      {"ShapeError: mean(f32[3]): axis -2 is out of range for 1 axis\n  hint: valid axes are -1..0",
       [] { mean(ones({3}), {-2}); }},
      {"ShapeError: amax(f32[0,3]): no elements to compare in f32[0,3]\n  hint: reduce over axes "
       "that are not empty",
       [] {
         amax(ones({0, 3}), {0});
       }},
      {"ShapeError: argmax(f32[3,4]): axis 5 is out of range for 2 axes\n  hint: valid axes are "
       "-2..1",
       [] {
         argmax(ones({3, 4}), 5);
       }},
      {"ShapeError: softmax(f32[3,4]): axis 2 is out of range for 2 axes\n  hint: valid axes are "
       "-2..1",
       [] {
         softmax(ones({3, 4}), 2);
       }},
      {"ShapeError: S2 error  reshape(5,-1) of (3,4): 12 elements are no multiple of the 5 asked "
       "beside -1.",
       [] {
         reshape(ones({3, 4}), {5, -1});
       }},
      {"ShapeError: reshape(f32[3,4]): 12 elements of shape [3,4] do not fit shape [-1,-1]\n  "
       "hint: only one size may be -1",
       [] {
         reshape(ones({3, 4}), {-1, -1});
       }},
      {"ShapeError: permute_dims(f32[3,4]): axis 0 is named twice\n  hint: name each axis once",
       [] {
         permute_dims(ones({3, 4}), {0, 0});
       }},
      {"ShapeError: transpose(f32[3]): axis 1 is out of range for 1 axis\n  hint: valid axes are "
       "-1..0",
       [] { transpose(ones({3}), 0, 1); }},
      {"ShapeError: expand_dims(f32[3]): axis 3 is out of range for 2 axes\n  hint: valid axes are "
       "-2..1",
       [] { expand_dims(ones({3}), 3); }},
      {"ShapeError: squeeze(f32[3,1]): axis 0 of shape [3,1] has size 3, not 1\n  hint: only axes "
       "of size 1 can be squeezed; take one position with x[{...}]",
       [] {
         squeeze(ones({3, 1}), {0});
       }},
      {"ShapeError: broadcast_to(f32[3]): shape [3] does not broadcast to [4]\n  hint: aligned at "
       "the last axis, each size must be equal or 1",
       [] { broadcast_to(ones({3}), {4}); }},
      {"ValueError: slice(f32[3]): a slice with step 0\n  hint: use a step of 1 to take all, -1 to "
       "reverse",
       [] { slice(ones({3}), 0, {}, {}, 0); }},
      {"ShapeError: concat(f32[2,3], f32[3,2]): tensor 1 of shape [3,2] does not join [2,3] along "
       "axis 0\n  hint: all sizes but the joined one must be equal",
       [] {
         concat({ones({2, 3}), ones({3, 2})}, 0);
       }},
      {"ShapeError: stack > concat(f32[2], f32[3]): tensor 1 of shape [1,3] does not join [1,2] "
       "along axis 0\n  hint: all sizes but the joined one must be equal",
       [] {
         stack({ones({2}), ones({3})}, 0);
       }},
      {"ShapeError: split(f32[5]): sizes [2,2] add up to 4, axis 0 has 5\n  hint: the sizes must "
       "add up to the axis",
       [] {
         split(ones({5}), {2, 2}, 0);
       }},
      {"IndexError: take(f32[3,4], i64[2]): index 3 (number 1 of the indices) is out of range for "
       "an axis of size 3\n  hint: valid indices are -3..2",
       [] {
         take(ones({3, 4}), tensor({0, 3}), 0);
       }},
      {"DTypeError: take(f32[3], f32[1]): indices must be integers, got f32[1]\n  hint: convert "
       "them with astype(index, DType::i64)",
       [] { take(ones({3}), ones({1}), 0); }},
      {"IndexError: gather(f32[3,4], i64[1,2]): index 7 (number 1 of the indices) is out of range "
       "for an axis of size 4\n  hint: valid indices are -4..3",
       [] {
         gather(ones({3, 4}), tensor({{0, 7}}), 1);
       }},
      {"ValueError: topk(f32[3]): k is 4, axis -1 has 3\n  hint: k lies in 0..3",
       [] { topk(ones({3}), 4); }},
      {"ShapeError: einsum(f32[2,3], f32[4,5]): letter 'j' names axes of sizes 3 and 4\n  hint: "
       "axes of one letter must have equal sizes, or 1",
       [] {
         einsum("ij,jk->ik", {ones({2, 3}), ones({4, 5})});
       }},
      {"IndexError: L1 error  cross_entropy: target[1] = 3, but there are 3 classes, 0..2. "
       "1 of 2 targets out of range, min 0, max 3: check the labels, or mark those to "
       "leave out with ignore_index.",
       [] {
         cross_entropy(ones({2, 3}), tensor({0, 3}));
       }},
      {"ShapeError: cross_entropy(f32[2,3], i64[1]): targets [1] do not fit the input [2,3]\n  "
       "hint: one class number for each row: targets of shape [2]",
       [] {
         cross_entropy(ones({2, 3}), tensor({0}));
       }},
      {"ShapeError: B1 error  mse(pred, target): (3,1) and (4,) broadcast to (3,4): 12 differences "
       "instead of 4\n          Bring both to one shape; if meant: allow_broadcast.",
       [] {
         mse(ones({3, 1}), ones({4}));
       }},
      {"ValueError: dropout(f32[3]): p is 1.5\n  hint: a probability lies in 0..1",
       [] { dropout(ones({3}), 1.5); }},
      {"ValueError: clip(f32[3]): a limit is NaN\n  hint: give numbers, or leave a limit out",
       [] { clip(ones({3}), NAN, {}); }},
      {"ValueError: clip(f32[3]): min 2 is above max 1\n  hint: exchange them",
       [] { clip(ones({3}), 2, 1); }},
      {"ValueError: floor_divide(i64[2], i64[2]): an integer was divided by zero\n  hint: convert "
       "to a floating dtype first",
       [] {
         floor_divide(tensor({1, 2}), tensor({1, 0}));
       }},
      {"IndexError: L1 error  one_hot: target[1] = 5, but there are 3 classes, 0..2. 1 of 2 "
       "targets "
       "out of range, min 0, max 5: labels are 0..2.",
       [] {
         one_hot(tensor({0, 5}), 3);
       }},
      {"ValueError: randint(): low 3 is not below high 3\n  hint: the range low..high-1 must not "
       "be empty",
       [] { randint(3, 3, {2}); }},
      {"ValueError: arange(): start 0, stop 3, step 0\n  hint: the step must not be 0, and all "
       "must be finite",
       [] { arange(0, 3, 0); }},
      {"ValueError: relu(empty): input 0 is an empty tensor: it holds no value\n  hint: assign it "
       "first",
       [] { relu(Tensor()); }},
  };
  for (const auto& [words, call] : cases) EXPECT_EQ(words_of(call), words);
}

}  // namespace
}  // namespace gradus
