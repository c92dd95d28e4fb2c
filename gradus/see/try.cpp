// Running a step another way; see try.h.
#include <gradus/ops/ops.h>
#include <gradus/see/elements.h>
#include <gradus/see/try.h>
#include <gradus/see/why.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace gradus::see {
namespace {

/// A parameter, or a part of it, as a view.
Tensor part_of(StepProgram& program, const std::string& name, const Ints& index) {
  std::vector<std::string> names;
  // What a program writes down anew each time, such as a count of steps, changes nothing in it.
  const auto state = program.state(), again = program.state();
  for (std::size_t i = 0; i < std::min(state.size(), again.size()); ++i) {
    const auto& [known, x] = state[i];
    const bool is_its_own = x.storage().data() == again[i].second.storage().data();
    if (known == name && !is_its_own)
      throw ValueError("'" + name + "' cannot be set: the program writes it down anew each time",
                       "parameters and the tensors of an optimizer can");
    if (is_its_own) names.push_back(known);
    if (known != name) continue;
    if (index.size() > static_cast<std::size_t>(x.ndim()))
      throw IndexError(name + " has shape " + x.shape().str(), "give at most one number an axis");
    Tensor part = Tensor(x.storage(), x.layout(), x.dtype());
    for (const std::int64_t k : index) part = part[k];
    return part;
  }
  const std::string near = nearest(name, names);
  std::string all;
  for (const std::string& one : names)
    if (all.size() < 60) all += (all.empty() ? "there are " : ", ") + one;
  throw NameError("'" + name + "' is no parameter of this program",
                  near.empty() ? all : "did you mean '" + near + "'?");
}

/// The ReLU inputs of a forward pass, and its loss.
struct Forward {
  double loss = 0;
  std::vector<Tensor> gates;
};
Forward forward(StepProgram& program, TapeIndex step) {
  const Unobserved not_seen;
  Forward result;
  Recorder recorder({.level = TapeLevel::full, .budget = std::int64_t{1} << 62});
  result.loss = program.loss(step).item();
  recorder.finish();
  for (const TapeEvent& event : recorder.tape().events)
    if (event.op == "relu")
      result.gates.push_back(at(recorder.tape().values, event.inputs[0]).payload);
  return result;
}

}  // namespace

Slope numeric_slope(const Rerun& rerun, TapeIndex step, const std::string& parameter,
                    const Ints& index) {
  const KeepGenerator keep;
  const std::unique_ptr<StepProgram> program = rerun.before(step, DType::f64);
  const NoGrad not_recorded;
  const Unobserved not_seen;
  Tensor part = part_of(*program, parameter, index);
  if (part.numel() != 1)
    throw ValueError(parameter + " has shape " + part.shape().str() + " there, not one number",
                     "give one number for each axis");
  double* x = part.data<double>();
  const double middle = *x;
  Slope slope;
  slope.step = 1e-4 * std::max(1.0, std::fabs(middle));
  const double loss = forward(*program, step).loss;
  *x = middle + slope.step;
  const Forward above = forward(*program, step);
  *x = middle - slope.step;
  const Forward below = forward(*program, step);
  slope.numeric = (above.loss - below.loss) / (2 * slope.step);
  slope.right = (above.loss - loss) / slope.step;
  slope.left = (loss - below.loss) / slope.step;
  slope.rounding = 8 * std::numeric_limits<double>::epsilon() * std::fabs(loss) / slope.step;
  for (std::size_t i = 0; i < std::min(above.gates.size(), below.gates.size()); ++i)
    slope.kinks += astype(not_equal(above.gates[i] > 0, below.gates[i] > 0), DType::i64)
                       .sum()
                       .item<std::int64_t>();
  return slope;
}

