// Layers and initialisers; see layers.h.
#include <gradus/nn/layers.h>

#include <cmath>
#include <cstdio>

namespace gradus::nn {

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias) {
  if (in < 1 || out < 1)
    throw ShapeError("Linear(" + std::to_string(in) + ", " + std::to_string(out) + ")",
                     "both sizes count: 1 or more");
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight = Tensor::empty({out, in});
  uniform_(weight, -bound, bound);
  weight.set_requires_grad();
  if (!with_bias) return;
  bias = Tensor::empty({out});
  uniform_(bias, -bound, bound);
  bias.set_requires_grad();
}

Tensor Linear::forward(const Tensor& x) {
  const Tensor y = matmul(x, weight.T());
  return bias ? y + bias : y;
}

std::string Linear::describe() const {
  return "Linear(" + std::to_string(weight.size(1)) + ", " + std::to_string(weight.size(0)) +
         (bias ? ")" : ", no bias)");
}

void Linear::visit_fields(const FieldVisitor& visitor) {
  visitor.tensor("weight", weight);
  if (bias) visitor.tensor("bias", bias);
}

std::string Dropout::describe() const { return "Dropout(" + to_text(p) + ")"; }

Tensor ModuleList::forward(const Tensor&) {
  throw ValueError("a ModuleList does not say in which order its modules run",
                   "call its modules, or use Sequential");
}

void ModuleList::visit_fields(const FieldVisitor& visitor) {
  for (std::size_t i = 0; i < layers_.size(); ++i) visitor.module(std::to_string(i), *layers_[i]);
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i < size(); ++i) {
    Scope scope(std::to_string(i));
    y = (*this)[i](y);
  }
  return y;
}

std::string layer_list(const Sequential& net) {
  std::string text;
  for (std::size_t i = 0; i < net.size(); ++i) text += (i ? "; " : "") + net[i].describe();
  return text;
}

Sequential make_layers(std::string_view list) {
  Sequential net;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(';'), list.size());
    std::string one(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    while (one.starts_with(' ')) one.erase(0, 1);
    long long in = 0, out = 0;
    double p = 0;
    int read = 0;
    const int length = static_cast<int>(one.size());
    auto matched_all = [&] { return read == length; };
    if (one == "ReLU()")
      net.push_back(std::make_shared<ReLU>());
    else if (one == "Tanh()")
      net.push_back(std::make_shared<Tanh>());
    else if (one == "Sigmoid()")
      net.push_back(std::make_shared<Sigmoid>());
    else if (one == "GELU()")
      net.push_back(std::make_shared<GELU>());
    else if (one == "Flatten()")
      net.push_back(std::make_shared<Flatten>());
    else if (std::sscanf(one.c_str(), "Dropout(%lf)%n", &p, &read) == 1 && matched_all())
      net.push_back(std::make_shared<Dropout>(p));
    else if ((std::sscanf(one.c_str(), "Linear(%lld, %lld)%n", &in, &out, &read) == 2 &&
              matched_all()) ||
             (std::sscanf(one.c_str(), "Linear(%lld, %lld, no bias)%n", &in, &out, &read) == 2 &&
              matched_all())) {
      if (in < 1 || out < 1 || in > 1'000'000'000 || out > 1'000'000'000)
        throw DataError("a layer '" + one + "'", "sizes are 1 or more");
      net.push_back(std::make_shared<Linear>(in, out, one.find("no bias") == one.npos));
    } else {
      throw DataError("an unknown layer '" + one.substr(0, 60) + "'",
                      "known are Linear, ReLU, Tanh, Sigmoid, GELU, Flatten, Dropout");
    }
  }
  return net;
}

namespace {

template <class Draw>
void fill(Tensor& x, Draw&& draw) {
  NoGrad guard;
  Tensor values = Tensor::empty(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() { draw(values.data<T>(), values.numel()); });
  x.copy_(values);
}

std::int64_t fan_in(const Tensor& x) {
  if (x.ndim() < 2)
    throw ShapeError("the fan of " + x.spec().str() + " is not defined",
                     "initialise weights [out, in]");
  return x.numel() / std::max<std::int64_t>(x.size(0), 1);
}

}  // namespace

void uniform_(Tensor& x, double low, double high) {
  fill(x, [&](auto* values, std::int64_t n) {
    default_generator().fill_uniform(values, n, low, high);
  });
}
void normal_(Tensor& x, double mean, double std) {
  fill(x, [&](auto* values, std::int64_t n) {
    default_generator().fill_normal(values, n, mean, std);
  });
}
void kaiming_uniform_(Tensor& x, double gain) {
  const double bound = gain * std::sqrt(3.0 / static_cast<double>(fan_in(x)));
  uniform_(x, -bound, bound);
}
void xavier_uniform_(Tensor& x) {
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in(x) + x.size(0)));
  uniform_(x, -bound, bound);
}

}  // namespace gradus::nn
