// Rules about shapes and about how a run starts; see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/see/double_stretch.h>
#include <gradus/see/health_inputs.h>

namespace gradus::see {
namespace {

/// Whether a call was made inside of one of the library's own: those mean what they do.
bool is_inside_of_an_op(const HealthReport& r, const TapeEvent& event) {
  if (event.parent == none) return false;
  const std::string& outer = r.event(event.parent).op;
  return std::any_of(all_ops().begin(), all_ops().end(),
                     [&](const Op& known) { return known.name() == outer; });
}

/// How a call of two broadcast values is written; empty for calls of other kinds.
std::string stretching_call(const std::string& op, const std::string& a, const std::string& b) {
  for (const auto& [name, sign] : {std::pair{"add", " + "},
                                   {"sub", " - "},
                                   {"mul", " * "},
                                   {"div", " / "},
                                   {"maximum", " max "},
                                   {"minimum", " min "},
                                   {"equal", " == "},
                                   {"not_equal", " != "},
                                   {"greater", " > "},
                                   {"greater_equal", " >= "},
                                   {"less", " < "},
                                   {"less_equal", " <= "}})
    if (op == name) return a + sign + b;
  if (op == "pow" || op == "atan2") return op + "(" + a + ", " + b + ")";
  return "";
}

/// B2: (n,1) and (n,) give (n,n).
void find_double_stretch(HealthReport& r, const TapeEvent& event) {
  if (event.outputs.size() != 1 || is_inside_of_an_op(r, event)) return;
  const bool is_where = event.op == "where" && event.inputs.size() == 3;
  if (!is_where && (event.inputs.size() != 2 || stretching_call(event.op, "", "").empty())) return;
  const Spec& y = r.value(event.outputs[0]).spec;
  const auto spec = [&](std::size_t i) -> const Spec& { return r.value(event.inputs[i]).spec; };
  const auto surprises = [&](std::size_t i, std::size_t j) {
    return both_stretch(spec(i).shape, spec(j).shape, y.shape);
  };
  std::pair<std::size_t, std::size_t> pair{0, 1};
  for (const auto& other : {std::pair<std::size_t, std::size_t>{0, 2}, {1, 2}})
    if (is_where && !surprises(pair.first, pair.second)) pair = other;
  const auto [i, j] = pair;
  if (!surprises(i, j)) return;
  const char* const letters[] = {is_where ? "c" : "a", is_where ? "a" : "b", "b"};
  const auto name = [&](std::size_t k) {
    const std::string& own = r.value(event.inputs[k]).name;
    return own.empty() ? std::string(letters[k]) : own;
  };
  const std::string call = is_where ? "where(" + name(0) + ", " + name(1) + ", " + name(2) + ")"
                                    : stretching_call(event.op, name(0), name(1));
  r.tell("B2", &event, event.op,
         both_stretch_text(call, {name(i), spec(i)}, {name(j), spec(j)}, y));
}

/// S3: squeeze() without axes takes the batch axis too.
void find_squeezed_batch(HealthReport& r, const TapeEvent& event) {
  if (event.op != "squeeze" || event.attributes.find("axis=") == std::string::npos ||
      event.inputs.empty())
    return;
  const std::string axes = event.attributes.substr(event.attributes.find("axis=") + 5);
  if (!axes.empty() && axes[0] != ' ') return;
  const Shape &from = r.value(event.inputs[0]).spec.shape,
              &to = r.value(event.outputs[0]).spec.shape;
  if (from.rank() < 2 || from[0] != 1) return;
  std::string kept = "Use [:";
  for (int axis = 1; axis < from.rank(); ++axis) kept += from[axis] == 1 ? ",0" : ",:";
  kept += "].";
  if (kept.find('0') == kept.npos) kept = "Leave it out: no other axis has size 1.";
  r.tell("S3", &event, "squeeze",
         "squeeze() of " + sizes_text(from) + " also drops the batch axis: result " +
             sizes_text(to) + ". " + kept);
}

/// A factor of a product: as it was multiplied, and as it was before it got axes of size 1.
struct Stretched {
  std::string name;
  Shape as_multiplied, own;
};

/// "0", "-1", "0,2" as axes of so many; all where nothing is written.
std::set<int> axes_of(const std::string& text, int rank) {
  std::set<int> axes;
  std::istringstream numbers(text);
  for (std::string one; std::getline(numbers, one, ',');)
    if (const int axis = std::atoi(one.c_str()); !one.empty())
      axes.insert(axis < 0 ? axis + rank : axis);
  for (int axis = 0; axis < rank && text.empty(); ++axis) axes.insert(axis);
  return axes;
}

/// The sum over axes of a product, written without the product: a letter for each axis.
struct SameSum {
  Shape wide, result;
  std::set<int> summed;

