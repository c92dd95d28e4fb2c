// A recursive descent over the text that computes as it reads; see expression.h.
#include <gradus/core/print.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/see/double_stretch.h>
#include <gradus/see/expression.h>
#include <gradus/see/expression_text.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace gradus::see {
namespace {

constexpr const char* no_gradient = "none";
constexpr int deepest = 200;  // brackets within brackets, so that no text overflows the stack

Value shape_value(const Shape& shape) {
  return {Tensor::of(shape.to_vector(), {shape.rank()}), {}, true};
}

Value number_value(std::int64_t number) { return {Tensor::scalar(number, DType::i64), {}}; }

class Reader : ExpressionText {
 public:
  Reader(std::string_view text, const Lookup& lookup) : ExpressionText(text), lookup_(lookup) {}
  /// Reads without computing: every value is a 0, and names that are not there are collected.
  Reader(std::string_view text, const Lookup& lookup, std::vector<std::string>& unknown)
      : ExpressionText(text), lookup_(lookup), unknown_(&unknown) {}

  Value whole() {
    Value value = comparison();
    if (peek() != '\0') fail(std::string("'") + peek() + "' was not expected here", "");
    value.warning = warning_;
    return value;
  }

 private:
  /// Runs `compute`; an error of the library points at `position`.
  template <class Compute>
  Value computed(std::size_t position, Compute&& compute) {
    if (unknown_) return number_value(0);
    try {
      return {compute(), {}};
    } catch (const ExpressionError&) {
      throw;
    } catch (const Error& error) {
      throw error_at(position, error);
    }
  }
  static const Tensor& number_in(const Value& value, std::size_t position) {
    refuse_no_gradient(value, position);
    if (!value.tensor)
      throw ExpressionError("'" + value.word + "' is a word, not a tensor", "", position);
    return value.tensor;
  }

  /// A gradient that is not there is a name that is not there (yet).
  static void refuse_no_gradient(const Value& value, std::size_t position) {
    if (!value.tensor && value.word == no_gradient)
      throw UnknownName("there is no gradient here yet", "g", "", position);
  }

  // -- from weak to strong ----------------------------------------------------------------------
  Value comparison() {
    if (++depth_ > deepest) fail("too many brackets within brackets", "");
    Value left = sum();
    skip_spaces();
    const std::size_t position = at_;
    using Compare = Tensor (*)(const Operand&, const Operand&, Place);
    constexpr std::pair<std::string_view, Compare> signs[] = {
        {"<=", less_equal}, {">=", greater_equal}, {"==", equal},
        {"!=", not_equal},  {"<", less},           {">", greater}};
    for (const auto& [sign, compare] : signs)
      if (take(sign)) {
        const Value right = sum();
        if (left.tensor || right.tensor) {
          refuse_no_gradient(left, position);
          refuse_no_gradient(right, position);
        }
        if (left.tensor && right.tensor)
          left = computed(position, [&, compare = compare] {
            Tensor result = compare(left.tensor, right.tensor, Place::current());
            warn_of_stretch(left.tensor, sign, right.tensor, result);
            return result;
          });
        else if (!left.tensor && !right.tensor && (sign == "==" || sign == "!="))
          left = {Tensor::scalar((left.word == right.word) == (sign == "=="), DType::boolean), {}};
        else
          throw ExpressionError("a word and a tensor cannot be compared", "", position);
        break;
      }
    --depth_;
    return left;
  }

