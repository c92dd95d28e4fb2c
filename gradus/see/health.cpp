// The list of findings, and the check of a gradient; see health.h. The rules are in
// health_training.cpp, health_numbers.cpp and health_shapes.cpp, the check of rows in
// health_rows.cpp.
#include <gradus/see/health_rules.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <gradus/ops/ops.h>
#include <gradus/ops/samples.h>

namespace gradus::see {

double bytes_of(const Spec& spec) {
  return static_cast<double>(spec.shape.numel()) * static_cast<double>(dtype_size(spec.dtype));
}

std::string digits(double value, int count) { return number(value, count); }

std::string bytes_text(double bytes) {
  const char* unit = "B";
  for (const char* next : {"kB", "MB", "GB", "TB"})
    if (bytes >= 999.5) bytes /= 1000, unit = next;
  return digits(bytes, 3) + " " + unit;
}

std::string percent(double share) {
  return digits(share >= 1 ? std::round(100 * share) : 100 * share, share >= 1 ? 6 : 2) + " %";
}

std::string element_text(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  return digits(v == 0 ? 0 : v, 4);
}

bool HealthReport::is_meant(const std::string& code, const TapeEvent& e) const {
  const auto has = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), code) != list.end();
  };
  return has(e.allowed) || has(options_.allow) || is_allowed(code);
}

std::string HealthReport::who(const TapeEvent& e) const {
  if (e.scope.empty()) return e.op;
  const std::string last = e.scope.substr(e.scope.rfind('.') + 1);
  const bool is_number = last.find_first_not_of("0123456789") == last.npos;
  return is_number ? "layer " + last : last;
}

std::vector<double> HealthReport::elements(TapeIndex v) const {
  const Tensor& x = value(v).payload;
  if (!x) return {};
  const NoGrad guard;
  return astype(x.detach(), DType::f64).to_vector<double>();
}

const Tensor& HealthReport::replayed(TapeIndex v) const {
  if (!value(v).payload && options_.rerun) options_.rerun->replay(step_of(event(value(v).made_by)));
  return value(v).payload;
}

std::string HealthReport::place(const TapeEvent& e) const {
  return e.file.empty() ? "" : e.file.substr(e.file.rfind('/') + 1) + ":" + std::to_string(e.line);
}

std::optional<double> HealthReport::number(TapeIndex v) const {
  const TapeValue& one = value(v);
  if (one.spec.shape.numel() != 1 || !one.statistics) return {};
  if (one.statistics->bad() == 0) return one.statistics->mean;
  if (one.statistics->nans) return std::nan("");
  return one.statistics->plus_inf ? HUGE_VAL : -HUGE_VAL;
}

void HealthReport::tell(const std::string& code, const TapeEvent* at, const std::string& subject,
                        std::string what, std::string why) {
  if (is_meant(code, at ? *at : TapeEvent{})) return;
  const std::string place = at ? this->place(*at) : "";
  for (Entry& known : entries_)
    if (known.diagnostic.code == code && known.diagnostic.place == place &&
        known.subject == subject) {
      ++known.diagnostic.count;
      return;
    }
  entries_.push_back({{code, std::move(what), std::move(why), place}, subject});
}

void HealthReport::add(Diagnostic found) {
  if (!is_meant(found.code, TapeEvent{})) entries_.push_back({std::move(found), ""});
}

std::vector<Diagnostic> HealthReport::found() const {
  std::vector<Diagnostic> all;
  all.reserve(entries_.size());
  for (const Entry& entry : entries_) all.push_back(entry.diagnostic);
  std::stable_sort(all.begin(), all.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return a.severity() > b.severity();
  });
  return all;
}

std::vector<Diagnostic> health(const Tape& tape, const HealthOptions& options) {
  const Unobserved quiet;
  HealthReport report(tape, options);
  find_number_mistakes(report);
  find_shape_mistakes(report);
  find_training_mistakes(report);
  find_start_mistakes(report);
  return report.found();
}

std::string health_text(const std::vector<Diagnostic>& found) {
  if (found.empty()) return "healthy: no mistake that has a code was met\n";
  std::string text;
  for (const Diagnostic& d : found) {
    text += d.str() + "\n";
    std::string at = d.place.empty() ? "" : "at " + d.place;
    if (d.count > 1) at += (at.empty() ? "" : ", ") + std::to_string(d.count) + " times";
    if (!at.empty()) text += std::string(10, ' ') + at + "\n";
  }
  return text;
}

