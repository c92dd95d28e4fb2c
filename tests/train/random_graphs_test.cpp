// Random training steps: nets of random products, biases and operations of the registry, every
// optimizer, any number of threads. Compiled steps have the bits of eager ones, and every kind of
// fusion was among them often.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace gradus {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int graphs = 1000, each_kind = 10;
#else
constexpr int graphs = 10000, each_kind = 100;
#endif
constexpr unsigned first_seed = 20250;

using Random = std::mt19937;

int pick(Random& random, int from, int to) {
  return from + static_cast<int>(random() % static_cast<unsigned>(to - from + 1));
}

/// Operations of the registry that may stand anywhere in a net: floating in, floating out.
const std::vector<Op>& usable_ops() {
  static const std::vector<Op> all = [] {
    std::vector<Op> ops;
    for (const Op& op : all_ops())
      for (const Sample& s : op.samples()) {
        bool is_floating_only = op.has_gradient() && !s.inputs.empty() && s.inputs.size() <= 2;
        for (const Tensor& x : s.inputs) is_floating_only &= is_floating(x.dtype());
        if (is_floating_only) ops.push_back(s.op);
      }
    return ops;
  }();
  return all;
}

/// A net that was drawn: x goes through the nodes in order, the last value comes out.
struct Graph : nn::Module {
  struct Node {
    enum Kind { product, turned_product, bias, op, dropout } kind;
    std::size_t parameter = 0;  // of a product or bias
    std::optional<Op> what{};
    bool takes_itself =
        false;  // an operation of two inputs gets x twice, else x and an earlier one
    std::size_t earlier = 0;
  };
  std::vector<Node> nodes;
  Tensors weights;
  std::int64_t width = 0;  // of the output

  void visit_fields(const nn::FieldVisitor& visitor) override {
    for (std::size_t i = 0; i < weights.size(); ++i)
      visitor.tensor("w" + std::to_string(i), weights[i]);
  }
  Tensor run(const Node& node, const Tensors& values) const {
    const Tensor& x = values.back();
    switch (node.kind) {
      case Node::product:
        return matmul(x, weights[node.parameter]);
      case Node::turned_product:
        return matmul(x, weights[node.parameter].T());
      case Node::bias:
        return x + weights[node.parameter];
      case Node::dropout:
        return gradus::dropout(x, 0.3, is_training());
      case Node::op:
        break;
    }
    Tensors inputs{x};
    if (node.what->samples()[0].inputs.size() == 2)
      inputs.push_back(node.takes_itself ? x : values[node.earlier]);
    return apply_all(*node.what, inputs)[0];
  }
  Tensor forward(const Tensor& x) override {
    Tensors values{x};
    for (const Node& node : nodes) values.push_back(run(node, values));
    return values.back();
  }
};

bool is_tame(const Tensor& x) {
  if (!is_floating(x.dtype())) return false;
  for (double v : x.to_vector<double>())
    if (!(std::abs(v) < 1e4)) return false;
  return true;
}

/// Draws a net for inputs like x: layers of products with what is mostly done after them, and
/// operations of the registry that keep the values' shape.
Graph draw_graph(Random& random, const Tensor& x, int widest) {
  Graph graph;
  Tensors values{x};
  const auto add = [&](Graph::Node node) {
    values.push_back(graph.run(node, values).detach());
    graph.nodes.push_back(std::move(node));
  };
  const auto weight = [&](const Ints& shape, double scale) {
    graph.weights.push_back((randn(shape) * scale).detach().set_requires_grad());
    return graph.weights.size() - 1;
  };
  const int layers = pick(random, 1, 3);
  for (int layer = 0; layer < layers; ++layer) {
    const std::int64_t in = values.back().size(1), out = pick(random, 1, widest);
    graph.width = out;
    const double scale = 1 / std::sqrt(static_cast<double>(in));
    if (pick(random, 0, 1))
      add({Graph::Node::turned_product, weight({out, in}, scale)});
    else
      add({Graph::Node::product, weight({in, out}, scale)});
    if (pick(random, 0, 3)) add({Graph::Node::bias, weight({out}, 0.1)});
    if (pick(random, 0, 2)) add({Graph::Node::op, 0, find_op("relu")});
    if (!pick(random, 0, 9)) add({Graph::Node::dropout});
    for (int tries = pick(random, 0, 4); tries > 0; --tries) {
      const auto& ops = usable_ops();
      Graph::Node node{Graph::Node::op, 0, ops[random() % ops.size()], pick(random, 0, 1) == 0,
                       random() % values.size()};
      try {
        const NoGrad guard;
        const Tensor y = graph.run(node, values);
        if (y.shape() == values.back().shape() && y.dtype() == DType::f32 && is_tame(y))
          add(std::move(node));
      } catch (const Error&) {  // does not take such inputs
      }
    }
  }
  return graph;
}

