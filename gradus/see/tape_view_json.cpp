// Stops, places and lists as JSON; see tape_view.h.
#include <gradus/see/statistics_json.h>
#include <gradus/see/tape_callers.h>
#include <gradus/see/tape_rate.h>
#include <gradus/see/tape_view.h>
#include <gradus/see/words.h>

#include <algorithm>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using ViewJson = nlohmann::ordered_json;

const char* phase_name(const TapeTick& tick) {
  return tick.number == 0                ? "in"
         : tick.phase == Phase::forward  ? "forward"
         : tick.phase == Phase::backward ? "backward"
                                         : "update";
}

std::string dumped(const ViewJson& j) {
  return j.dump(-1, ' ', false, ViewJson::error_handler_t::replace);
}

ViewJson names_and_shapes(const Tape& tape, const std::vector<TapeIndex>& values) {
  ViewJson all = ViewJson::array();
  for (const TapeIndex v : values) {
    const Spec& spec = at(tape.values, v).spec;
    all.push_back({{"name", tape.name_of(v)},
                   {"shape", spec.shape.to_vector()},
                   {"dtype", dtype_name(spec.dtype)}});
  }
  return all;
}

/// The learning rate of an update, or of one of its calls where that is in focus; of several groups
/// each with its tensors. Null where there is none.
ViewJson rate_at(const Tape& tape, const Focus& focus) {
  const TapeTick& tick = at(tape.ticks, focus.tick);
  if (tick.phase != Phase::update || tick.number == 0) return {};
  if (focus.event != none) {
    const auto lr = learning_rate(tape, at(tape.events, focus.event));
    return lr ? json_number<ViewJson>(*lr) : ViewJson{};
  }
  const std::vector<RateGroup> groups = rate_groups(tape, tick.step, tick.step + 1);
  if (groups.size() == 1) return json_number<ViewJson>(groups[0].rates[0]);
  ViewJson all;
  for (const RateGroup& g : groups)
    all.push_back({{"lr", json_number<ViewJson>(g.rates[0])}, {"tensors", g.parameters}});
  return all;
}

}  // namespace

std::string stop_json(const Tape& tape, const Focus& focus, const std::string& reason,
                      const JsonFields& more) {
  const TapeTick& tick = at(tape.ticks, focus.tick);
  ViewJson j{{"step", tick.step},
             {"t", tick.number},
             {"phase", phase_name(tick)},
             {"label", tick.label},
             {"place", place_of(tape, focus)},
             {"reason", reason}};
  if (focus.event != none) {
    j["op"] = at(tape.events, focus.event).op;
    j["attributes"] = at(tape.events, focus.event).attributes;
  }
  if (tick.twin != none) j["twin"] = at(tape.ticks, tick.twin).number;
  if (ViewJson lr = rate_at(tape, focus); !lr.is_null()) j["lr"] = std::move(lr);
  j["results"] = ViewJson::array();
  for (const TapeIndex v : results_at(tape, focus)) {
    const TapeValue& value = at(tape.values, v);
    ViewJson one{{"name", tape.name_of(v)},
                 {"shape", value.spec.shape.to_vector()},
                 {"dtype", dtype_name(value.spec.dtype)},
                 {"tensor", value.tensor},
                 {"version", value.version}};
    if (value.statistics) add_statistics(one, *value.statistics);
    j["results"].push_back(std::move(one));
  }
  for (const auto& [name, json] : more) j[name] = ViewJson::parse(json);
  return j.dump(-1, ' ', false, ViewJson::error_handler_t::replace) + "\n";
}

std::string where_json(const Tape& tape, const Focus& focus) {
  const TapeTick& tick = at(tape.ticks, focus.tick);
  const auto [first, last] = tape.ticks_of(tick.step);
  ViewJson j{{"step", tick.step},
             {"t", tick.number},
             {"last_t", last - first - 1},
             {"phase", phase_name(tick)},
             {"label", tick.label}};
  if (const TapeEvent* event = event_of(tape, focus)) {
    j.update({{"file", event->file}, {"line", event->line}, {"function", event->function}});
    j["inside"] = ViewJson::array();
    for (TapeIndex parent = event->parent; parent != none; parent = at(tape.events, parent).parent)
      j["inside"].push_back(at(tape.events, parent).op);
    j["module"] = event->scope;
    j["callers"] = ViewJson::array();
    for (const TapeCaller& c : callers_of(tape, focus.tick))
      j["callers"].push_back(
          {{"module", c.module}, {"file", c.file}, {"line", c.line}, {"function", c.function}});
  }
  if (ViewJson lr = rate_at(tape, focus); !lr.is_null()) j["lr"] = std::move(lr);
  if (tick.twin != none) j["twin"] = at(tape.ticks, tick.twin).number;
  if (const TapeEvent* begun = beginning_of_pass(tape, focus.tick))
    j["begun"] = {{"file", begun->file}, {"line", begun->line}, {"function", begun->function}};
  if (tick.backward != none) j["backward"] = at(tape.ticks, tick.backward).number;
  return dumped(j);
}

std::string list_json(const Tape& tape, const Focus& focus, bool all) {
  ViewJson list = ViewJson::array();
  const auto [first, last] = shown_in_list(tape, focus, all);
  for (TapeIndex i = first; i < last; ++i) {
    if (focus.event != none && !all) {
      const TapeEvent& event = at(tape.events, i);
      list.push_back({{"op", event.op},
                      {"attributes", event.attributes},
                      {"depth", event.depth},
                      {"here", i == focus.event},
                      {"results", names_and_shapes(tape, event.outputs)}});
    } else {
      const TapeTick& tick = at(tape.ticks, i);
      list.push_back({{"t", tick.number},
                      {"phase", phase_name(tick)},
                      {"label", tick.label},
                      {"here", i == focus.tick},
                      {"results", names_and_shapes(tape, tape.results_of(i))}});
    }
  }
  return dumped(list);
}

}  // namespace gradus::see
