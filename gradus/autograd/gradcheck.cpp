// Central differences with a look at both sides; see gradcheck.h.
#include <gradus/autograd/gradcheck.h>

#include <cmath>
#include <cstdio>

#include <gradus/ops/ops.h>
#include <gradus/ops/samples.h>

namespace gradus {
namespace {

/// The outputs weighted to one number, so that no element can hide behind another.
Tensor weighted_sum(const Tensors& outputs) {
  Tensor total;
  int seed = 7;
  for (const Tensor& y : outputs) {
    if (!is_floating(y.dtype())) continue;
    const Tensor part =
        sum(astype(y, DType::f64) * sample(y.shape().to_vector(), 0.5, 1.5, seed++));
    total = total ? total + part : part;
  }
  return total;
}

/// One pass of comparisons of g(inputs), a function to one number, with its analytic gradients.
void compare(const std::function<Tensor(std::span<const Tensor>)>& g, Tensors inputs,
             const Tensors& analytic, const GradcheckOptions& options, GradcheckReport& report) {
  NoGrad guard;
  const double middle = g(inputs).item();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(inputs[i].dtype())) continue;
    const Tensor original = inputs[i];
    const std::vector<double> ours = analytic[i].to_vector<double>();
    std::int64_t element = 0;
    // Elements are moved in a copy with the same layout, so that strided inputs stay strided.
    for_each_position(original.layout(), [&](std::int64_t position) {
      auto value_at = [&](double h) {
        Tensor moved = Tensor::empty(
            {static_cast<std::int64_t>(original.storage().bytes() / sizeof(double))}, DType::f64);
        std::copy_n(reinterpret_cast<const double*>(original.storage().data()), moved.numel(),
                    moved.data<double>());
        moved.data<double>()[position] += h;
        inputs[i] = Tensor(moved.storage(), original.layout(), DType::f64);
        return g(inputs).item();
      };
      const double h = options.step;
      const double above = value_at(h), below = value_at(-h);
      const double numeric = (above - below) / (2 * h),
                   mine = ours[static_cast<std::size_t>(element)];
      auto agrees = [&](double other) {
        return std::fabs(mine - other) <= options.tolerance * std::max(1.0, std::fabs(other));
      };
      ++report.checked;
      if (!agrees(numeric)) {
        const double left = (middle - below) / h, right = (above - middle) / h;
        const bool kink =
            std::fabs(right - left) > 100 * h * std::max({1.0, std::fabs(left), std::fabs(right)});
        const double slack = options.tolerance * std::max({1.0, std::fabs(left), std::fabs(right)});
        if (kink && mine >= std::min(left, right) - slack && mine <= std::max(left, right) + slack)
          ++report.kinks;
        else
          report.failures.push_back({i, element, mine, numeric});
      }
      ++element;
    });
    inputs[i] = original;
  }
}

Tensors variables(std::span<const Tensor> inputs) {
  Tensors result;
  for (const Tensor& x : inputs) {
    Tensor v = x;
    if (is_floating(x.dtype())) {
      if (x.dtype() != DType::f64) v = astype(x, DType::f64);
      v = v.detach();
      v.set_requires_grad();
    }
    result.push_back(v);
  }
  return result;
}

Tensors gradients(const Tensor& y, const Tensors& x, bool create_graph) {
  Tensors wanted;
  for (const Tensor& v : x)
    if (v.requires_grad()) wanted.push_back(v);
  Tensors found =
      y && y.requires_grad()
          ? grad(std::span(&y, 1), wanted, {}, {.create_graph = create_graph, .allow_unused = true})
          : Tensors(wanted.size());
  Tensors result(x.size());
  for (std::size_t i = 0, k = 0; i < x.size(); ++i)
    if (x[i].requires_grad()) {
      result[i] = found[k] ? found[k] : zeros_like(x[i]);
      ++k;
    }
  return result;
}

}  // namespace

GradcheckReport gradcheck(const TensorFunction& f, std::span<const Tensor> inputs,
                          GradcheckOptions options) {
  GradMode recording(true);
  GradcheckReport report;
  auto first = [&](std::span<const Tensor> x) { return weighted_sum(f(x)); };
  const Tensors x = variables(inputs);
  if (!first(x)) return report;  // nothing floating comes out
  compare(first, x, gradients(first(x), x, false), options, report);
  if (!options.second_order) return report;
  auto second = [&](std::span<const Tensor> given) {
    GradMode inner(true);
    const Tensors v = variables(given);
    return weighted_sum([&] {
             Tensors g;
             for (Tensor& one : gradients(first(v), v, true))
               if (one) g.push_back(one);
             return g;
           }())
        .detach();
  };
  const Tensors v = variables(inputs);
  Tensors g;
  for (Tensor& one : gradients(first(v), v, true))
    if (one) g.push_back(one);
  const Tensor total = weighted_sum(g);
  if (total) compare(second, v, gradients(total, v, false), options, report);
  return report;
}

std::string GradcheckReport::str() const {
  if (ok())
    return "ok, " + std::to_string(checked) + " derivatives" +
           (kinks ? ", " + std::to_string(kinks) + " at kinks" : "");
  std::string text =
      std::to_string(failures.size()) + " of " + std::to_string(checked) + " derivatives differ:";
  for (std::size_t i = 0; i < std::min<std::size_t>(failures.size(), 5); ++i) {
    char line[160];
    const GradcheckFailure& bad = failures[i];
    std::snprintf(line, sizeof line,
                  "\n  input %zu element %lld: analytic %.9g, numeric %.9g, ratio %.3f", bad.input,
                  static_cast<long long>(bad.element), bad.analytic, bad.numeric,
                  bad.analytic / bad.numeric);
    text += line;
  }
  return text;
}

}  // namespace gradus
