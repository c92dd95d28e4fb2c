// A tape in a file: tensors as safetensors, everything else as one JSON text in the metadata; see
// tape.h. What is read is checked before it is believed: every index must point into its list.
#include <gradus/io/safetensors.h>
#include <gradus/see/tape.h>
#include <gradus/see/words.h>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using TapeJson = nlohmann::ordered_json;

constexpr const char* format = "gradus.tape";
constexpr int format_version = 1;

[[noreturn]] void damaged(const std::string& what) {
  throw DataError("this is no sound tape: " + what, "record it again: gradus step --tape FILE");
}

TapeJson from_number(double v) { return json_number<TapeJson>(v); }
double to_number(const TapeJson& j) {
  if (j.is_number()) return j.get<double>();
  const std::string text = j.get<std::string>();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

TapeJson to_json(const Statistics& s) {
  return TapeJson::array({s.count, s.zeros, s.nans, s.plus_inf, s.minus_inf, s.first_bad,
                          from_number(s.min), from_number(s.max), from_number(s.mean),
                          from_number(s.std), from_number(s.l2), s.histogram, s.hash});
}
Statistics statistics_from(const TapeJson& j) {
  Statistics s;
  s.count = j.at(0);
  s.zeros = j.at(1);
  s.nans = j.at(2);
  s.plus_inf = j.at(3);
  s.minus_inf = j.at(4);
  s.first_bad = j.at(5);
  s.min = to_number(j.at(6));
  s.max = to_number(j.at(7));
  s.mean = to_number(j.at(8));
  s.std = to_number(j.at(9));
  s.l2 = to_number(j.at(10));
  s.histogram = j.at(11).get<std::array<std::uint32_t, 64>>();
  s.hash = j.at(12);
  return s;
}

DType dtype_from(const std::string& name) {
  for (const DType dtype :
       {DType::boolean, DType::u8, DType::i32, DType::i64, DType::f32, DType::f64})
    if (dtype_name(dtype) == name) return dtype;
  damaged("there is no dtype '" + name + "'");
}
Phase phase_from(const TapeJson& j) {
  const int phase = j.get<int>();
  if (phase < 0 || phase > 2) damaged("phase " + std::to_string(phase));
  return static_cast<Phase>(phase);
}

TapeJson to_json(const TapeValue& v) {
  TapeJson j{{"tensor", v.tensor},
             {"version", v.version},
             {"shape", v.spec.shape.to_vector()},
             {"dtype", dtype_name(v.spec.dtype)},
             {"name", v.name},
             {"parameter", v.is_parameter},
             {"made_by", v.made_by},
             {"since", v.since},
             {"step", v.step},
             {"gradient_of", v.gradient_of},
             {"gradient", v.gradient}};
  if (v.statistics) j["statistics"] = to_json(*v.statistics);
  return j;
}
TapeValue value_from(const TapeJson& j) {
  TapeValue v;
  v.tensor = j.at("tensor");
  v.version = j.at("version");
  v.spec = {Shape(j.at("shape").get<Ints>()), dtype_from(j.at("dtype"))};
  v.name = j.at("name");
  v.is_parameter = j.at("parameter");
  v.made_by = j.at("made_by");
  v.since = j.at("since");
  v.step = j.at("step");
  v.gradient_of = j.at("gradient_of");
  v.gradient = j.at("gradient");
  if (j.contains("statistics")) v.statistics = statistics_from(j["statistics"]);
  return v;
}

TapeJson to_json(const TapeEvent& e) {
  TapeJson j{{"tick", e.tick},
             {"parent", e.parent},
             {"depth", e.depth},
             {"phase", static_cast<int>(e.phase)},
             {"op", e.op},
             {"attributes", e.attributes},
             {"scope", e.scope},
             {"file", e.file},
             {"function", e.function},
             {"line", e.line},
             {"inputs", e.inputs},
             {"outputs", e.outputs},
             {"target", e.target},
             {"twin", e.twin},
             {"backward", e.backward},
             {"seconds", e.seconds},
             {"bytes", e.bytes},
             {"finished", e.finished}};
  if (e.lr) j["lr"] = from_number(*e.lr);
  if (e.phase == Phase::forward && !e.has_history) j["history"] = false;
  if (!e.allowed.empty()) j["allowed"] = e.allowed;
  return j;
}
TapeEvent event_from(const TapeJson& j) {
  TapeEvent e;
  e.tick = j.at("tick");
  e.parent = j.at("parent");
  e.depth = j.at("depth");
  e.phase = phase_from(j.at("phase"));
  e.op = j.at("op");
  e.attributes = j.at("attributes");
  e.scope = j.at("scope");
  e.file = j.at("file");
  e.function = j.at("function");
  e.line = j.at("line");
  e.inputs = j.at("inputs").get<std::vector<TapeIndex>>();
  e.outputs = j.at("outputs").get<std::vector<TapeIndex>>();
  e.target = j.at("target");
  e.twin = j.at("twin");
  e.backward = j.at("backward").get<std::vector<TapeIndex>>();
  e.seconds = j.at("seconds");
  e.bytes = j.at("bytes");
  e.finished = j.at("finished");
  if (j.contains("lr")) e.lr = to_number(j["lr"]);
  if (j.contains("history")) e.has_history = j["history"];
  if (j.contains("allowed")) e.allowed = j["allowed"].get<std::vector<std::string>>();
  return e;
}

TapeJson to_json(const TapeTick& t) {
  TapeJson j{{"step", t.step},   {"number", t.number},    {"phase", static_cast<int>(t.phase)},
             {"label", t.label}, {"first", t.first},      {"last", t.last},
             {"twin", t.twin},   {"backward", t.backward}};
  for (const TapeCaller& c : t.callers)
    j["callers"].push_back(
        {{"module", c.module}, {"file", c.file}, {"function", c.function}, {"line", c.line}});
  return j;
}
TapeTick tick_from(const TapeJson& j) {
  TapeTick t;
  t.step = j.at("step");
  t.number = j.at("number");
  t.phase = phase_from(j.at("phase"));
  t.label = j.at("label");
  t.first = j.at("first");
  t.last = j.at("last");
  t.twin = j.at("twin");
  t.backward = j.at("backward");
  if (j.contains("callers"))
    for (const TapeJson& c : j["callers"])
      t.callers.push_back({c.at("module"), c.at("file"), c.at("function"), c.at("line")});
  return t;
}

TapeJson to_json(const TapePass& p) {
  return {{"first", p.first}, {"roots", p.roots}, {"seeds", p.seeds}};
}
TapePass pass_from(const TapeJson& j) {
  TapePass p;
  p.first = j.at("first");
  p.roots = j.at("roots").get<std::vector<TapeIndex>>();
  p.seeds = j.at("seeds").get<std::vector<TapeIndex>>();
  return p;
}

/// Every index points into its list, ticks follow each other without a gap, events lie in theirs.
void check(const Tape& tape) {
  const auto ticks = static_cast<TapeIndex>(tape.ticks.size());
  const auto events = static_cast<TapeIndex>(tape.events.size());
  const auto values = static_cast<TapeIndex>(tape.values.size());
  const auto inside = [](TapeIndex i, TapeIndex count, const char* what) {
    if (i < none || i >= count) damaged(std::string(what) + " " + std::to_string(i));
  };
  const auto all_inside = [&](const std::vector<TapeIndex>& list, TapeIndex count) {
    for (const TapeIndex i : list)
      if (i < 0 || i >= count) damaged("index " + std::to_string(i));
  };
  TapeIndex event = 0;
  for (TapeIndex t = 0; t < ticks; ++t) {
    const TapeTick& tick = tape.ticks[static_cast<std::size_t>(t)];
    const TapeTick* before = t > 0 ? &tape.ticks[static_cast<std::size_t>(t) - 1] : nullptr;
    const bool follows = before && tick.step == before->step && tick.number == before->number + 1;
    const bool begins = tick.number == 0 && tick.step == (before ? before->step + 1 : 0);
    if (!follows && !begins) damaged("tick " + std::to_string(t) + " out of order");
    if (tick.first != event || tick.last < tick.first || tick.last > events)
      damaged("events of tick " + std::to_string(t));
    event = tick.last;
    inside(tick.twin, ticks, "twin tick");
    inside(tick.backward, ticks, "backward tick");
  }
  if (event != events) damaged("events without a tick");
  if (static_cast<TapeIndex>(tape.losses.size()) != tape.steps()) damaged("number of losses");
  for (const TapeIndex loss : tape.losses) inside(loss, values, "loss");
  for (const TapePass& pass : tape.passes) {
    if (pass.first < 0 || pass.first > events) damaged("beginning of a backward pass");
    if (pass.roots.size() != pass.seeds.size()) damaged("roots of a backward pass");
    all_inside(pass.roots, values);
    all_inside(pass.seeds, values);
  }
  for (TapeIndex e = 0; e < events; ++e) {
    const TapeEvent& made = tape.events[static_cast<std::size_t>(e)];
    if (made.tick < 0 || made.tick >= ticks) damaged("tick of event " + std::to_string(e));
    const TapeTick& tick = tape.ticks[static_cast<std::size_t>(made.tick)];
    if (e < tick.first || e >= tick.last) damaged("tick of event " + std::to_string(e));
    if (made.parent >= e) damaged("parent of event " + std::to_string(e));
    inside(made.parent, events, "parent");
    inside(made.twin, events, "twin");
    inside(made.target, values, "target");
    all_inside(made.inputs, values);
    all_inside(made.outputs, values);
    all_inside(made.backward, events);
  }
  for (const TapeValue& value : tape.values) {
    inside(value.made_by, events, "maker");
    inside(value.gradient_of, values, "owner of a gradient");
    inside(value.gradient, values, "gradient");
    if (value.since < 0 || value.since > events) damaged("birth of a value");
    if (value.step < 0 || value.step > tape.steps()) damaged("step of a value");
    for (const std::int64_t size : value.spec.shape)
      if (size < 0) damaged("shape " + value.spec.shape.str());
  }
}

}  // namespace

