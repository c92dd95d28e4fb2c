// Random chains of views against a model that keeps the position of every element in a plain list
// and knows no strides: what Layout computes must be what enumeration gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

#include <gradus/core/tensor.h>

namespace gradus {
namespace {

/// Shape and the position of each element in row-major order.
struct Model {
  Ints shape;
  Ints positions;

  std::int64_t count() const {
    std::int64_t n = 1;
    for (std::int64_t size : shape) n *= size;
    return n;
  }
  std::int64_t at(const Ints& index) const {
    std::int64_t flat = 0;
    for (std::size_t k = 0; k < shape.size(); ++k) flat = flat * shape[k] + index[k];
    return positions[static_cast<std::size_t>(flat)];
  }
  /// The model of shape `to` whose element i is element source(i) of this one.
  Model remap(const Ints& to, const std::function<Ints(const Ints&)>& source) const {
    Model result{to, {}};
    const std::int64_t n = result.count();
    Ints index(to.size(), 0);
    for (std::int64_t i = 0; i < n; ++i) {
      result.positions.push_back(at(source(index)));
      for (std::size_t k = to.size(); k-- > 0;) {
        if (++index[k] < to[k]) break;
        index[k] = 0;
      }
    }
    return result;
  }
};

void expect_same(const Layout& layout, const Model& model) {
  ASSERT_EQ(layout.shape.to_vector(), model.shape);
  Ints positions;
  for_each_position(layout, [&](std::int64_t p) { positions.push_back(p); });
  ASSERT_EQ(positions, model.positions);
  bool row_major = true;
  for (std::size_t i = 0; i < positions.size(); ++i)
    row_major &= positions[i] == positions[0] + static_cast<std::int64_t>(i);
  ASSERT_EQ(layout.is_contiguous(), row_major) << layout.shape.str() << layout.strides.str();
  if (!positions.empty()) {
    const auto [low, high] = std::minmax_element(positions.begin(), positions.end());
    ASSERT_EQ(layout.extent(), std::pair(*low, *high + 1));
  }
}

/// Strides that would reach the model's positions under `target`, if any do: each stride is forced
/// by the second element along its axis.
bool some_layout_fits(const Model& model, const Ints& target) {
  Shape strides = Shape(target);
  std::int64_t unit = 1;
  for (int axis = strides.rank() - 1; axis >= 0; --axis) {
    const std::int64_t size = target[static_cast<std::size_t>(axis)];
    strides[axis] =
        size > 1 ? model.positions[static_cast<std::size_t>(unit)] - model.positions[0] : 0;
    unit *= size;
  }
  Ints reached;
  for_each_position(Layout{Shape(target), strides, model.positions[0]},
                    [&](std::int64_t p) { reached.push_back(p); });
  return reached == model.positions;
}

class Chain {
 public:
  explicit Chain(unsigned seed) : random_(seed) {
    Ints shape;
    for (std::int64_t k = pick(0, 3); k > 0; --k) shape.push_back(pick(0, 9) == 0 ? 0 : pick(1, 4));
    layout_ = Layout::contiguous(Shape(shape));
    model_.shape = shape;
    for (std::int64_t i = 0; i < model_.count(); ++i) model_.positions.push_back(i);
  }
  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      change(pick(0, 7));
      expect_same(layout_, model_);
    }
  }
  int shared = 0, refused = 0;  // reshapes with and without a layout

