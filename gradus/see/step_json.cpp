// Answers as JSON; see step_json.h.
#include <gradus/see/statistics_json.h>
#include <gradus/see/step_json.h>
#include <gradus/see/words.h>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using StepJson = nlohmann::ordered_json;

constexpr std::int64_t most_elements = 10000;

std::string json_line(const StepJson& j) {
  return j.dump(-1, ' ', false, StepJson::error_handler_t::replace);
}

StepJson json_of(const Value& value) {
  if (!value.tensor) return {{"word", value.word}};
  const Tensor& x = value.tensor;
  StepJson j{{"shape", x.shape().to_vector()}, {"dtype", dtype_name(x.dtype())}};
  if (x.numel() > most_elements) return j;
  StepJson elements = StepJson::array();
  if (x.dtype() == DType::boolean)
    for (const bool one : x.to_vector<bool>()) elements.push_back(one);
  else if (is_floating(x.dtype()))
    for (const double one : x.to_vector<double>()) elements.push_back(json_number<StepJson>(one));
  else
    for (const std::int64_t one : x.to_vector<std::int64_t>()) elements.push_back(one);
  j["elements"] = std::move(elements);
  return j;
}

}  // namespace

std::string json_text(std::int64_t x) { return json_line(x); }
std::string json_text(double x) { return json_line(json_number<StepJson>(x)); }
std::string json_text(const std::string& words) { return json_line(words); }
std::string json_text(const Value& value) { return json_line(json_of(value)); }
std::string json_text(const std::string& expression, const Value& value) {
  StepJson j{{"expression", expression}};
  j.update(json_of(value));
  return json_line(j);
}
std::string display_json(int number, const std::string& expression, const Value& value) {
  StepJson j{{"number", number}, {"expression", expression}};
  if (value.tensor || !value.word.empty()) j.update(json_of(value));
  return json_line(j);
}
std::string json_text(const Statistics& s) {
  StepJson j{{"count", s.count}};
  add_statistics(j, s);
  j["histogram"] = StepJson::array();
  for (int i = 1; i < 64; ++i) {
    const std::uint32_t count = s.histogram[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    // Bins of a factor 4 in size on both sides of the one around 0; see Statistics.
    const int k = i > 32 ? i - 33 : 31 - i;
    const double near = i == 32 ? -std::ldexp(1, -44) : std::ldexp(1, 2 * k - 44),
                 far = i == 32 ? -near : 4 * near;
    j["histogram"].push_back(
        {{"low", i < 32 ? -far : near}, {"high", i < 32 ? -near : far}, {"count", count}});
  }
  return json_line(j);
}
std::string note_json(const TapeTick& tick, const std::string& text) {
  return json_line({{"step", tick.step}, {"t", tick.number}, {"text", text}});
}
std::string json_text(const Gears& gears) {
  StepJson wheels = StepJson::array();
  for (const Factor& wheel : gears.wheels)
    wheels.push_back({{"name", wheel.text},
                      {"of", wheel.layer},
                      {"turns_by", json_number<StepJson>(wheel.value)},
                      {"remark", wheel.remark}});
  return json_line({{"element", gears.element},
                    {"value", json_number<StepJson>(gears.value)},
                    {"chains", gears.count},
                    {"n", gears.n},
                    {"product", json_number<StepJson>(gears.product())},
                    {"wheels", std::move(wheels)}});
}
std::string json_text(const InRange& range) {
  StepJson elements = StepJson::array();
  for (const InRange::Element& e : range.found) {
    if (std::ssize(elements) == most_elements) break;
    elements.push_back({{"index", e.index}, {"value", json_number<StepJson>(e.value)}});
  }
  return json_line({{"low", json_number<StepJson>(range.low)},
                    {"high", json_number<StepJson>(range.high)},
                    {"of", range.count},
                    {"count", range.found.size()},
                    {"elements", std::move(elements)}});
}
std::string json_text(const std::vector<Rate>& rates) {
  StepJson j = StepJson::array();
  for (const Rate& r : rates) j.push_back({{"lr", r.lr}, {"loss", json_number<StepJson>(r.loss)}});
  return json_line(j);
}
std::string json_text(const GradientSlope& slope, std::optional<double> ours,
                      std::optional<bool> ok) {
  StepJson j{{"numeric", json_number<StepJson>(slope.numeric)},
             {"left", json_number<StepJson>(slope.left)},
             {"right", json_number<StepJson>(slope.right)},
             {"step", slope.step},
             {"kinks", slope.kinks},
             {"ours", nullptr},
             {"ok", nullptr}};
  if (ours) j["ours"] = json_number<StepJson>(*ours);
  if (ok) j["ok"] = *ok;
  if (!slope.passes.empty()) j["passes"] = slope.passes;
  if (slope.part) j.update({{"part", json_number<StepJson>(*slope.part)}, {"rest", slope.rest}});
  return json_line(j);
}
std::string json_text(const Diagnostic& d) {
  return json_line({{"code", d.code},
                    {"severity", std::string(severity_name(d.severity()))},
                    {"what", d.what},
                    {"why", d.why},
                    {"place", d.place},
                    {"count", d.count}});
}
std::string formula_json(const std::string& name, const std::string& form,
                         const std::string& formula) {
  StepJson j{{"name", name}, {form, nullptr}};
  if (!formula.empty()) j[form] = formula;
  return json_line(j);
}
std::string branch_json(const std::string& name, const std::string& how, TapeIndex step,
                        const std::vector<double>& losses) {
  StepJson j{{"name", name}, {"how", how}, {"step", step}, {"losses", StepJson::array()}};
  for (const double loss : losses) j["losses"].push_back(json_number<StepJson>(loss));
  return json_line(j);
}
std::string json_text(const std::vector<Difference>& differences) {
  StepJson j = StepJson::array();
  for (const Difference& d : differences)
    j.push_back({{"t", d.t},
                 {"title", d.title},
                 {"name", d.name},
                 {"l2", {json_number<StepJson>(d.left), json_number<StepJson>(d.right)}}});
  return json_line(j);
}
std::string json_text(const std::vector<StopTold>& stops) {
  StepJson j = StepJson::array();
  for (const StopTold& s : stops)
    j.push_back({{"number", s.number},
                 {"kind", s.kind},
                 {"what", s.what},
                 {"condition", s.condition},
                 {"enabled", s.enabled},
                 {"once", s.once},
                 {"ignore", s.ignore},
                 {"hits", s.hits},
                 {"commands", s.commands}});
  return json_line(j);
}
std::string json_list(const std::vector<std::string>& entries) {
  std::string list;
  for (const std::string& one : entries) list += (list.empty() ? "" : ",") + one;
  return "[" + list + "]";
}
std::string json_text(const TapeTick& tick) {
  return json_line({{"step", tick.step}, {"t", tick.number}});
}

std::string answer_json(const std::string& command, const std::string& text, bool is_error,
                        const JsonFields& more) {
  StepJson j{{"command", command}, {is_error ? "error" : "output", text}};
  for (const auto& [name, json] : more) j[name] = StepJson::parse(json);
  return json_line(j) + "\n";
}

}  // namespace gradus::see
