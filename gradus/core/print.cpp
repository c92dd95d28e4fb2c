// Tensors as text; see print.h. One format is chosen for all elements that are shown, as NumPy and
// PyTorch do.
#include <gradus/core/print.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

namespace gradus {
namespace {

std::string format(const char* pattern, int precision, double value) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, pattern, precision, value);
  return buffer;
}

/// Turns elements into words of one width.
class Formatter {
 public:
  Formatter(const Tensor& x, const PrintOptions& options) : x_(x), options_(options) {}
  /// Takes the element at `position` into account for the notation; all shown ones come here first.
  void see(std::int64_t position) {
    if (!is_floating(x_.dtype())) return;
    const double v =
        x_.dtype() == DType::f32
            ? static_cast<double>(reinterpret_cast<const float*>(x_.storage().data())[position])
            : reinterpret_cast<const double*>(x_.storage().data())[position];
    if (!std::isfinite(v)) return;
    all_whole_ &= v == std::trunc(v);
    if (v != 0) {
      smallest_ = std::min(smallest_, std::fabs(v));
      largest_ = std::max(largest_, std::fabs(v));
    }
    scientific_ =
        options_.scientific && largest_ > 0 &&
        (largest_ > 1e8 || (!all_whole_ && (smallest_ < 1e-4 || largest_ / smallest_ > 1e3)));
  }
  std::string operator()(std::int64_t position) const {
    return dispatch(x_.dtype(), [&]<class T>() -> std::string {
      const T value = reinterpret_cast<const T*>(x_.storage().data())[position];
      if constexpr (std::is_same_v<T, bool>)
        return value ? "True" : "False";
      else if constexpr (std::is_integral_v<T>)
        return std::to_string(value);
      else
        return floating(static_cast<double>(value));
    });
  }

 private:
  std::string floating(double value) const {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    if (scientific_) return format("%.*e", options_.precision, value);
    if (all_whole_) return format("%.*f", 0, value) + ".";
    return format("%.*f", options_.precision, value);
  }

  const Tensor& x_;
  const PrintOptions& options_;
  double smallest_ = INFINITY, largest_ = 0;
  bool scientific_ = false, all_whole_ = true;
};

class Printer {
 public:
  Printer(const Tensor& x, const PrintOptions& options)
      : x_(x), options_(options), format_(x, options), summarise_(x.numel() > options.threshold) {
    visit(0, x.layout().offset, [&](std::int64_t position) { format_.see(position); });
    visit(0, x.layout().offset,
          [&](std::int64_t position) { width_ = std::max(width_, format_(position).size()); });
  }
  std::string text() {
    if (x_.numel() == 0) return "[]";
    if (x_.ndim() == 0) return format_(x_.layout().offset);
    axis(0, x_.layout().offset);
    return out_;
  }

 private:
  /// The shown positions along an axis; -1 stands for "...".
  std::vector<std::int64_t> shown(int axis) const {
    const std::int64_t n = x_.shape()[axis], edge = std::max(options_.edge_items, 0);
    const bool cut = summarise_ && n > 2 * edge;
    std::vector<std::int64_t> list;
    for (std::int64_t i = 0; i < (cut ? edge : n); ++i) list.push_back(i);
    if (cut) list.push_back(-1);
    for (std::int64_t i = n - edge; cut && i < n; ++i) list.push_back(i);
    return list;
  }
  template <class F>
  void visit(int axis, std::int64_t position, F&& f) const {
    if (x_.numel() == 0) return;
    if (axis == x_.ndim()) return f(position);
    for (std::int64_t i : shown(axis))
      if (i >= 0) visit(axis + 1, position + i * x_.strides()[axis], f);
  }
  void axis(int axis_number, std::int64_t position) {
    out_ += '[';
    const bool innermost = axis_number == x_.ndim() - 1;
    const std::size_t indent = static_cast<std::size_t>(axis_number) + 1;
    std::size_t column = indent;
    // Room is kept for the brackets that may close here.
    const std::size_t brackets = static_cast<std::size_t>(x_.ndim());
    bool first = true;
    for (std::int64_t i : shown(axis_number)) {
      if (innermost) {
        std::string word = i < 0 ? "..." : format_(position + i * x_.strides()[axis_number]);
        if (i >= 0) word.insert(0, width_ - word.size(), ' ');
        if (!first && column + 2 + word.size() + brackets >
                          static_cast<std::size_t>(std::max(options_.linewidth, 0))) {
          out_ += ",\n" + std::string(indent, ' ');
          column = indent;
        } else if (!first) {
          out_ += ", ";
          column += 2;
        }
        out_ += word;
        column += word.size();
      } else {
        if (!first)
          out_ += "," + std::string(static_cast<std::size_t>(x_.ndim() - axis_number - 1), '\n') +
                  std::string(indent, ' ');
        if (i < 0)
          out_ += "...";
        else
          axis(axis_number + 1, position + i * x_.strides()[axis_number]);
      }
      first = false;
    }
    out_ += ']';
  }

  const Tensor& x_;
  const PrintOptions& options_;
  Formatter format_;
  bool summarise_;
  std::size_t width_ = 0;
  std::string out_;
};

}  // namespace

PrintOptions& print_options() {
  static PrintOptions options;
  return options;
}

std::string to_string(const Tensor& x, const PrintOptions& options) {
  return x ? Printer(x, options).text() : "(empty tensor)";
}

std::string summary(const Tensor& x) {
  if (!x) return "(empty tensor)";
  std::string text = x.spec().str();
  double low = INFINITY, high = -INFINITY, total = 0;
  std::int64_t nan = 0, inf = 0, finite = 0;
  for (double v : x.to_vector<double>()) {
    if (std::isnan(v))
      ++nan;
    else if (std::isinf(v))
      ++inf;
    else {
      low = std::min(low, v);
      high = std::max(high, v);
      total += v;
      ++finite;
    }
  }
  if (finite > 0) {
    char line[120];
    std::snprintf(line, sizeof line, " %.5g..%.5g mean %.5g", low, high,
                  total / static_cast<double>(finite));
    text += line;
  }
  if (nan) text += " " + std::to_string(nan) + " nan";
  if (inf) text += " " + std::to_string(inf) + " inf";
  return text;
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

}  // namespace gradus
