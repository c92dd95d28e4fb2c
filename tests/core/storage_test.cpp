// Storage, handles, dtypes and the text of errors: what the rest of the house takes for granted.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <locale>
#include <vector>

#include <gradus/core/generator.h>
#include <gradus/core/tensor.h>

namespace gradus {
namespace {

TEST(Storage, IsAlignedAndCounted) {
  const std::size_t before = memory_in_use();
  {
    for (std::size_t bytes : {0u, 1u, 63u, 64u, 65u, 1000u}) {
      const Storage storage = Storage::allocate(bytes);
      EXPECT_EQ(storage.bytes(), bytes);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storage.data()) % 64, 0u);
    }
    EXPECT_EQ(memory_in_use(), before);
    reset_peak_memory();
    const Storage kept = Storage::allocate(3000);
    { const Storage passing = Storage::allocate(5000); }
    EXPECT_EQ(memory_in_use(), before + 3000);
    EXPECT_EQ(peak_memory(), before + 8000);
    const Storage second = kept;  // a handle, not a copy
    EXPECT_EQ(memory_in_use(), before + 3000);
    EXPECT_TRUE(second == kept);
    reset_peak_memory();
    EXPECT_EQ(peak_memory(), before + 3000);
  }
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Storage, AKeptIdIsNobodyElsesThoughTheBytesAreGone) {
  const std::size_t before = memory_in_use();
  Storage storage = Storage::allocate(5000);
  const void* id = storage.id();
  const std::weak_ptr<const void> kept = storage.keep_id();
  storage = Storage();
  EXPECT_EQ(memory_in_use(), before);
  std::vector<Storage> later;
  for (int i = 0; i < 1000; ++i) {
    later.push_back(Storage::allocate(8));
    EXPECT_NE(later.back().id(), id);
  }
}

TEST(Storage, RefusesWhatDoesNotFit) {
  const std::size_t before = memory_in_use();
  EXPECT_THROW(Storage::allocate(std::size_t{1} << 60), MemoryError);
  EXPECT_THROW(Storage::allocate(std::numeric_limits<std::size_t>::max()), MemoryError);
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Storage, RemembersTheLastWrite) {
  const Storage storage = Storage::allocate(4), same = storage;
  EXPECT_EQ(storage.version(), 0u);
  EXPECT_EQ(storage.last_write(), "");
  storage.note_write("add_", Place::current());
  EXPECT_EQ(same.version(), 1u);
  EXPECT_EQ(same.last_write().find("add_ at storage_test.cpp:"), 0u);
}

TEST(Storage, BorrowedBytesKeepTheirOwner) {
  auto owner = std::make_shared<std::vector<float>>(4, 2.5f);
  const std::weak_ptr<std::vector<float>> watch = owner;
  void* bytes = owner->data();
  Tensor x(Storage::borrow(bytes, 16, std::move(owner)), Layout::contiguous({2, 2}), DType::f32);
  EXPECT_EQ(x.data<float>(), bytes);
  EXPECT_FALSE(watch.expired());
  x = Tensor();
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, LayoutsStayInsideTheStorage) {
  const Storage storage = Storage::allocate(24);
  EXPECT_NO_THROW(Tensor(storage, Layout::contiguous({6}), DType::f32));
  EXPECT_THROW(Tensor(storage, Layout::contiguous({7}), DType::f32), ShapeError);
  EXPECT_THROW(Tensor(storage, (Layout{{2}, {1}, -1}), DType::f32), ShapeError);
  EXPECT_THROW(Tensor(storage, (Layout{{3}, {-1}, 1}), DType::f32), ShapeError);
  EXPECT_NO_THROW(Tensor(storage, (Layout{{3}, {-1}, 2}), DType::f32));
  EXPECT_NO_THROW(Tensor(storage, (Layout{{0}, {1}, 99}), DType::f32));
}