namespace {

std::string factor_of(double ratio) {
  const double whole = std::round(std::fabs(ratio) >= 1 ? ratio : 1 / ratio);
  const double near = std::fabs(ratio) >= 1 ? ratio : 1 / ratio;
  if (!std::isfinite(whole) || std::fabs(near - whole) > 0.01 * std::fabs(whole)) return "";
  if (whole == -1) return ": sign?";
  return ": factor " + (std::fabs(ratio) >= 1 ? digits(whole) : "1/" + digits(whole)) + "?";
}

/// K1: the elements where the slopes to both sides differ and ours lies between them.
void find_kinks(const std::string& what, const TensorFunction& f, std::span<const Tensor> inputs,
                const std::function<std::string(std::size_t, std::int64_t)>& place,
                std::vector<Diagnostic>& found) {
  const double h = 1e-5;
  Tensors x;
  for (const Tensor& one : inputs)
    x.push_back(is_floating(one.dtype())
                    ? astype(one.detach(), DType::f64).clone().set_requires_grad()
                    : one);
  const auto total = [&](const Tensors& at) {
    Tensor sum_of_all;
    for (const Tensor& y : f(at))
      if (is_floating(y.dtype()))
        sum_of_all =
            sum_of_all ? sum_of_all + sum(astype(y, DType::f64)) : sum(astype(y, DType::f64));
    return sum_of_all;
  };
  const Tensor y = total(x);
  if (!y || !y.requires_grad()) return;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!is_floating(x[i].dtype())) continue;
    const Tensor slope = grad(std::span(&y, 1), std::span(&x[i], 1), {},
                              {.keep_graph = true, .allow_unused = true})[0];
    if (!slope) continue;
    const std::vector<double> ours = slope.to_vector<double>(), values = x[i].to_vector<double>();
    const NoGrad guard;
    for (std::size_t e = 0; e < values.size(); ++e) {
      const auto value_at = [&](double move) {
        std::vector<double> moved = values;
        moved[e] += move;
        Tensors there = x;
        there[i] = Tensor::of(std::span<const double>(moved), x[i].shape());
        return total(there).item();
      };
      const double middle = y.item(), above = value_at(h), below = value_at(-h);
      const double left = (middle - below) / h, right = (above - middle) / h;
      const double scale = std::max({1.0, std::fabs(left), std::fabs(right)});
      if (std::fabs(right - left) < 1e-3 * scale) continue;
      if (ours[e] < std::min(left, right) - 1e-6 * scale ||
          ours[e] > std::max(left, right) + 1e-6 * scale)
        continue;
      const auto text = [](double v) { return digits(std::fabs(v) < 1e-9 ? 0 : v, 4); };
      found.push_back({"K1", what + " at " + (values[e] == 0 ? "exactly " : "") + text(values[e]) +
                                 place(i, static_cast<std::int64_t>(e)) + ": numeric " +
                                 text((left + right) / 2) + ", ours " + text(ours[e]) +
                                 "; left slope " + text(left) + ", right slope " + text(right) +
                                 ", anything between is valid."});
    }
  }
}

}  // namespace

std::vector<Diagnostic> check_gradient(const std::string& what, const TensorFunction& f,
                                       std::span<const Tensor> inputs,
                                       std::span<const std::string> names) {
  const Unobserved quiet;
  const auto element = [&](std::size_t i, std::int64_t at) {
    return (i < names.size() ? names[i] : "input " + std::to_string(i)) +
           index_text(inputs[i].shape(), at);
  };
  std::vector<Diagnostic> found;
  const GradcheckReport report = gradcheck(f, inputs, {.second_order = false});
  // gradcheck weighs the outputs; where there is one number, it can be told as it is.
  double weight = 1;
  if (!report.failures.empty()) {
    const NoGrad guard;
    const Tensors outputs = f(inputs);
    if (outputs.size() == 1 && outputs[0].numel() == 1)
      weight = sample(outputs[0].shape().to_vector(), 0.5, 1.5, 7).item();
  }
  for (const GradcheckFailure& failure : report.failures) {
    const double ratio = failure.analytic / failure.numeric;
    char ratio_text[40] = "";
    if (std::isfinite(ratio)) std::snprintf(ratio_text, sizeof ratio_text, ", ratio %.3f", ratio);
    found.push_back({"K2", "gradcheck " + element(failure.input, failure.element) + ": analytic " +
                               number(failure.analytic / weight, 4) + ", numeric " +
                               number(failure.numeric / weight, 4) + ratio_text +
                               factor_of(ratio)});
  }
  if (report.kinks > 0)
    find_kinks(
        what, f, inputs,
        [&](std::size_t i, std::int64_t at) {
          return inputs[i].numel() == 1 ? "" : " (" + element(i, at) + ")";
        },
        found);
  return found;
}

}  // namespace gradus::see