 private:
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_() % static_cast<unsigned>(high - low + 1));
  }
  void change(std::int64_t kind) {
    const std::size_t rank = model_.shape.size();
    const Ints shape = model_.shape;
    const bool can_grow = rank < 5 && model_.count() < 200;
    if (kind == 0) {
      Ints order(rank);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random_);
      Ints to(rank);
      for (std::size_t k = 0; k < rank; ++k) to[k] = shape[static_cast<std::size_t>(order[k])];
      Ints named = order;
      for (auto& axis : named)
        if (pick(0, 1)) axis -= static_cast<std::int64_t>(rank);
      layout_ = layout_.permute(named);
      model_ = model_.remap(to, [&](const Ints& i) {
        Ints j(rank);
        for (std::size_t k = 0; k < rank; ++k) j[static_cast<std::size_t>(order[k])] = i[k];
        return j;
      });
    } else if (kind == 1 && rank > 0) {
      const std::size_t axis =
          static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(rank) - 1));
      const std::int64_t n = shape[axis];
      std::optional<std::int64_t> start, stop;
      if (pick(0, 2)) start = pick(-n - 2, n + 2);
      if (pick(0, 2)) stop = pick(-n - 2, n + 2);
      std::int64_t step = pick(1, 3) * (pick(0, 1) ? 1 : -1);
      // Python's rule, one element at a time: walk from the cut start until the cut stop.
      auto cut = [&](std::int64_t v) {
        v = v < 0 ? v + n : v;
        return step > 0 ? std::min(std::max<std::int64_t>(v, 0), n)
                        : std::min(std::max<std::int64_t>(v, -1), n - 1);
      };
      const std::int64_t from = start ? cut(*start) : step > 0 ? 0 : n - 1;
      const std::int64_t to_excluded = stop ? cut(*stop) : step > 0 ? n : -1;
      Ints chosen;
      for (std::int64_t i = from; step > 0 ? i < to_excluded : i > to_excluded; i += step)
        chosen.push_back(i);
      Ints to = shape;
      to[axis] = static_cast<std::int64_t>(chosen.size());
      layout_ = layout_.slice(static_cast<std::int64_t>(axis), start, stop, step);
      model_ = model_.remap(to, [&](Ints i) {
        i[axis] = chosen[static_cast<std::size_t>(i[axis])];
        return i;
      });
    } else if (kind == 2 && can_grow) {
      Ints to = shape;
      for (std::size_t k = 0; k < rank; ++k)
        if (shape[k] == 1) to[k] = pick(0, 8) == 0 ? 0 : pick(1, 3);
      const std::size_t added = static_cast<std::size_t>(pick(0, 1));
      if (added) to.insert(to.begin(), pick(1, 3));
      layout_ = layout_.broadcast_to(Shape(to));
      model_ = model_.remap(to, [&](const Ints& i) {
        Ints j(i.begin() + static_cast<std::ptrdiff_t>(added), i.end());
        for (std::size_t k = 0; k < rank; ++k)
          if (shape[k] == 1) j[k] = 0;
        return j;
      });
    } else if (kind == 3 && can_grow) {
      const std::int64_t axis = pick(0, static_cast<std::int64_t>(rank));
      layout_ = layout_.expand_dims(pick(0, 1) ? axis : axis - static_cast<std::int64_t>(rank) - 1);
      model_.shape.insert(model_.shape.begin() + axis, 1);
    } else if (kind == 4) {
      layout_ = layout_.squeeze({});
      std::erase(model_.shape, 1);
    } else if (kind == 5 && rank > 0) {
      const std::size_t axis =
          static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(rank) - 1));
      layout_ = layout_.flip({static_cast<std::int64_t>(axis)});
      model_ = model_.remap(shape, [&](Ints i) {
        i[axis] = shape[axis] - 1 - i[axis];
        return i;
      });
    } else if (kind == 6 && rank > 3 && shape[0] > 0) {
      const std::int64_t index = pick(0, shape[0] - 1);
      layout_ = layout_.select(0, pick(0, 1) ? index : index - shape[0]);
      model_ = model_.remap(Ints(shape.begin() + 1, shape.end()), [&](Ints i) {
        i.insert(i.begin(), index);
        return i;
      });
    } else if (kind == 7) {
      reshape();
    }
  }
  void reshape() {
    // A random way to write the count as a product.
    Ints target;
    std::int64_t left = model_.count();
    if (left == 0) target.push_back(pick(0, 3));
    while (left > 1 && target.size() < 4) {
      const std::int64_t factor = pick(1, std::min<std::int64_t>(left, 6));
      if (left % factor != 0) continue;
      target.push_back(factor);
      left /= factor;
    }
    target.insert(target.begin() + pick(0, static_cast<std::int64_t>(target.size())), left);
    const auto result = layout_.reshape(Shape(target));
    if (model_.count() == 0) {
      ASSERT_TRUE(result);
    } else {
      ASSERT_EQ(result.has_value(), some_layout_fits(model_, target))
          << layout_.shape.str() << " strides " << layout_.strides.str() << " to "
          << Shape(target).str();
    }
    ++(result ? shared : refused);
    if (!result) return;
    layout_ = *result;
    model_.shape = target;
  }

  std::mt19937 random_;
  Layout layout_;
  Model model_;
};

TEST(View, ChainsAgreeWithEnumeration) {
  int shared = 0, refused = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(seed);
    Chain chain(seed);
    chain.run(8);
    shared += chain.shared;
    refused += chain.refused;
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(shared, 1000);
  EXPECT_GT(refused, 100);
}

TEST(View, EmptyTensorsOfHugeSizesStayDefined) {
  // The product of the other sizes does not fit 63 bits; the tensor is empty all the same.
  const std::int64_t huge = std::int64_t{1} << 40;
  const Layout x = Layout::contiguous({0, huge, huge});
  EXPECT_EQ(x.numel(), 0);
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_EQ(x.extent(), (std::pair<std::int64_t, std::int64_t>{0, 0}));
  EXPECT_TRUE(Layout::contiguous({huge, huge, 0}).is_contiguous());
}

TEST(View, WrongArgumentsThrow) {
  const Layout x = Layout::contiguous({2, 3});
  EXPECT_THROW(x.permute({0}), ShapeError);
  EXPECT_THROW(x.permute({0, 0}), ShapeError);
  EXPECT_THROW(x.permute({0, 2}), ShapeError);
  EXPECT_THROW(x.slice(2, {}, {}, 1), ShapeError);
  EXPECT_THROW(x.select(0, 2), IndexError);
  EXPECT_THROW(x.select(0, -3), IndexError);
  EXPECT_THROW(x.squeeze({0}), ShapeError);
  EXPECT_THROW(x.flip({-3}), ShapeError);
  EXPECT_THROW(x.expand_dims(3), ShapeError);
  EXPECT_THROW(resolve_reshape({2, 3}, {4, -1}), ShapeError);
  EXPECT_THROW(resolve_reshape({2, 3}, {-1, -1}), ShapeError);
  EXPECT_THROW(resolve_reshape({2, 3}, {-2, 3}), ShapeError);
  EXPECT_THROW(resolve_reshape({0, 3}, {0, -1}), ShapeError);
  EXPECT_EQ(resolve_reshape({2, 3}, {-1}), Shape({6}));
  EXPECT_EQ(resolve_reshape({2, 3}, {3, -1, 1}), Shape({3, 2, 1}));
  EXPECT_EQ(resolve_reshape({0, 3}, {-1, 3}), Shape({0, 3}));
  EXPECT_EQ(resolve_reshape({}, {-1}), Shape({1}));
}

}  // namespace
}  // namespace gradus