  std::string text(const Stretched& a, const Stretched& b) const {
    std::string kept;
    for (int axis = 0; axis < wide.rank(); ++axis)
      if (!summed.count(axis)) kept += letter(axis);
    const std::string left = letters(a), right = letters(b);
    if (left.empty() || right.empty() || static_cast<int>(kept.size()) != result.rank() ||
        kept.find_first_not_of(left + right) != kept.npos)
      return "einsum";
    // A matrix product: both have the summed axis, each one of the others.
    if (left.size() == 2 && right.size() == 2 && summed.size() == 1 && kept.size() == 2) {
      const char s = letter(*summed.begin());
      const auto has = [](const std::string& list, char c) { return list.find(c) != list.npos; };
      if (has(left, s) && has(right, s)) {
        const bool in_order = has(left, kept[0]);
        const std::string &rows = in_order ? left : right, &columns = in_order ? right : left;
        if (has(rows, kept[0]) && has(columns, kept[1]))
          return (in_order ? a : b).name + (rows[0] == s ? ".t() @ " : " @ ") +
                 (in_order ? b : a).name + (columns[0] == s ? "" : ".t()");
      }
    }
    return "einsum(\"" + left + "," + right + "->" + kept + "\", {" + a.name + ", " + b.name + "})";
  }