  template <class Combine>
  Value binary(const Value& left, std::size_t position, Value (Reader::*operand)(),
               Combine combine) {
    const Value right = (this->*operand)();
    const Tensor &a = number_in(left, position), &b = number_in(right, position);
    const bool is_power = text_.substr(position).starts_with("**");
    return computed(position, [&] {
      Tensor result = combine(a, b);
      warn_of_stretch(a, text_.substr(position, is_power ? 2 : 1), b, result);
      return result;
    });
  }
  /// B2, of the first such operation.
  void warn_of_stretch(const Tensor& a, std::string_view sign, const Tensor& b,
                       const Tensor& result) {
    if (sign == "@" || !warning_.empty() || !both_stretch(a.shape(), b.shape(), result.shape()))
      return;
    const StretchedSide left{a.name().empty() ? "a" : a.name(), a.spec()},
        right{b.name().empty() ? "b" : b.name(), b.spec()};
    warning_ = both_stretch_text(left.name + " " + std::string(sign) + " " + right.name, left,
                                 right, result.spec());
  }
  Value sum() {
    Value left = product();
    for (;;) {
      skip_spaces();
      const std::size_t position = at_;
      if (take("+"))
        left = binary(left, position, &Reader::product, [](auto& a, auto& b) { return a + b; });
      else if (take("-"))
        left = binary(left, position, &Reader::product, [](auto& a, auto& b) { return a - b; });
      else
        return left;
    }
  }
  Value product() {
    Value left = sign();
    for (;;) {
      skip_spaces();
      const std::size_t position = at_;
      if (take("*"))
        left = binary(left, position, &Reader::sign, [](auto& a, auto& b) { return a * b; });
      else if (take("/"))
        left = binary(left, position, &Reader::sign, [](auto& a, auto& b) { return a / b; });
      else if (pass_time())
        continue;  // the name before it was looked up at that time
      else if (take("@"))
        left = binary(left, position, &Reader::sign, [](auto& a, auto& b) { return matmul(a, b); });
      else
        return left;
    }
  }
  Value sign() {
    skip_spaces();
    const std::size_t position = at_;
    if (!take("-")) return power();
    if (++depth_ > deepest) fail("too many signs", "");
    const Value value = sign();
    --depth_;
    return computed(position, [&] { return neg(number_in(value, position)); });
  }
  Value power() {
    Value base = postfix();
    skip_spaces();
    const std::size_t position = at_;
    if (!take("**")) return base;
    if (++depth_ > deepest) fail("too many powers", "");
    base = binary(base, position, &Reader::sign, [](auto& a, auto& b) { return pow(a, b); });
    --depth_;
    return base;
  }
  Value postfix() {
    Value value = primary();
    for (;;) {
      skip_spaces();
      const std::size_t position = at_;
      if (take("[")) {
        const std::vector<Index> index = indices();
        value = computed(position, [&] { return getitem(number_in(value, position), index); });
      } else if (peek() == '.' && !text_.substr(at_).starts_with("...")) {
        ++at_;
        value = attribute(number_in(value, position), position);
      } else {
        return value;
      }
    }
  }
  // -- names ------------------------------------------------------------------------------------
  Tensor named(std::size_t begin, std::size_t end) {
    const std::string_view name = text_.substr(begin, end - begin);
    const std::string_view time = take_time_behind(end);
    return time.empty() ? lookup_(name) : lookup_(std::string(name) + " @ " + std::string(time));
  }
  Value primary() {
    if (take("(")) {
      Value value = comparison();
      expect(')', "to close a bracket");
      return value;
    }
    const std::size_t position = at_;
    if (take("|")) {
      const Value value = comparison();
      expect('|', "to close a norm");
      return computed(position, [&] {
        const Tensor x = number_in(value, position).astype(DType::f64);
        return sqrt((x * x).sum());
      });
    }
    if (Tensor named = dotted_name()) return {named, {}};
    if (at_number()) return number();
    if (!at_word()) fail(peek() ? "a value is missing" : "the expression ends too early", "");
    const std::string_view name = word();
    const auto begin = static_cast<std::size_t>(name.data() - text_.data());
    if (peek() == '(' && name == "dead") return dead_units(begin);
    if (peek() == '(') return call(name, position, {});
    if (Tensor tensor = named(begin, begin + name.size())) return {tensor, {}};
    at_ = position;
    return unknown_name();
  }
  /// dead(relu1) is said of a module, which is no tensor: who looks up names knows it as a whole.
  Value dead_units(std::size_t begin) {
    const std::size_t end = text_.find(')', at_);
    if (end == text_.npos) fail("')' is missing", "dead(relu1)");
    at_ = end + 1;
    const std::string name(text_.substr(begin, at_ - begin));
    try {
      if (Tensor share = named(begin, at_)) return {share, {}};
    } catch (const ExpressionError&) {
      throw;
    } catch (const Error& error) {
      throw error_at(begin, error);
    }
    if (!unknown_) throw UnknownName(name, "dead(relu1) is of a module of a tape", begin);
    unknown_->push_back(name);
    return number_value(0);
  }
  /// What stands behind dots is part of the name; a call and what tensors have are not.
  Value unknown_name() {
    const std::size_t position = at_;
    word();
    while (at_ < text_.size() && text_[at_] == '.') {
      const std::size_t dot = at_++;
      const std::string_view part = word();
      constexpr std::string_view had[] = {"shape", "strides", "stride", "offset", "ndim", "numel",
                                          "size",  "dtype",   "name",   "grad",   "T"};
      if (part.empty() || peek() == '(' || std::ranges::count(had, part) > 0) {
        at_ = dot;
        break;
      }
    }
    std::string name(text_.substr(position, at_ - position));
    if (!unknown_) throw UnknownName(name, "l lists what there is", position);
    unknown_->push_back(std::move(name));
    return number_value(0);
  }
  /// The longest of "a.b.c", "a.b" that somebody knows: "lin1.weight", "0.weight", "w1.g".
  Tensor dotted_name() {
    if (!at_word() && !at_number()) return {};
    const std::size_t begin = at_;
    std::vector<std::size_t> ends;
    for (std::size_t i = begin; i < text_.size();) {
      while (i < text_.size() &&
             (std::isalnum(static_cast<unsigned char>(text_[i])) || text_[i] == '_'))
        ++i;
      ends.push_back(i);
      if (ends.size() > 9 || i + 1 >= text_.size() || text_[i] != '.' ||
          !(std::isalnum(static_cast<unsigned char>(text_[i + 1])) || text_[i + 1] == '_'))
        break;
      ++i;
    }
    for (; ends.size() > 1; ends.pop_back())
      if (Tensor found = named(begin, ends.back())) {
        at_ = ends.back();
        return found;
      }
    return {};
  }
  /// Or a name nobody knows that begins like one: "0.weight".
  Value number() {
    const std::size_t position = at_;
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    const std::string digits = rest.substr(0, static_cast<std::size_t>(end - rest.c_str()));
    at_ += digits.size();
    if (at_ < text_.size() &&
        (std::isalpha(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) {
      at_ = position;
      return unknown_name();
    }
    std::int64_t whole = 0;  // keeps digits that a double has not
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    if (error == std::errc() && last == digits.data() + digits.size()) return number_value(whole);
    return {Tensor::scalar(value, DType::f64), {}};
  }

  // -- behind a value -----------------------------------------------------------------------------
  Value attribute(const Tensor& x, std::size_t position) {
    const std::string_view name = word();
    if (name.empty()) fail("a name is missing after '.'", "x.shape, x.grad, x.mean()");
    if (name == "t" && take("()")) return computed(position, [&] { return x.T(); });
    if (peek() == '(') return call(name, position + 1, {x});
    if (name == "shape") return shape_value(x.shape());
    if (name == "strides" || name == "stride") return shape_value(x.strides());
    if (name == "offset") return number_value(x.layout().offset);
    if (name == "ndim") return number_value(x.ndim());
    if (name == "numel" || name == "size") return number_value(x.numel());
    if (name == "dtype") return {{}, std::string(dtype_name(x.dtype()))};
    if (name == "name") return {{}, x.name().empty() ? "unnamed" : x.name()};
    if (name == "T") return computed(position, [&] { return x.T(); });
    if (name == "grad" || name == "g") {
      if (unknown_) return number_value(0);
      if (x.grad()) return {x.grad(), {}};
      return {{}, no_gradient};
    }
    throw ExpressionError("a tensor has no '" + std::string(name) + "'",
                          "there are shape strides offset ndim numel dtype name grad T, and "
                          "operations: x.mean()",
                          position + 1);
  }

  std::optional<std::int64_t> bound() {
    const char c = peek();
    if (c == ':' || c == ',' || c == ']' || c == '}') return {};
    const std::size_t position = at_;
    const Value value = sum();
    return unknown_ ? 0 : whole_number(number_in(value, position), position);
  }
  /// The one element of `x`, refused where it is no whole number: w1[1.5:] is not w1[1:].
  std::int64_t whole_number(const Tensor& x, std::size_t position) const {
    if (x.numel() != 1 || is_floating(x.dtype()))
      throw ExpressionError(
          "an index is a whole number, not " + (x.numel() == 1 ? to_string(x) : x.spec().str()), "",
          position);
    return x.reshape({1}).astype(DType::i64)[0].item<std::int64_t>();
  }
  /// A word of an index, where no tensor has that name.
  bool take_word(std::string_view wanted) {
    skip_spaces();
    const std::size_t begin = at_;
    if (word() == wanted && peek() != '(' && !lookup_(wanted)) return true;
    at_ = begin;
    return false;
  }
  /// What messages of the library advise can be typed as it stands: x[{all, 0}] is x[:, 0].
  std::vector<Index> indices() {
    std::vector<Index> index;
    const bool is_braced = take("{");
    while (peek() != (is_braced ? '}' : ']')) {
      if (take("...") || take_word("ellipsis")) {
        index.emplace_back(ellipsis);
      } else if (text_.substr(at_).starts_with("None") ||
                 text_.substr(at_).starts_with("newaxis")) {
        word();
        index.emplace_back(newaxis);
      } else if (take_word("all")) {
        index.emplace_back(Slice{});
      } else if (peek() == ':') {
        index.emplace_back(slice_after({}));
      } else {
        const std::size_t position = at_;
        const Value value = comparison();
        const Tensor& entry = number_in(value, position);
        if (peek() == ':')
          index.emplace_back(slice_after(whole_number(entry, position)));
        else if (entry.ndim() == 0 && entry.dtype() != DType::boolean)
          index.emplace_back(whole_number(entry, position));
        else
          index.emplace_back(entry);
      }
      if (!take(",")) break;
    }
    if (is_braced) expect('}', "to close an index");
    expect(']', "to close an index");
    return index;
  }
  Slice slice_after(std::optional<std::int64_t> start) {
    expect(':', "");
    Slice slice{start, bound(), 1};
    if (take(":"))
      if (const auto step = bound()) slice.step = *step;
    return slice;
  }

  /// name(values..., attribute=value): inputs first, then attributes in their order.
  Value call(std::string_view name, std::size_t position, Tensors inputs) {
    if (++depth_ > deepest) fail("too many brackets within brackets", "");
    const auto named_call = [&](auto&& make) {
      try {
        return make();
      } catch (const ExpressionError&) {
        throw;
      } catch (const Error& error) {
        throw error_at(position, error);
      }
    };
    Op op = named_call([&] { return find_op(name); });
    const Samples samples = op.samples();
    const std::size_t wanted = samples.empty() ? 1 : samples[0].inputs.size();
    std::size_t unnamed = 0;
    expect('(', "");
    while (peek() != ')') {
      const char quote = peek();
      const std::size_t begin = at_;
      const auto attributes = op.attributes();
      if ((quote == '"' || quote == '\'') && unnamed < attributes.size()) {
        const std::size_t end = std::min(text_.find(quote, at_ + 1), text_.size());
        const std::string text(text_.substr(at_ + 1, end - at_ - 1));
        op = named_call([&] { return op.with(attributes[unnamed++].name, text); });
        at_ = std::min(end + 1, text_.size());
        if (!take(",")) break;
        continue;
      }
      const std::string_view key = word();
      if (!key.empty() && peek() == '=' && !text_.substr(at_).starts_with("==")) {
        ++at_;
        op = named_call([&] { return op.with(key, attribute_text(argument())); });
      } else if (at_ = begin; inputs.size() < wanted) {
        const Value value = comparison();
        inputs.push_back(number_in(value, begin));
      } else {
        if (unnamed == attributes.size())
          throw ExpressionError("too many values for " + std::string(name),
                                unnamed > 0 ? "a list goes in brackets: [2,3]" : "", begin);
        op = named_call(
            [&] { return op.with(attributes[unnamed++].name, attribute_text(argument())); });
      }
      if (!take(",")) break;
    }
    expect(')', "to close the call of " + std::string(name));
    --depth_;
    return computed(position, [&] { return gradus::apply(op, std::span<const Tensor>(inputs)); });
  }
  /// The text up to the next comma or closing bracket of this call.
  std::string_view argument() {
    const std::size_t begin = at_;
    int open = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (open == 0 && (c == ',' || c == ')')) break;
      open += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
    }
    return text_.substr(begin, at_ - begin);
  }

  const Lookup& lookup_;
  std::vector<std::string>* unknown_ = nullptr;
  std::string warning_{};
  int depth_ = 0;
};

}  // namespace

Value evaluate(std::string_view text, const Lookup& lookup) {
  const NoGrad not_recorded;
  const Unobserved not_seen;
  return Reader(text, lookup).whole();
}

std::vector<std::string> unknown_names(std::string_view text,
                                       const std::function<bool(std::string_view)>& is_known) {
  std::vector<std::string> unknown;
  const Tensor zero = Tensor::scalar(0, DType::i64);
  const Lookup lookup = [&](std::string_view name) { return is_known(name) ? zero : Tensor(); };
  Reader(text, lookup, unknown).whole();
  return unknown;
}

}  // namespace gradus::see