void save_tape(const std::string& path, const Tape& tape) {
  TapeJson j{{"version", format_version}, {"level", static_cast<int>(tape.level)}};
  j["ticks"] = TapeJson::array();
  for (const TapeTick& t : tape.ticks) j["ticks"].push_back(to_json(t));
  j["events"] = TapeJson::array();
  for (const TapeEvent& e : tape.events) j["events"].push_back(to_json(e));
  j["values"] = TapeJson::array();
  for (const TapeValue& v : tape.values) j["values"].push_back(to_json(v));
  j["losses"] = tape.losses;
  j["passes"] = TapeJson::array();
  for (const TapePass& p : tape.passes) j["passes"].push_back(to_json(p));
  j["owned"] = tape.owned;
  io::SafeTensors content;
  content.metadata[format] = j.dump(-1, ' ', true, TapeJson::error_handler_t::replace);
  for (std::size_t v = 0; v < tape.values.size(); ++v)
    if (tape.values[v].payload)
      content.tensors.emplace_back("v" + std::to_string(v), tape.values[v].payload);
  io::save_safetensors(path, content);
}

Tape open_tape(const std::string& path) {
  const io::SafeTensors content = io::load_safetensors(path);
  const auto found = content.metadata.find(format);
  if (found == content.metadata.end()) damaged("there is no '" + std::string(format) + "' in it");
  Tape tape;
  try {
    const TapeJson j = TapeJson::parse(found->second);
    if (j.at("version") != format_version)
      damaged("version " + j.at("version").dump() + ", this program reads " +
              std::to_string(format_version));
    const int level = j.at("level");
    if (level < 0 || level > 2) damaged("level " + std::to_string(level));
    tape.level = static_cast<TapeLevel>(level);
    for (const TapeJson& t : j.at("ticks")) tape.ticks.push_back(tick_from(t));
    for (const TapeJson& e : j.at("events")) tape.events.push_back(event_from(e));
    for (const TapeJson& v : j.at("values")) tape.values.push_back(value_from(v));
    tape.losses = j.at("losses").get<std::vector<TapeIndex>>();
    if (j.contains("passes"))
      for (const TapeJson& p : j["passes"]) tape.passes.push_back(pass_from(p));
    if (j.contains("owned")) tape.owned = j["owned"].get<std::set<std::int64_t>>();
  } catch (const TapeJson::exception& error) {
    damaged(error.what());
  }
  check(tape);
  for (std::size_t v = 0; v < tape.values.size(); ++v)
    if (const Tensor* payload = content.find("v" + std::to_string(v))) {
      if (payload->spec() != tape.values[v].spec)
        damaged("value " + std::to_string(v) + " is " + payload->spec().str() + ", not " +
                tape.values[v].spec.str());
      tape.values[v].payload = *payload;
    }
  return tape;
}

}  // namespace gradus::see