 private:
  static char letter(int axis) { return static_cast<char>('i' + axis); }
  /// Those of the axes that a factor has of its own; empty where that cannot be told.
  std::string letters(const Stretched& f) const {
    std::string own;
    std::vector<std::int64_t> sizes;
    for (int axis = 0, shift = wide.rank() - f.as_multiplied.rank(); axis < f.as_multiplied.rank();
         ++axis)
      if (f.as_multiplied[axis] != 1 || f.as_multiplied == f.own) {
        if (f.as_multiplied[axis] == 1 && wide[axis + shift] != 1) return "";
        own += letter(axis + shift);
        sizes.push_back(f.as_multiplied[axis]);
      }
    return f.own.to_vector() == sizes ? own : "";
  }
};

/// M1: a product of two stretched tensors that is summed right away.
void find_temporary(HealthReport& r, const TapeEvent& sum) {
  if (sum.op != "sum" || sum.inputs.size() != 1) return;
  const TapeIndex product = sum.inputs[0], made = r.value(product).made_by;
  if (made == none || r.event(made).op != "mul" || r.event(made).inputs.size() != 2) return;
  const TapeEvent& mul = r.event(made);
  const Spec &wide = r.value(product).spec, &y = r.value(sum.outputs[0]).spec;
  // Floating products of that kind are deferred and take no memory at all.
  if (mul.bytes == 0) return;
  const double large = bytes_of(wide), small = bytes_of(y);
  const Spec &a = r.value(mul.inputs[0]).spec, &b = r.value(mul.inputs[1]).spec;
  if (large < 1e6 || large < 20 * small || a.shape == wide.shape || b.shape == wide.shape) return;
  const auto original = [&](TapeIndex v) {  // before the axes of size 1
    const TapeIndex maker = r.value(v).made_by;
    return maker != none && (r.event(maker).op == "expand_dims" || r.event(maker).op == "reshape" ||
                             r.event(maker).op == "index" || r.event(maker).op == "subscript")
               ? r.event(maker).inputs[0]
               : v;
  };
  const auto factor = [&](TapeIndex v) {
    const Shape& shape = r.value(v).spec.shape;
    const TapeIndex from = original(v);
    if (from == v) return r.name(v);
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (shape[axis] == 1)
        return r.name(from) + ".unsqueeze(" +
               (axis == shape.rank() - 1 ? "-1" : std::to_string(axis)) + ")";
    return r.name(v);
  };
  const std::string axis = sum.attributes.starts_with("axis=")
                               ? sum.attributes.substr(5, sum.attributes.find(' ') - 5)
                               : "";
  const SameSum same{wide.shape, y.shape, axes_of(axis, wide.shape.rank())};
  const std::string product_text = same.text(
      {r.name(original(mul.inputs[0])), a.shape, r.value(original(mul.inputs[0])).spec.shape},
      {r.name(original(mul.inputs[1])), b.shape, r.value(original(mul.inputs[1])).spec.shape});
  r.tell("M1", &mul, "temporary",
         "(" + factor(mul.inputs[0]) + " * " + factor(mul.inputs[1]) + ").sum(" + axis +
             ") makes a temporary " + wide.str() + " = " + bytes_text(large) + " for a result of " +
             bytes_text(small) + ". Same value without it: " + product_text + ".");
}

/// I2: outputs far wider than inputs because the weights are.
void find_wide_start(HealthReport& r, const TapeEvent& event) {
  if (event.op != "matmul" || event.inputs.size() != 2) return;
  TapeIndex w = event.inputs[1];
  while (r.value(w).made_by != none && !r.event(r.value(w).made_by).inputs.empty() &&
         !r.value(w).is_parameter &&
         (r.event(r.value(w).made_by).op == "permute_dims" ||
          r.event(r.value(w).made_by).op == "transpose"))
    w = r.event(r.value(w).made_by).inputs[0];
  const auto &in = r.value(event.inputs[0]).statistics, &weights = r.value(w).statistics,
             &out = r.value(event.outputs[0]).statistics;
  if (!r.value(w).is_parameter || !in || !weights || !out) return;
  const double fan_in = static_cast<double>(r.value(event.inputs[1]).spec.shape[0]);
  const double good = std::sqrt(2 / fan_in);
  if (!(weights->std > 3 * good) || !(out->std > 5 * in->std)) return;
  char deviation[32], wide[32];
  std::snprintf(deviation, sizeof deviation, "%.2f", in->std);
  std::snprintf(wide, sizeof wide, "%.1f", out->std);
  const bool is_standard = std::fabs(weights->std - 1) < 0.05 && std::fabs(weights->mean) < 0.05;
  r.tell("I2", &event, r.name(w),
         r.who(event) + ": output std " + wide + " for input std " + deviation + ". Weights " +
             (is_standard ? std::string("N(0,1)") : "of std " + digits(weights->std, 3)) +
             " with fan-in " + digits(fan_in) + "; for relu use std sqrt(2/" + digits(fan_in) +
             ") = " + digits(good, 3) + ".");
}

/// L2 and L3: probabilities given to cross_entropy; a first loss above that of guessing.
void find_loss_mistakes(HealthReport& r, const TapeEvent& event) {
  if (event.op != "cross_entropy" || event.inputs.size() < 2) return;
  const TapeValue& scores = r.value(event.inputs[0]);
  if (scores.spec.shape.rank() < 2 || !scores.statistics) return;
  const auto classes = static_cast<double>(scores.spec.shape[1]);
  const Statistics& s = *scores.statistics;
  if (s.min >= 0 && s.max <= 1 && s.bad() == 0 && std::fabs(s.mean * classes - 1) < 1e-4) {
    double off = std::fabs(s.mean * classes - 1);
    if (scores.payload) {
      const NoGrad guard;
      const Tensor rows = gradus::sum(astype(scores.payload.detach(), DType::f64), {1});
      off = amax(abs(rows - 1)).item();
    }
    if (off < 1e-4)
      r.tell("L2", &event, "softmax",
             "cross_entropy expects raw scores; these rows lie in [0,1] and sum to 1 (off by " +
                 digits(off, 1) + "): softmax applied twice?");
  }
  const auto loss = r.number(event.outputs[0]);
  const Spec& labels = r.value(event.inputs[1]).spec;
  const bool is_sum = event.attributes.find("reduction=sum") != std::string::npos;
  const auto rows = static_cast<double>(is_sum ? labels.shape.numel() : 1);
  if (r.step_of(event) == 0 && is_integer(labels.dtype) && loss &&
      *loss / rows > 2 * std::log(classes)) {
    char value[80];
    if (is_sum)
      std::snprintf(value, sizeof value, "%.2f, %.2f for each of %.0f targets", *loss, *loss / rows,
                    rows);
    else
      std::snprintf(value, sizeof value, "%.2f", *loss);
    r.tell("L3", &event, "first",
           std::string("first loss is ") + value + "; " + digits(classes) +
               " balanced classes should start near ln " + digits(classes) + " = " +
               digits(std::log(classes), 4) + ": last layer starts too large.");
  }
}

}  // namespace

void find_shape_mistakes(HealthReport& report) {
  for (TapeIndex e = 0; e < report.count(); ++e) {
    const TapeEvent& event = report.event(e);
    if (!event.finished || event.outputs.empty()) continue;
    if (event.phase != Phase::forward) continue;
    find_double_stretch(report, event);
    find_squeezed_batch(report, event);
    find_temporary(report, event);
  }
}

void find_start_mistakes(HealthReport& report) {
  for (TapeIndex e = 0; e < report.count(); ++e) {
    const TapeEvent& event = report.event(e);
    if (!event.finished || event.outputs.empty() || event.phase != Phase::forward) continue;
    if (report.step_of(event) > 0) break;
    find_wide_start(report, event);
    find_loss_mistakes(report, event);
  }
  SilentInputs inputs;
  inputs.see(report.tape());
  for (const Diagnostic& d : inputs.found()) report.add(d);
}

}  // namespace gradus::see
