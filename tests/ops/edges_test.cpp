// The loop over the registry at the edges of shapes: gradients of every differentiable operation
// whose inputs repeat their values through strides of 0, hold nothing (size 0), or are 0-dim.
//
// Variants are derived from the samples: sizes become 0, or axes go, in inputs and in attributes,
// until the operation takes them. Operations that take none are listed with the reason, and the
// list is checked both ways. Ordinary layouts: registry_test.cpp.
#include <gtest/gtest.h>
#include <cmath>

#include <map>

#include <gradus/gradus.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace {

using Reasons = std::map<std::string_view, std::string_view>;

/// Operations that are differentiable but refuse every input of size 0.
const Reasons never_empty = {};

/// Operations that are differentiable but take no 0-dim tensor.
const Reasons never_0_dim = {
    {"cumsum", "runs along an axis"},
    {"sort", "runs along an axis"},
    {"topk", "runs along an axis"},
    {"transpose", "exchanges two axes"},
    {"slice", "cuts an axis"},
    {"unslice", "fills an axis"},
    {"concat", "joins along an axis"},
    {"split", "cuts an axis"},
    {"chunk", "cuts an axis"},
    {"tril", "looks at rows and columns"},
    {"triu", "looks at rows and columns"},
    {"take", "takes along an axis"},
    {"scatter_add", "adds along an axis"},
    {"matmul", "sums over an axis of each input"},
    {"outer", "takes vectors"},
    {"dot", "takes vectors"},
    {"diagonal", "looks at rows and columns"},
    {"trace", "looks at rows and columns"},
    {"nll", "picks a class along an axis"},
    {"cross_entropy", "picks a class along an axis"},
};

/// Operations without a slope, or without a second one, where values repeat.
const Reasons no_slope_at_repeats = {};
const Reasons no_second_slope_at_repeats = {
    {"minimum", "its slope jumps where both are equal"},
    {"maximum", "its slope jumps where both are equal"},
};

bool differentiable(const Sample& s) {
  if (!s.op.has_gradient()) return false;
  bool in = false, out = false;
  for (const Tensor& x : s.inputs) in |= is_floating(x.dtype());
  for (const Tensor& y : apply_all(s.op, s.inputs)) out |= is_floating(y.dtype());
  return in && out;
}

bool is_taken(const Sample& s) {
  try {
    bool floating = false;
    for (const Tensor& y : apply_all(s.op, s.inputs)) {
      floating |= is_floating(y.dtype());
      // The mean of nothing and the like: NaN has no slope to compare.
      for (const double v : y.to_vector<double>())
        if (!std::isfinite(v)) return false;
    }
    return floating;
  } catch (const Error&) {
    return false;
  }
}

/// The sample with every size `from` 0 instead, in the inputs chosen by `which`, and in lists of
/// sizes among the attributes when `in_attributes`.
Sample emptied(const Sample& s, std::int64_t from, std::uint32_t which, bool in_attributes) {
  Sample result{s.op, {}};
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    Tensor x = s.inputs[i];
    if (which >> i & 1)
      for (int k = 0; k < x.ndim(); ++k)
        if (x.size(k) == from) x = slice(x, k, 0, 0);
    result.inputs.push_back(clone(x));
  }
  if (!in_attributes) return result;
  for (const AttributeInfo& a : s.op.attributes()) {
    if (a.name.find("ax") != a.name.npos) continue;
    if (a.name == "reduction")
      result.op = result.op.with(a.name, "sum");  // a mean of nothing is NaN
    if (const Ints* list = std::get_if<Ints>(&a.value)) {
      Ints changed = *list;
      std::replace(changed.begin(), changed.end(), from, std::int64_t{0});
      result.op = result.op.with(a.name, to_text(AttributeValue(changed)));
    }
  }
  return result;
}

/// The sample with the inputs chosen by `which` 0-dim, and attributes that name axes or sizes
/// emptied as `attributes` asks: 0 as they are, 1 lists empty, 2 single axes and letters as well.
Sample flattened(const Sample& s, std::uint32_t which, int attributes) {
  Sample result{s.op, {}};
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    Tensor x = s.inputs[i];
    if (which >> i & 1)
      while (x.ndim() > 0 && x.numel() > 0) x = x[0];
    result.inputs.push_back(clone(x));
  }
  for (const AttributeInfo& a : s.op.attributes()) {
    if (attributes >= 1 && std::holds_alternative<Ints>(a.value))
      result.op = result.op.with(a.name, to_text(AttributeValue(Ints{})));
    if (attributes >= 2 && a.name == "axis" && a.type != "ints")
      result.op = result.op.with(a.name, a.type.ends_with('?') ? "none" : "0");
    if (attributes >= 2 && a.name == "equation") {
      std::string signs = std::get<std::string>(a.value);
      std::erase_if(signs, [](char c) { return std::isalpha(static_cast<unsigned char>(c)); });
      result.op = result.op.with(a.name, signs);
    }
    if (attributes >= 2 && a.name == "correction" && s.op.name() == "var")
      result.op = result.op.with(a.name, "0");
  }
  return result;
}