TEST(Tensor, HandlesShareViewsShareBytes) {
  const Tensor x = Tensor::of(std::vector<float>{1, 2, 3, 4}, {2, 2});
  const Tensor handle = x, view = x.with_layout(x.layout().permute({1, 0}));
  EXPECT_EQ(handle.id(), x.id());
  EXPECT_NE(view.id(), x.id());
  x.data<float>()[1] = 9;
  EXPECT_EQ(handle.to_vector<float>(), (std::vector<float>{1, 9, 3, 4}));
  EXPECT_EQ(view.to_vector<float>(), (std::vector<float>{1, 3, 9, 4}));
  EXPECT_THROW(Tensor::of(std::vector<float>{1, 2}, {3}), ShapeError);
}

TEST(Tensor, DetachCutsAndSaysWhere) {
  Tensor w = Tensor::of(std::vector<float>{1, 2}, {2});
  EXPECT_FALSE(w.requires_grad());
  w.set_requires_grad().set_name("w");
  const Tensor cut = w.detach();
  EXPECT_TRUE(w.requires_grad());
  EXPECT_FALSE(cut.requires_grad());
  EXPECT_TRUE(cut.storage() == w.storage());
  EXPECT_EQ(cut.name(), "w");
  ASSERT_TRUE(cut.cut());
  EXPECT_EQ(cut.cut()->find("detach() at storage_test.cpp:"), 0u);
  EXPECT_THROW(Tensor::empty({2}, DType::i64).set_requires_grad(), DTypeError);
}

TEST(Tensor, OneElementAsANumber) {
  const std::int64_t odd = (std::int64_t{1} << 62) + 1;  // f64 could not hold it
  EXPECT_EQ(Tensor::of(std::vector<std::int64_t>{odd}, {1, 1}).item<std::int64_t>(), odd);
  EXPECT_EQ(Tensor::scalar(2.5).item<int>(), 2);
  EXPECT_EQ(Tensor::scalar(.5, DType::boolean).item<bool>(), true);
  EXPECT_THROW(Tensor::empty({0}).item(), ShapeError);
  EXPECT_EQ(Tensor::scalar(1.5).to_vector<double>(), std::vector<double>{1.5});
  EXPECT_EQ(Tensor::empty({0, 3}).to_vector<double>(), std::vector<double>{});
}

TEST(DType, PromotionIsNumPysButForTwoPairs) {
  // numpy.promote_types of NumPy 2.4, rows and columns in the order of all_dtypes.
  const std::string_view numpy[6][6] = {
      {"bool", "u8", "i32", "i64", "f32", "f64"}, {"u8", "u8", "i32", "i64", "f32", "f64"},
      {"i32", "i32", "i32", "i64", "f64", "f64"}, {"i64", "i64", "i64", "i64", "f64", "f64"},
      {"f32", "f32", "f64", "f64", "f32", "f64"}, {"f64", "f64", "f64", "f64", "f64", "f64"}};
  for (std::size_t a = 0; a < 6; ++a)
    for (std::size_t b = 0; b < 6; ++b) {
      const DType x = all_dtypes[a], y = all_dtypes[b];
      const bool wide_integer_with_f32 = std::min(x, y) >= DType::i32 &&
                                         std::min(x, y) <= DType::i64 &&
                                         std::max(x, y) == DType::f32;
      EXPECT_EQ(dtype_name(promote(x, y)), wide_integer_with_f32 ? "f32" : numpy[a][b]);
    }
}

TEST(DType, NamesGoThereAndBack) {
  for (DType dtype : all_dtypes) EXPECT_EQ(parse_dtype(dtype_name(dtype)), dtype);
  EXPECT_EQ(parse_dtype("float64"), DType::f64);
  for (std::string_view wrong : {"", "F32", "f32 ", "f16", "int", "bool\n"})
    EXPECT_THROW(parse_dtype(wrong), NameError) << wrong;
  for (DType dtype : all_dtypes) {
    dispatch(dtype, [&]<class T>() {
      EXPECT_EQ(dtype_of<T>, dtype);
      EXPECT_EQ(sizeof(T), dtype_size(dtype));
    });
  }
  EXPECT_THROW(dispatch_floating(DType::i64, []<class T>() {}), DTypeError);
}