std::vector<double> learning_rates(const std::string& text) {
  const auto fail = [&](const std::string& why) {
    throw ValueError("'" + text + "' says no learning rates: " + why, "1e-5..3e-3, or 0.1 0.2 0.5");
  };
  std::vector<double> rates;
  char* end = nullptr;
  if (const std::size_t dots = text.find(".."); dots != text.npos) {
    const auto number_in = [&](const std::string& one) {
      const double number = std::strtod(one.c_str(), &end);
      if (one.empty() || *end != '\0') fail("two numbers belong around ..");
      return number;
    };
    const double low = number_in(text.substr(0, dots)), high = number_in(text.substr(dots + 2));
    if (!(low > 0)) fail("a range is walked by factors, so it begins above 0");
    if (!(high >= low)) fail("the lower end goes first");
    if (high / low > 1e12) fail("the range is too long");
    for (int power = static_cast<int>(std::floor(std::log10(low)));
         std::pow(10., power) <= high * 1.001; ++power)
      for (const int digit : {1, 3}) {
        // The decimal number itself, not a product near it.
        const double rate =
            std::strtod((std::to_string(digit) + "e" + std::to_string(power)).c_str(), nullptr);
        if (rate >= low * 0.999 && rate <= high * 1.001) rates.push_back(rate);
      }
    if (rates.empty()) fail("a range holds 1, 3, 10, 30, ..., and none of them lies within");
  } else {
    for (const char* p = text.c_str(); *p != '\0';) {
      const double rate = std::strtod(p, &end);
      if (end == p) fail("'" + std::string(p) + "' is no number");
      if (!(rate >= 0) || !std::isfinite(rate)) fail("they are finite and not below 0");
      rates.push_back(rate);
      for (p = end; *p == ' ' || *p == ',';) ++p;
    }
    if (rates.empty()) fail("there is none");
  }
  return rates;
}

std::vector<Rate> try_rates(const Rerun& rerun, TapeIndex step, const std::vector<double>& rates,
                            const std::function<bool()>& is_enough) {
  const Unobserved not_seen;
  std::vector<Rate> results;
  for (const double lr : rates) {
    if (is_enough()) break;
    const KeepGenerator keep;
    const std::unique_ptr<StepProgram> program = rerun.before(step);
    program->set_lr(lr);
    {
      const GradMode recorded(true);
      program->run(step);
    }
    const NoGrad not_recorded;
    results.push_back({lr, program->loss(step).item()});
  }
  return results;
}

std::string try_rates_text(const std::vector<Rate>& rates, double present, TapeIndex step,
                           const Style& style) {
  std::string text = "lr         loss after step " + std::to_string(step) + ", as log bars (" +
                     counted(std::ssize(rates), "replay") + ", nothing overwritten)\n";
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double lowest = infinity, highest = -infinity;
  for (const Rate& r : rates)
    if (std::isfinite(r.loss)) {
      lowest = std::min(lowest, r.loss);
      highest = std::max(highest, r.loss);
    }
  // Bars grow with the logarithm, from the lowest to the highest, or to ten times the lowest: what
  // hardly differs looks so.
  const auto share_of = [&](double loss) {
    if (std::isnan(loss)) return 0.0;
    if (std::isinf(loss)) return 1.0;
    if (!(lowest > 0)) return 0.0;
    return std::log(loss / lowest) / std::log(std::max(highest / lowest, 10.));
  };
  for (const Rate& r : rates) {
    std::string line = number(r.lr, 4);
    line.resize(std::max<std::size_t>(line.size() + 1, 10), ' ');
    std::string loss = number(r.loss);
    if (loss.size() < 10) loss.insert(0, 10 - loss.size(), ' ');
    line += loss;
    const int cells = std::max(std::isnan(r.loss) ? 0 : 1,
                               static_cast<int>(share_of(r.loss) * std::max(4, style.width - 48)));
    if (cells > 0) line += " ";
    for (int i = 0; i < cells; ++i) line += style.utf8 ? "█" : "#";
    if (r.loss == lowest && std::isfinite(lowest)) line += "  lowest";
    if (r.lr == present) line += "  you are here";
    text += cut_to(line, style.width, style) + "\n";
  }
  return text;
}

