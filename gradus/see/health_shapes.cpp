// Rules about shapes and about how a run starts; see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gradus/ops/ops.h>

namespace gradus::see {
namespace {

double bytes_of(const Spec& spec) {
  return static_cast<double>(spec.shape.numel()) * static_cast<double>(dtype_size(spec.dtype));
}

/// B2: (n,1) and (n,) give (n,n).
void find_double_stretch(HealthReport& r, const TapeEvent& event) {
  if (event.inputs.size() != 2 || event.outputs.size() != 1) return;
  const char* sign = nullptr;
  for (const auto& [op, text] : {std::pair{"add", " + "},
                                 {"sub", " - "},
                                 {"mul", " * "},
                                 {"div", " / "},
                                 {"maximum", " max "},
                                 {"minimum", " min "}})
    if (event.op == op) sign = text;
  if (!sign) return;
  const Spec &a = r.value(event.inputs[0]).spec, &b = r.value(event.inputs[1]).spec,
             &y = r.value(event.outputs[0]).spec;
  // Written axes are meant: only a missing one surprises.
  if (a.shape == y.shape || b.shape == y.shape || a.shape.rank() == b.shape.rank() ||
      a.shape.rank() == 0 || b.shape.rank() == 0)
    return;
  const bool left = a.shape.rank() < b.shape.rank();
  std::string axes;
  const Shape& less = left ? a.shape : b.shape;
  for (int i = less.rank(); i < y.shape.rank(); ++i) axes += "None,";
  for (int i = 0; i < less.rank(); ++i) axes += i ? ",:" : ":";
  const auto name = [&](TapeIndex v, const char* otherwise) {
    return r.value(v).name.empty() ? std::string(otherwise) : r.value(v).name;
  };
  const std::string x = name(event.inputs[0], "a"), z = name(event.inputs[1], "b");
  r.tell("B2", &event, event.op,
         x + sign + z + ": both sides stretch, " + sizes_text(a.shape) + " and " +
             sizes_text(b.shape) + " -> " + sizes_text(y.shape) + ", " + bytes_text(bytes_of(y)) +
             " from " + bytes_text(bytes_of(a) + bytes_of(b)) +
             ". If meant, write the new axis: " + (left ? x : z) + "[" + axes + "].");
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
  std::string kept = "[:";
  for (int axis = 1; axis < from.rank(); ++axis) kept += from[axis] == 1 ? ",0" : ",:";
  r.tell("S3", &event, "squeeze",
         "squeeze() of " + sizes_text(from) + " also drops the batch axis: result " +
             sizes_text(to) + ". Use " + kept + "].");
}

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
  const std::string left = r.name(original(mul.inputs[0])), right = r.name(original(mul.inputs[1]));
  const std::string axis = sum.attributes.starts_with("axis=")
                               ? sum.attributes.substr(5, sum.attributes.find(' ') - 5)
                               : "";
  std::string same;
  if (axis == "0" && wide.shape.rank() == 3)
    same = " Same value without it: " + left + ".t() @ " + right + ".";
  else if (axis == "1" && wide.shape.rank() == 3)
    same = " Same value without it: " + left + " @ " + right + ".";
  else
    same = " Same value without it: einsum.";
  r.tell("M1", &mul, "temporary",
         "(" + factor(mul.inputs[0]) + " * " + factor(mul.inputs[1]) + ").sum(" + axis +
             ") makes a temporary " + wide.str() + " = " + bytes_text(large) + " for a result of " +
             bytes_text(small) + "." + same);
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

/// Columns of the data that a layer was given, over all steps.
struct Columns {
  std::vector<bool> silent;
  std::int64_t rows = 0, outputs = 0;
  const TapeEvent* event = nullptr;
  std::set<TapeIndex> seen;  ///< values: the same data again is nothing new
};

/// F1: columns of the data that are 0 in every row.
void find_silent_inputs(HealthReport& r) {
  std::map<std::string, Columns> layers;
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.op != "matmul" || event.inputs.size() != 2 || event.outputs.empty() ||
        event.phase != Phase::forward)
      continue;
    const TapeIndex x = event.inputs[0];
    const TapeValue& data = r.value(x);
    const bool is_data = data.made_by == none || r.event(data.made_by).inputs.empty();
    if (!is_data || data.is_parameter || data.spec.shape.rank() != 2 || !data.payload ||
        data.spec.shape.numel() == 0 || !is_floating(data.spec.dtype) ||
        (data.statistics && data.statistics->bad() > 0))
      continue;
    Columns& layer = layers[r.who(event)];
    if (!layer.seen.insert(x).second) continue;
    const auto width = static_cast<std::size_t>(data.spec.shape[1]);
    if (layer.silent.empty()) layer.silent.assign(width, true);
    if (layer.silent.size() != width) continue;
    if (!layer.event) layer.event = &event;
    layer.rows += data.spec.shape[0];
    layer.outputs = r.value(event.outputs[0]).spec.shape.back();
    const NoGrad guard;
    const std::vector<double> most = amax(abs(data.payload.detach()), {0}).to_vector<double>();
    for (std::size_t i = 0; i < width; ++i)
      if (most[i] != 0) layer.silent[i] = false;
  }
  for (const auto& [who, layer] : layers) {
    const std::int64_t silent = std::count(layer.silent.begin(), layer.silent.end(), true);
    if (silent == 0 || layer.rows < 16) continue;
    r.tell("F1", layer.event, who,
           std::to_string(silent) + " of " + std::to_string(layer.silent.size()) +
               " inputs are 0 in all " + std::to_string(layer.rows) +
               " rows: " + std::to_string(silent * layer.outputs) + " weights of " + who +
               " get gradient exactly 0.");
  }
}

/// L2 and L3: probabilities given to cross_entropy; a first loss above that of guessing.
void find_loss_mistakes(HealthReport& r, const TapeEvent& event) {
  if (event.op != "cross_entropy" || event.inputs.size() < 2) return;
  const TapeValue& scores = r.value(event.inputs[0]);
  if (scores.spec.shape.rank() != 2 || !scores.statistics) return;
  const auto classes = static_cast<double>(scores.spec.shape[1]);
  const Statistics& s = *scores.statistics;
  if (s.min >= 0 && s.max <= 1 && s.bad() == 0 && std::fabs(s.mean * classes - 1) < 1e-4) {
    double off = std::fabs(s.mean * classes - 1);
    if (const std::vector<double> all = r.elements(event.inputs[0]); !all.empty()) {
      off = 0;
      for (std::size_t row = 0; row < all.size(); row += static_cast<std::size_t>(classes)) {
        double sum = 0;
        for (std::size_t c = 0; c < static_cast<std::size_t>(classes); ++c) sum += all[row + c];
        off = std::max(off, std::fabs(sum - 1));
      }
    }
    if (off < 1e-4)
      r.tell("L2", &event, "softmax",
             "cross_entropy expects raw scores; these rows lie in [0,1] and sum to 1 (off by " +
                 digits(off, 1) + "): softmax applied twice?");
  }
  const auto loss = r.number(event.outputs[0]);
  const bool integers = is_integer(r.value(event.inputs[1]).spec.dtype);
  if (r.step_of(event) == 0 && integers && loss && *loss > 2 * std::log(classes)) {
    char value[32];
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
  find_silent_inputs(report);
}

}  // namespace gradus::see