template <class Wanted>
std::vector<Sample> kept(std::vector<Sample> candidates, Wanted&& wanted) {
  std::vector<Sample> result;
  for (Sample& s : candidates) {
    bool any = false;
    for (const Tensor& x : s.inputs) any |= is_floating(x.dtype()) && wanted(x);
    if (any && is_taken(s)) result.push_back(std::move(s));
  }
  return result;
}

std::vector<Sample> empty_variants(const Sample& s) {
  std::vector<Sample> candidates;
  std::vector<std::int64_t> sizes;
  for (const Tensor& x : s.inputs)
    for (int k = 0; k < x.ndim(); ++k)
      if (std::find(sizes.begin(), sizes.end(), x.size(k)) == sizes.end())
        sizes.push_back(x.size(k));
  const std::uint32_t all = (1u << s.inputs.size()) - 1;
  for (const std::int64_t size : sizes)
    for (std::uint32_t which = 1; which <= all; ++which)
      for (const bool in_attributes : {false, true})
        candidates.push_back(emptied(s, size, which, in_attributes));
  return kept(std::move(candidates), [](const Tensor& x) { return x.numel() == 0; });
}

std::vector<Sample> scalar_variants(const Sample& s) {
  if (no_slope_at_repeats.contains(s.op.name())) return {};
  std::vector<Sample> candidates;
  const std::uint32_t all = (1u << s.inputs.size()) - 1;
  for (std::uint32_t which = 1; which <= all; ++which)
    for (int attributes = 0; attributes < 3; ++attributes)
      candidates.push_back(flattened(s, which, attributes));
  return kept(std::move(candidates), [](const Tensor& x) { return x.ndim() == 0; });
}

void check(const Sample& s, const char* what) {
  std::string shapes;
  for (const Tensor& x : s.inputs) shapes += x.spec().str() + " ";
  SCOPED_TRACE(std::string(what) + " " + s.op.str() + " of " + shapes);
  const GradcheckReport report =
      gradcheck([&](std::span<const Tensor> x) { return apply_all(s.op, x); }, s.inputs);
  EXPECT_TRUE(report.ok()) << report.str();
}

class EveryEdge : public testing::TestWithParam<std::size_t> {
 protected:
  const Op& op() const { return all_ops()[GetParam()]; }
  /// Checks the gradients of all variants, and the list of those that have none.
  template <class Variants>
  void check_all(Variants&& variants, const Reasons& refusing, const char* what) const {
    bool any_differentiable = false;
    std::size_t found = 0;
    for (const Sample& s : op().samples()) {
      if (!differentiable(s)) continue;
      any_differentiable = true;
      for (const Sample& v : variants(s)) {
        check(v, what);
        ++found;
      }
    }
    if (!any_differentiable) return;
    if (refusing.contains(op().name()))
      EXPECT_EQ(found, 0u) << op().name() << " is listed, but takes " << what << " inputs";
    else
      EXPECT_GT(found, 0u) << op().name() << " has no " << what << " variant that it takes";
  }
};

TEST_P(EveryEdge, SizeZero) { check_all(empty_variants, never_empty, "empty"); }
TEST_P(EveryEdge, ZeroDim) { check_all(scalar_variants, never_0_dim, "0-dim"); }

// The leaf is compact and is broadcast inside the function: a leaf whose elements share a place
// has no derivative by element.
TEST_P(EveryEdge, StrideZero) {
  const bool no_slope = no_slope_at_repeats.contains(op().name()),
             no_second = no_second_slope_at_repeats.contains(op().name());
  std::size_t failures = 0;
  for (const Sample& s : op().samples()) {
    if (!differentiable(s)) continue;
    for (const int which : {0, -1}) {  // the first or the last axis repeats
      Tensors compact;
      for (const Tensor& x : s.inputs) {
        const bool repeats = is_floating(x.dtype()) && x.ndim() > 0;
        compact.push_back(repeats ? clone(slice(x, which, 0, 1)) : x);
      }
      const auto repeated = [&](std::span<const Tensor> x) {
        Tensors wide(x.begin(), x.end());
        for (std::size_t i = 0; i < wide.size(); ++i)
          if (is_floating(wide[i].dtype()) && wide[i].ndim() > 0)
            wide[i] = broadcast_to(wide[i], s.inputs[i].shape().to_vector());
        return apply_all(s.op, wide);
      };
      const GradcheckReport report = gradcheck(repeated, compact);
      failures += report.failures.size();
      if (no_slope) continue;
      const bool ok =
          no_second ? gradcheck(repeated, compact, {.second_order = false}).ok() : report.ok();
      EXPECT_TRUE(ok) << s.op.str() << " axis " << which << ": " << report.str();
    }
  }
  if (no_slope || no_second) {
    EXPECT_GT(failures, 0u) << op().name() << " is listed, but agrees";
  }
}

TEST(Edges, ListsNameOperations) {
  for (const Reasons* list :
       {&never_empty, &never_0_dim, &no_slope_at_repeats, &no_second_slope_at_repeats})
    for (const auto& [name, reason] : *list) {
      EXPECT_EQ(find_op(name).name(), name);
      EXPECT_FALSE(reason.empty());
    }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryEdge, testing::Range<std::size_t>(0, all_ops().size()),
                         [](const auto& each) {
                           return std::string(all_ops()[each.param].name());
                         });

}  // namespace
}  // namespace gradus