TEST(Shape, BroadcastingAgreesWithNumPy) {
  // numpy.broadcast_shapes; "no" where it raises.
  const struct {
    Shape a, b;
    std::string_view result;
  } cases[] = {
      {{3}, {}, "[3]"},
      {{}, {0, 2, 2}, "[0,2,2]"},
      {{}, {}, "[]"},
      {{3, 1, 1}, {1}, "[3,1,1]"},
      {{1, 0, 2}, {}, "[1,0,2]"},
      {{0, 1, 3}, {1, 1, 3}, "[0,1,3]"},
      {{2}, {3, 1}, "[3,2]"},
      {{0, 2}, {2, 2, 1}, "no"},
      {{1, 2, 0}, {2}, "no"},
      {{3, 2}, {3, 0, 2}, "no"},
      {{2}, {1, 1, 3}, "no"},
      {{0}, {3}, "no"},
      {{3}, {2, 1, 2}, "no"},
  };
  for (const auto& [a, b, result] : cases) {
    auto text = [](const Shape& x, const Shape& y) {
      try {
        return broadcast_shapes(x, y).str();
      } catch (const ShapeError&) {
        return std::string("no");
      }
    };
    EXPECT_EQ(text(a, b), result) << a.str() << b.str();
    EXPECT_EQ(text(b, a), result) << b.str() << a.str();
  }
}

TEST(Error, TextHasFourParts) {
  ShapeError error("sizes differ", "reshape one of them");
  EXPECT_STREQ(error.what(), "sizes differ\n  hint: reshape one of them");
  EXPECT_EQ(error.kind(), "ShapeError");
  error.add_context("log_softmax", "f32[2]", Place::current());
  const Place user = Place::current();
  error.add_context("cross_entropy", "f32[2,3], i64[2]", user);
  EXPECT_EQ(error.operation(), "cross_entropy > log_softmax");
  EXPECT_EQ(std::string(error.what()),
            "cross_entropy > log_softmax(f32[2,3], i64[2]): sizes differ\n"
            "  hint: reshape one of them\n"
            "  at: storage_test.cpp:" +
                std::to_string(user.line()));
  EXPECT_STREQ(ValueError("alone").what(), "alone");
}

/// A locale like many in Europe: "1.234,5".
struct Grouped : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Generator, StateDoesNotDependOnTheLocale) {
  Generator g(7);
  double x[3], y[5], z[5];
  g.fill_normal(x, 3);
  const std::string state = g.state();
  const std::locale before = std::locale::global(std::locale(std::locale(), new Grouped));
  const std::string there = g.state();
  Generator other;
  other.set_state(state);
  std::locale::global(before);
  EXPECT_EQ(there, state);
  g.fill_normal(y, 5);
  other.fill_normal(z, 5);
  EXPECT_TRUE(std::equal(y, y + 5, z));
}

TEST(Generator, RefusesOtherStates) {
  Generator g(1);
  const std::string state = g.state();
  const std::uint32_t next = Generator(1).random32();
  for (const std::string& wrong : {std::string(), std::string("gradus-mt19937-1"),
                                   state.substr(0, state.size() / 2), state + " 1", "x" + state})
    EXPECT_THROW(g.set_state(wrong), DataError) << wrong.substr(0, 40);
  EXPECT_EQ(g.random32(), next);  // unchanged by the refused ones
}

TEST(Generator, RefusesEmptyRanges) {
  Generator g(1);
  std::int64_t value = 0;
  EXPECT_THROW(g.fill_integers(&value, 1, 3, 3), ValueError);
  EXPECT_THROW(g.fill_integers(&value, 1, 3, 2), ValueError);
  EXPECT_THROW(g.permutation(-1), ValueError);
  EXPECT_TRUE(g.permutation(0).empty());
  // The widest range of all.
  const std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                     high = std::numeric_limits<std::int64_t>::max();
  EXPECT_NO_THROW(g.fill_integers(&value, 1, low, high));
}

}  // namespace
}  // namespace gradus