Tape run_with(const Rerun& rerun, TapeIndex step, const std::string& target, double value) {
  const ElementName said = parse_element(target);
  const KeepGenerator keep;
  const std::unique_ptr<StepProgram> program = rerun.before(step);
  {
    const NoGrad not_recorded;
    const Unobserved not_seen;
    part_of(*program, said.name, said.index).fill_(value);
  }
  return Rerun::record(*program, step, TapeLevel::stats);
}

Tape run_with_rate(const Rerun& rerun, TapeIndex step, double lr) {
  const Unobserved not_seen;
  const KeepGenerator keep;
  const std::unique_ptr<StepProgram> program = rerun.before(step);
  program->set_lr(lr);
  const GradMode recorded(true);
  Recorder recorder({.level = TapeLevel::stats});
  for (const auto& [name, x] : program->state())
    if (x.name().empty()) recorder.name(x, name);
  program->run(step);
  recorder.begin_step();
  program->run(step);
  recorder.finish();
  return std::move(recorder.tape());
}

double loss_value(const Tape& tape, TapeIndex step) {
  const TapeIndex loss = tape.loss_of(step);
  const bool is_known = loss != none && at(tape.values, loss).statistics;
  return is_known ? at(tape.values, loss).statistics->mean : std::nan("");
}

std::string loss_text(const Tape& tape, TapeIndex step) {
  const TapeIndex loss = tape.loss_of(step);
  if (loss == none || !at(tape.values, loss).statistics) return "-";
  const Statistics& s = *at(tape.values, loss).statistics;
  return s.bad() > 0 ? "not finite" : number(s.mean);
}

std::vector<Difference> differences(const Tape& a, TapeIndex step_a, const Tape& b,
                                    TapeIndex step_b) {
  const auto [first_a, last_a] = a.ticks_of(step_a);
  const auto [first_b, last_b] = b.ticks_of(step_b);
  std::vector<Difference> found;
  for (TapeIndex i = 1; i < std::min(last_a - first_a, last_b - first_b); ++i) {
    const std::vector<TapeIndex> left = a.results_of(first_a + i),
                                 right = b.results_of(first_b + i);
    for (std::size_t k = 0; k < std::min(left.size(), right.size()); ++k) {
      const auto &x = at(a.values, left[k]).statistics, &y = at(b.values, right[k]).statistics;
      if (x && y && x->hash != y->hash)
        found.push_back({i, title_of(a, {first_a + i}), a.name_of(left[k]), x->l2, y->l2});
    }
  }
  return found;
}

std::string difference_text(const Tape& a, TapeIndex step_a, const std::string& name_a,
                            const Tape& b, TapeIndex step_b, const std::string& name_b,
                            const Style& style) {
  const std::vector<Difference> found = differences(a, step_a, b, step_b);
  const auto line = [&](const std::string& t, const std::string& title, const std::string& name,
                        const std::string& left, const std::string& right) {
    std::string one = "  " + t;
    for (const auto& [column, word] : {std::pair<std::size_t, const std::string&>{6, title},
                                       {26, name},
                                       {36, left},
                                       {49, right}}) {
      one.resize(std::max(one.size() + 2, column), ' ');
      one += word;
    }
    return cut_to(one, style.width, style) + "\n";
  };
  // As many digits as show which is larger.
  const auto digits_of = [](const Difference& d) {
    int digits = 5;
    while (d.left != d.right && digits < 9 && number(d.left, digits) == number(d.right, digits))
      ++digits;
    return digits;
  };
  std::string text;
  if (!found.empty()) text = line("t", "", "result", "L2 " + name_a, "L2 " + name_b);
  for (const Difference& d : found)
    text += line("t" + std::to_string(d.t), d.title, d.name, number(d.left, digits_of(d)),
                 number(d.right, digits_of(d)));
  const auto ticks = [](const Tape& tape, TapeIndex step) {
    const auto [first, last] = tape.ticks_of(step);
    return last - first;
  };
  if (ticks(a, step_a) != ticks(b, step_b)) text += "  the numbers of ticks differ\n";
  return text.empty() ? "no difference: all results have equal bits\n" : text;
}

}  // namespace gradus::see