std::unique_ptr<optim::Optimizer> make_optimizer(int which, const Tensors& p) {
  using namespace optim;
  switch (which) {
    case 0:
    case 1:
      return std::make_unique<SGD>(p, SGDOptions{.lr = 0.05});
    case 2:
      return std::make_unique<SGD>(p,
                                   SGDOptions{.lr = 0.05, .momentum = 0.9, .weight_decay = 0.01});
    case 3:
      return std::make_unique<SGD>(p, SGDOptions{.lr = 0.05, .momentum = 0.9, .nesterov = true});
    case 4:
      return std::make_unique<Adam>(p, AdamOptions{.lr = 0.01, .weight_decay = 0.01});
    default:
      return std::make_unique<AdamW>(p, AdamOptions{.lr = 0.01, .weight_decay = 0.1});
  }
}

/// Equal bytes; two NaNs count as equal, whose payload depends on the order of operands.
bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.spec() != b.spec()) return false;
  return dispatch(a.dtype(), [&]<class T>() {
    const std::vector<T> x = a.to_vector<T>(), y = b.to_vector<T>();
    for (std::size_t i = 0; i < x.size(); ++i)
      if (const T v = x[i], w = y[i]; std::memcmp(&v, &w, sizeof v) != 0 && !(v != v && w != w))
        return false;
    return true;
  });
}

/// Kernels of a plan by what was fused in them.
void count_kinds(const compile::Plan& plan, std::map<std::string, int>& kinds) {
  for (const compile::KernelInfo& kernel : plan.kernels()) {
    if (kernel.what.starts_with("matmul"))
      ++kinds[kernel.what];
    else if (kernel.what.find(" + ") != std::string::npos)
      ++kinds["loop"];
    if (kernel.by_rows) ++kinds[kernel.what.starts_with("matmul") ? "product by rows" : "by rows"];
  }
}

/// One graph, trained compiled and eagerly; what differs, or nothing.
std::string compare(unsigned seed, std::map<std::string, int>& kinds, int& planned) {
  Random random(seed);
  manual_seed(seed);
  // Most are small; some are large enough for their products to be shared among threads.
  const bool is_large = seed % 1000 == 0;
  const int widest = is_large ? 500 : 70;
  const std::int64_t n = pick(random, is_large ? 200 : 1, is_large ? 300 : 70),
                     k = pick(random, 1, widest);
  const auto batch = [&](std::int64_t rows) { return randn({rows, k}); };
  const Graph drawn = draw_graph(random, batch(n), widest);
  const bool has_classes = pick(random, 0, 1) == 1;
  const LossFunction loss = [&](const Tensor& y, const Tensor& target) {
    return has_classes ? cross_entropy(y, target) : mean(square(y - target));
  };
  const int rule = pick(random, 0, 5);
  Graph eager = nn::clone(drawn), learned = nn::clone(drawn);
  const auto eager_rule = make_optimizer(rule, eager.parameters()),
             learned_rule = make_optimizer(rule, learned.parameters());
  const compile::PlanOptions options{.always_by_rows = pick(random, 0, 1) == 1};
  CompiledStep eager_step(eager, *eager_rule, loss, [] {}),
      learned_step(
          learned, *learned_rule, loss, [] {}, options);
  data::Batch last;
  constexpr int steps = 6;  // the plan runs the last two
  for (int i = 0; i < steps; ++i) {
    last = {batch(n), has_classes ? randint(0, drawn.width, {n}) : randn({n, drawn.width})};
    kernels::set_num_threads(1);
    manual_seed(seed + static_cast<unsigned>(i));  // dropout draws
    const auto wanted = eager_step(last, true);
    kernels::set_num_threads(pick(random, 1, 8));
    manual_seed(seed + static_cast<unsigned>(i));
    const auto got = learned_step(last, false);
    if (!same_bits(got.loss, wanted.loss)) return "the loss of step " + std::to_string(i);
  }
  const auto a = eager.named_parameters(), b = learned.named_parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i].second, b[i].second)) return a[i].first;
  const auto s = eager_rule->state_dict(), t = learned_rule->state_dict();
  if (s.size() != t.size()) return "the number of state tensors";
  for (std::size_t i = 0; i < s.size(); ++i)
    if (!same_bits(s[i].second, t[i].second)) return s[i].first;
  if (const compile::Plan* plan = learned_step.plan(last)) {
    ++planned;
    count_kinds(*plan, kinds);
  }
  return {};
}

TEST(RandomGraphs, TrainWithTheBitsOfEagerSteps) {
  std::printf("%d graphs, seeds %u to %u\n", graphs, first_seed, first_seed + graphs - 1);
  std::map<std::string, int> kinds;
  int planned = 0;
  for (int i = 0; i < graphs; ++i) {
    const unsigned seed = first_seed + static_cast<unsigned>(i);
    ASSERT_EQ(compare(seed, kinds, planned), "") << "differs for seed " << seed;
  }
  kernels::set_num_threads(0);
  for (const auto& [kind, times] : kinds) std::printf("%6d x %s\n", times, kind.c_str());
  std::printf("%6d of %d with a plan\n", planned, graphs);
  EXPECT_GT(planned, 0.9 * graphs);
  for (const char* kind : {"loop", "matmul + add", "matmul + relu", "matmul + add + relu",
                           "matmul + gate", "matmul + update", "product by rows", "by rows"})
    EXPECT_GE(kinds[kind], each_kind) << kind;
}

}  // namespace
}  // namespace gradus
