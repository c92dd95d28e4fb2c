// Equal bits for any number of threads: every operation of the registry, results and gradients, on
// its samples and on one of them blown up until the pool splits the work.
#include <gtest/gtest.h>

#include <cmath>

#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace gradus {
namespace {

constexpr std::int64_t enough_to_split = 2 * kernels::elements_per_task;

/// Axes of one element stay: they are there to broadcast, or to be squeezed.
std::int64_t times(std::int64_t size, std::int64_t factor) {
  return size > 1 ? size * factor : size;
}

/// x repeated along every axis: indices into it stay valid, and so do values in a range.
Tensor blown_up(const Tensor& x, std::int64_t factor) {
  if (x.ndim() == 0) return x;
  Ints repetitions;
  for (std::int64_t n : x.shape()) repetitions.push_back(n > 1 ? factor : 1);
  return tile(x, repetitions);
}

/// Attributes that hold sizes grow with the axes.
Op blown_up(const Op& op, std::int64_t factor) {
  Op large = op;
  for (const AttributeInfo& info : op.attributes()) {
    if (info.name == "shape" || info.name == "sizes") {
      const Ints* given = std::get_if<Ints>(&info.value);
      if (!given) continue;
      Ints sizes = *given;
      for (std::int64_t& n : sizes) n = info.name == "sizes" ? n * factor : times(n, factor);
      large = large.with(info.name, to_text(sizes));
    } else if (info.name == "n" || info.name == "m" || info.name == "num" || info.name == "stop") {
      if (const auto* n = std::get_if<std::int64_t>(&info.value))
        large = large.with(info.name, to_text(times(*n, factor)));
      else if (const auto* x = std::get_if<double>(&info.value))
        large = large.with(info.name, to_text(*x * static_cast<double>(factor)));
    }
  }
  return large;
}

struct Case {
  Op op;
  Tensors inputs;
};

/// The sample with the largest tensor, grown until one of its tensors is worth splitting.
Case large_case(const Op& op) {
  std::optional<Sample> best;
  std::int64_t most = 0;
  double factor = 1;
  for (const Sample& s : op.samples()) {
    manual_seed(1);
    Tensors all = apply_all(s.op, s.inputs);
    all.insert(all.end(), s.inputs.begin(), s.inputs.end());
    std::int64_t numel = 0;
    double needed = enough_to_split;
    for (const Tensor& x : all) {
      const double axes = static_cast<double>(
          std::count_if(x.shape().begin(), x.shape().end(), [](auto n) { return n > 1; }));
      if (axes == 0) continue;
      numel = std::max(numel, x.numel());
      needed = std::min(
          needed, std::pow(static_cast<double>(enough_to_split) / static_cast<double>(x.numel()),
                           1 / axes));
    }
    if (best && numel <= most) continue;
    best = s;
    most = numel;
    factor = std::ceil(needed);
  }
  const auto whole = static_cast<std::int64_t>(factor);
  Case large{blown_up(best->op, whole), {}};
  for (const Tensor& x : best->inputs) large.inputs.push_back(blown_up(x, whole));
  if (op.name() == "unslice") {  // as many positions as x has
    const auto attributes = best->op.attributes();
    const std::int64_t axis = std::get<std::int64_t>(
        std::find_if(attributes.begin(), attributes.end(), [](const auto& a) {
          return a.name == "axis";
        })->value);
    large.op = large.op.with("start", "0")
                   .with("step", "1")
                   .with("stop", to_text(large.inputs[0].size(axis)));
  }
  return large;
}

/// Bytes of the results, and of the gradients with respect to floating inputs.
std::string bytes_of(const Case& c) {
  manual_seed(3);
  std::string bytes;
  const auto append = [&](const Tensor& x) {
    const Tensor flat = contiguous(x.detach());
    bytes.append(static_cast<const char*>(flat.raw_data()),
                 static_cast<std::size_t>(flat.numel()) * dtype_size(flat.dtype()));
  };
  Tensors inputs;
  bool recorded = false;
  for (const Tensor& x : c.inputs) {
    const bool takes_part = is_floating(x.dtype()) && c.op.has_gradient();
    inputs.push_back(takes_part ? x.detach().set_requires_grad() : x);
    recorded |= takes_part;
  }
  const Tensors results = apply_all(c.op, inputs);
  for (const Tensor& y : results) {
    append(y);
    if (recorded && is_floating(y.dtype()) && y.requires_grad()) y.backward(y.detach(), true);
  }
  for (const Tensor& x : inputs)
    if (x.requires_grad() && x.grad()) append(x.grad());
  return bytes;
}

Case in_f32(const Case& c) {
  Case single = c;
  for (Tensor& x : single.inputs)
    if (x.dtype() == DType::f64) x = astype(x, DType::f32);
  return single;
}

class EveryOpAndThreads : public testing::TestWithParam<std::size_t> {
 protected:
  void TearDown() override { kernels::set_num_threads(0); }
};

TEST_P(EveryOpAndThreads, BitsDoNotDependOnThreads) {
  const Op& op = all_ops()[GetParam()];
  std::vector<Case> cases;
  for (const Sample& s : op.samples()) cases.push_back({s.op, s.inputs});
  cases.push_back(large_case(op));
  cases.push_back(in_f32(cases.back()));
  for (const Case& c : cases) {
    kernels::set_num_threads(1);
    const std::string alone = bytes_of(c);
    for (int threads : {2, 3, 4, 8}) {
      kernels::set_num_threads(threads);
      EXPECT_TRUE(bytes_of(c) == alone) << c.op.str() << ", " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryOpAndThreads,
                         testing::Range<std::size_t>(0, all_ops().size()), [](const auto& each) {
                           return std::string(all_ops()[each.param].name());
                         });

}  // namespace
}  // namespace gradus
