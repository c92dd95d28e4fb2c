// Layers as text and back: what a model file keeps of a Sequential. A layer is "Name(arguments)";
// the table below says how each name reads its arguments.
#include <gradus/nn/layers.h>

#include <array>
#include <limits>

namespace gradus::nn {
namespace {

/// The arguments of one layer, by place ("784") and by name ("eps=1e-05").
class Arguments {
 public:
  Arguments(std::string_view layer, std::string_view text, Place at) : layer_(layer), at_(at) {
    while (!text.empty()) {
      const std::size_t comma = std::min(text.find(','), text.size());
      std::string_view one = text.substr(0, comma);
      text.remove_prefix(std::min(comma + 1, text.size()));
      while (one.starts_with(' ')) one.remove_prefix(1);
      const std::size_t equals = one.find('=');
      if (equals == one.npos)
        places_.emplace_back(one);
      else
        names_.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    }
  }
  /// Where the user asked for the layers.
  Place at() const { return at_; }
  std::size_t places() const { return places_.size(); }
  const std::string& place(std::size_t i) const {
    if (i >= places_.size()) throw fail();
    return places_[i];
  }
  std::int64_t integer(std::size_t i) const {
    return std::get<std::int64_t>(parsed("int", place(i)));
  }
  /// A number of units or rows.
  std::int64_t size(std::size_t i) const {
    const std::int64_t n = integer(i);
    if (n < 1 || n > 1'000'000'000) throw fail();
    return n;
  }
  double number(std::size_t i) const { return std::get<double>(parsed("float", place(i))); }
  double number(std::string_view name, double otherwise) const {
    const std::string* text = find(name);
    return text ? std::get<double>(parsed("float", *text)) : otherwise;
  }
  bool flag(std::string_view name, bool otherwise) const {
    const std::string* text = find(name);
    return text ? std::get<bool>(parsed("bool", *text)) : otherwise;
  }
  /// Throws unless there are `places` arguments by place, and by name only known ones.
  void expect(std::size_t places, std::initializer_list<std::string_view> names = {}) const {
    bool ok = places_.size() == places;
    for (const auto& [name, value] : names_)
      ok &= std::find(names.begin(), names.end(), name) != names.end();
    if (!ok) throw fail();
  }
  DataError fail() const {
    return DataError("an unknown layer '" + std::string(layer_.substr(0, 60)) + "'",
                     "write layers as layer_list does: Linear(784, 50); ReLU(); Linear(50, 10)",
                     at_);
  }

 private:
  const std::string* find(std::string_view name) const {
    for (const auto& [known, value] : names_)
      if (known == name) return &value;
    return nullptr;
  }
  AttributeValue parsed(std::string_view type, const std::string& text) const {
    try {
      return parse_attribute("argument", type, text);
    } catch (const Error&) {
      throw fail();
    }
  }

  std::string_view layer_;
  Place at_;
  std::vector<std::string> places_;
  std::vector<std::pair<std::string, std::string>> names_;
};

/// Takes elements from what a list may still allocate.
void claim(std::int64_t& left, std::initializer_list<std::int64_t> sizes, const Arguments& a) {
  std::int64_t elements = 1;
  for (std::int64_t n : sizes) {
    if (elements > std::numeric_limits<std::int64_t>::max() / n) throw a.fail();
    elements *= n;
  }
  if (elements > left)
    throw DataError("layers that hold more than there are values for",
                    "the file is damaged: train or save it again", a.at());
  left -= elements;
}

using Make = void (*)(Sequential& net, const Arguments& a, std::int64_t& left);
struct Reader {
  std::string_view name;
  Make make;
};

template <class Layer>
void make_plain(Sequential& net, const Arguments& a, std::int64_t&) {
  a.expect(0);
  net.push_back(std::make_shared<Layer>());
}
template <class Layer>
void make_along_axis(Sequential& net, const Arguments& a, std::int64_t&) {
  a.expect(1);
  net.push_back(std::make_shared<Layer>(a.integer(0)));
}
template <class Layer>
void make_with_number(Sequential& net, const Arguments& a, std::int64_t&) {
  a.expect(1);
  net.push_back(std::make_shared<Layer>(a.number(0)));
}

void make_linear(Sequential& net, const Arguments& a, std::int64_t& left) {
  const bool has_bias = a.places() < 3;
  a.expect(has_bias ? 2 : 3);
  if (!has_bias && a.place(2) != "no bias") throw a.fail();
  claim(left, {a.size(0), a.size(1)}, a);
  net.push_back(std::make_shared<Linear>(a.size(0), a.size(1), has_bias, a.at()));
}
void make_embedding(Sequential& net, const Arguments& a, std::int64_t& left) {
  a.expect(2);
  claim(left, {a.size(0), a.size(1)}, a);
  net.push_back(std::make_shared<Embedding>(a.size(0), a.size(1), a.at()));
}
void make_gelu(Sequential& net, const Arguments& a, std::int64_t&) {
  const bool is_exact = a.places() == 0;
  a.expect(is_exact ? 0 : 1);
  if (!is_exact && a.place(0) != "tanh") throw a.fail();
  net.push_back(std::make_shared<GELU>(is_exact ? "none" : "tanh"));
}
void make_softplus(Sequential& net, const Arguments& a, std::int64_t&) {
  a.expect(2);
  net.push_back(std::make_shared<Softplus>(a.number(0), a.number(1)));
}
void make_layer_norm(Sequential& net, const Arguments& a, std::int64_t& left) {
  a.expect(std::max<std::size_t>(a.places(), 1), {"eps", "affine"});
  const bool affine = a.flag("affine", true);
  Ints shape;
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < a.places(); ++i) {
    shape.push_back(a.size(i));
    if (elements > std::numeric_limits<std::int64_t>::max() / shape.back()) throw a.fail();
    elements *= shape.back();
  }
  if (affine) claim(left, {elements}, a);
  net.push_back(std::make_shared<LayerNorm>(shape, a.number("eps", 1e-5), affine, a.at()));
}
void make_batch_norm(Sequential& net, const Arguments& a, std::int64_t& left) {
  a.expect(1, {"eps", "momentum", "affine"});
  claim(left, {a.size(0)}, a);
  net.push_back(
      std::make_shared<BatchNorm1d>(a.size(0),
                                    BatchNormOptions{.eps = a.number("eps", 1e-5),
                                                     .momentum = a.number("momentum", 0.1),
                                                     .affine = a.flag("affine", true)},
                                    a.at()));
}

constexpr Reader readers[] = {
    {"Linear", make_linear},
    {"Embedding", make_embedding},
    {"Identity", make_plain<Identity>},
    {"Flatten", make_plain<Flatten>},
    {"Dropout", make_with_number<Dropout>},
    {"ReLU", make_plain<ReLU>},
    {"LeakyReLU", make_with_number<LeakyReLU>},
    {"Tanh", make_plain<Tanh>},
    {"Sigmoid", make_plain<Sigmoid>},
    {"GELU", make_gelu},
    {"SiLU", make_plain<SiLU>},
    {"Softplus", make_softplus},
    {"Softmax", make_along_axis<Softmax>},
    {"LogSoftmax", make_along_axis<LogSoftmax>},
    {"LayerNorm", make_layer_norm},
    {"BatchNorm1d", make_batch_norm},
};

}  // namespace

std::string layer_list(const Sequential& net) {
  std::string text;
  for (std::size_t i = 0; i < net.size(); ++i) text += (i ? "; " : "") + net[i].describe();
  return text;
}

Sequential make_layers(std::string_view list, std::int64_t most_elements, Place at) {
  Sequential net;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(';'), list.size());
    std::string_view layer = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (layer.starts_with(' ')) layer.remove_prefix(1);
    const std::size_t open = std::min(layer.find('('), layer.size());
    const bool is_call = open < layer.size() && layer.ends_with(')');
    const Arguments arguments(
        layer, is_call ? layer.substr(open + 1, layer.size() - open - 2) : std::string_view(), at);
    const auto* reader = std::find_if(std::begin(readers), std::end(readers), [&](const Reader& r) {
      return r.name == layer.substr(0, open);
    });
    if (!is_call || reader == std::end(readers)) throw arguments.fail();
    reader->make(net, arguments, most_elements);
  }
  return net;
}

}  // namespace gradus::nn
