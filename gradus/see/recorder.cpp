// Writing a tape at the door; see recorder.h.
#include <gradus/core/diagnostic.h>
#include <gradus/nn/module_calls.h>
#include <gradus/ops/ops.h>
#include <gradus/program/deferred.h>
#include <gradus/program/watch.h>
#include <gradus/see/identity.h>
#include <gradus/see/payloads.h>
#include <gradus/see/recorder.h>
#include <gradus/see/tape_moment.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_map>

namespace gradus::see {
namespace {

using Clock = std::chrono::steady_clock;

/// The elements without history. (detach() would mark the storage as seen by others.)
Tensor plain(const Tensor& x) {
  return x.history() ? Tensor(x.storage(), x.layout(), x.dtype()) : x;
}
bool is_unwritten(const Tensor& x) { return x.storage().recipe() != nullptr; }

std::string attributes_of(const Op& op) {
  const std::string all = op.str();
  const std::size_t open = all.find('{');
  return open == all.npos ? "" : all.substr(open + 1, all.size() - open - 2);
}

/// The calls of modules that run now, the innermost first.
std::vector<TapeCaller> callers_now() {
  std::vector<TapeCaller> callers;
  const std::span<const nn::ModuleCall> calls = nn::module_calls();
  for (auto call = calls.rbegin(); call != calls.rend(); ++call)
    callers.push_back({call->path ? *call->path : "", call->at.file_name(),
                       call->at.function_name(), static_cast<int>(call->at.line())});
  return callers;
}

constexpr TapeIndex pinned_before_alarm = 64;  // events

}  // namespace

struct Recorder::Impl final : Observer, MeaningWatch {
  explicit Impl(RecorderOptions given) : options(std::move(given)) {
    tape.level = options.level;
    watch(true);
  }
  void watch(bool on) {
    observing.reset();
    watching.reset();
    is_muted = !on;
    if (!on || options.level == TapeLevel::off) return;
    observing.emplace(*this);
    watching.emplace(*this);
  }

  // -- values -------------------------------------------------------------------------------------
  struct Known {
    std::int64_t tensor;
    TapeIndex value;  // of the latest version
  };

  TapeIndex value_of(const Tensor& x, TapeIndex event) {
    const Identity key = identity_of(x);
    const std::uint64_t version = x.storage().version();
    const auto found = known.find(key);
    if (found != known.end()) {
      const TapeValue& value = at(tape.values, found->second.value);
      if (value.name.empty() && !x.name().empty()) tape.rename(found->second.value, x.name());
      // A drawn weight may be marked since.
      if (x.is_leaf() && x.requires_grad()) tape.set_parameter(found->second.value);
      if (value.version == version) {
        keep_alive(x, found->second.value);
        return found->second.value;
      }
    }
    return add_value(x, key, version, none, event,
                     found == known.end() ? none : found->second.value);
  }
  /// `older`: the version before, whose name and number it takes.
  TapeIndex add_value(const Tensor& x, const Identity& key, std::uint64_t version,
                      TapeIndex made_by, TapeIndex since, TapeIndex older) {
    const auto index = static_cast<TapeIndex>(tape.values.size());
    TapeValue value;
    value.tensor = older == none ? ++tensors : at(tape.values, older).tensor;
    value.version = version;
    value.spec = x.spec();
    value.name = !x.name().empty() || older == none ? x.name() : at(tape.values, older).name;
    if (const auto given = names.find(key); given != names.end()) value.name = given->second;
    value.is_parameter = x.is_leaf() && x.requires_grad();
    value.made_by = made_by;
    value.since = made_by == none ? step_first_event() : since;
    value.step = std::max<TapeIndex>(0, tape.steps() - 1);
    if (!is_unwritten(x)) {
      value.statistics = statistics_of(x, version);
      value.payload = plain(x);
    }
    known[key] = {value.tensor, index};
    tape.values.push_back(std::move(value));
    keep_alive(x, index);
    payloads.hold(index);
    return index;
  }
  /// A view that shows all elements of a value has the statistics of that one (but for the place of
  /// the first bad number); one that repeats elements (a broadcast) gets none.
  std::optional<Statistics> statistics_of(const Tensor& x, std::uint64_t version) {
    if (const TapeIndex whole = payloads.same_as(x, version); whole != none)
      if (const auto& same = at(tape.values, whole).statistics; same && same->bad() == 0)
        return same;
    const auto bytes = x.numel() * static_cast<std::int64_t>(dtype_size(x.dtype()));
    if (bytes > static_cast<std::int64_t>(x.storage().bytes())) return std::nullopt;
    return statistics(x);
  }
  TapeIndex step_first_event() const {
    return tape.ticks.empty() ? 0 : at(tape.ticks, tape.ticks_of(tape.steps() - 1).first).first;
  }

  // -- what is kept -------------------------------------------------------------------------------
  void keep_alive(const Tensor& x, TapeIndex value) {
    Alive& entry = alive.try_emplace(value, Alive{plain(x)}).first->second;
    entry.used_in = tape.steps();
  }
  void pin_around(TapeIndex event) {
    for (TapeIndex e = std::max<TapeIndex>(0, event - pinned_before_alarm); e <= event; ++e) {
      for (const TapeIndex v : at(tape.events, e).inputs) payloads.pin(v);
      for (const TapeIndex v : at(tape.events, e).outputs) payloads.pin(v);
    }
  }
  /// Before bytes are overwritten: who holds them gets a copy, or at level stats lets go.
  void before_write(const Tensor& target) {
    if (is_unwritten(target)) return;
    for (const TapeIndex index : payloads.holders(target.storage().data())) {
      const Tensor old = at(tape.values, index).payload;
      payloads.let_go(index);
      if (options.level != TapeLevel::full) continue;
      const Unobserved not_seen;
      const NoGrad not_recorded;
      at(tape.values, index).payload = clone(old);
      payloads.hold(index);
    }
  }

  // -- ticks and steps ----------------------------------------------------------------------------
  Phase phase_of(const Event& event) {
    if (event.phase != Phase::forward || tape.ticks.empty()) return event.phase;
    // An update written by hand: after a backward pass, made of gradients, or into a parameter.
    const Phase last = tape.ticks.back().phase;
    if (last == Phase::forward) return Phase::forward;
    if (event.target && event.target->is_leaf() && event.target->requires_grad())
      return Phase::update;
    for (const Tensor& x : event.inputs)
      if (const auto found = known.find(identity_of(x)); found != known.end()) {
        const TapeValue& value = at(tape.values, found->second.value);
        if (value.gradient_of != none ||
            (last == Phase::update && value.made_by != none &&
             at(tape.events, value.made_by).phase == Phase::update && !value.is_parameter))
          return Phase::update;
      }
    return Phase::forward;
  }
  void open_tick(Phase phase, std::string label, TapeIndex twin) {
    const bool first = tape.ticks.empty();
    const bool new_step = first || wants_step ||
                          (phase == Phase::forward && tape.ticks.back().phase != Phase::forward);
    if (!first) tick_done();
    const auto here = static_cast<TapeIndex>(tape.events.size());
    if (new_step) {
      TapeTick in;
      in.step = first ? 0 : tape.ticks.back().step + 1;
      in.label = "in";
      in.first = in.last = here;
      if (!first) forget_step();
      tape.ticks.push_back(in);
      tape.losses.push_back(none);
      wants_step = false;
    }
    TapeTick tick;
    tick.step = tape.ticks.back().step;
    tick.number = tape.ticks.back().number + 1;
    tick.phase = phase;
    tick.label = std::move(label);
    tick.first = tick.last = here;
    tick.twin = twin;
    if (phase == Phase::forward) tick.callers = callers_now();
    if (twin != none) at(tape.ticks, twin).backward = static_cast<TapeIndex>(tape.ticks.size());
    tape.ticks.push_back(std::move(tick));
  }
  void tick_done() {
    if (!options.on_tick || told == tape.ticks.size() || tape.ticks.empty()) return;
    told = tape.ticks.size();
    const Unobserved not_seen;
    // Whoever looks may differentiate something of his own.
    const struct Telling {
      explicit Telling(bool& flag) : is_telling(flag) { is_telling = true; }
      ~Telling() { is_telling = false; }
      bool& is_telling;
    } telling(is_telling);
    options.on_tick();
  }
  /// Results of the step that ends may go, and others may take their addresses. Data, parameters,
  /// their gradients and what is written in place (an optimizer's state) stay a step longer.
  void forget_step() {
    const TapeIndex now = tape.steps();
    for (auto i = alive.begin(); i != alive.end();) {
      const TapeValue& value = at(tape.values, i->first);
      const bool lasts =
          value.made_by == none || value.is_parameter || i->second.is_written ||
          (value.gradient_of != none && at(tape.values, value.gradient_of).is_parameter);
      if (lasts && i->second.used_in + 1 >= now) {
        ++i;
        continue;
      }
      const auto found = known.find(identity_of(i->second.tensor));
      if (found != known.end() && found->second.value == i->first) known.erase(found);
      i = alive.erase(i);
    }
    if (options.level == TapeLevel::stats)
      payloads.let_go_unless([this](TapeIndex index) { return alive.contains(index); });
    nodes.clear();
    last_scope = nullptr;
  }
  /// The tick of a backward call whose forward call is not on the tape: one for each module, or for
  /// each call outside of modules.
  void choose_stranger(const Node& forward) {
    const std::string scope = forward.scope ? *forward.scope : "";
    const std::string key = scope.empty() ? "#" + std::to_string(forward.sequence) : scope;
    const TapeTick* now = tape.ticks.empty() ? nullptr : &tape.ticks.back();
    const std::string label =
        scope.empty() ? std::string(forward.op.name()) : scope.substr(scope.rfind('.') + 1);
    const bool is_seed = now && now->phase == Phase::backward && now->twin == none &&
                         stranger.empty() && !wants_step;
    if (is_seed)
      tape.ticks.back().label = label;  // the seed was made for it
    else if (key != stranger || !now || now->phase != Phase::backward || wants_step)
      open_tick(Phase::backward, label, none);
    stranger = key;
  }

  /// The tick that an event outside of other calls belongs to: the present one, or a new one.
  void choose_tick(const Event& event, Phase phase, TapeIndex twin_event, bool orphan) {
    const std::string scope = event.scope ? *event.scope : "";
    const TapeTick* now = tape.ticks.empty() ? nullptr : &tape.ticks.back();
    if (orphaned && now && now->phase == phase && !wants_step) {
      // Conversions made before a call belong to it.
      if (!orphan) {
        orphaned = false;
        if (scope.empty()) tape.ticks.back().label = event.op.name();
      }
      last_scope = event.scope;
      return;
    }
    if (phase == Phase::backward) {
      const TapeIndex twin = twin_event == none ? none : at(tape.events, twin_event).tick;
      if (twin == none && event.forward_twin) return choose_stranger(*event.forward_twin);
      stranger.clear();
      const bool same = now && now->phase == phase && !wants_step &&
                        (twin == none || now->twin == twin || now->twin == none);
      if (same) {
        if (now->twin == none && twin != none) {
          tape.ticks.back().twin = twin;
          tape.ticks.back().label = at(tape.ticks, twin).label;
          at(tape.ticks, twin).backward = static_cast<TapeIndex>(tape.ticks.size()) - 1;
        }
        return;
      }
      open_tick(phase, twin == none ? std::string(event.op.name()) : at(tape.ticks, twin).label,
                twin);
      return;
    }
    if (phase == Phase::update) {
      if (now && now->phase == phase && !wants_step) return;
      open_tick(phase, scope.empty() ? "update" : scope.substr(scope.rfind('.') + 1), none);
      return;
    }
    const bool same = now && now->phase == phase && now->number > 0 && event.scope &&
                      event.scope == last_scope && !wants_step;
    if (same) return;
    open_tick(phase,
              scope.empty() ? std::string(event.op.name()) : scope.substr(scope.rfind('.') + 1),
              none);
    last_scope = event.scope;
    orphaned = orphan;
  }

  // -- the door -----------------------------------------------------------------------------------
  void before(const Event& event) override {
    if (is_muted) return;
    while (stack.size() > static_cast<std::size_t>(event.depth)) stack.pop_back();
    const TapeIndex parent = stack.empty() ? none : stack.back().event;
    TapeIndex twin = none;
    if (event.forward_twin)
      if (const auto found = nodes.find(event.forward_twin->sequence); found != nodes.end())
        twin = found->second;
    const Phase phase = parent == none ? phase_of(event) : at(tape.events, parent).phase;
    if (parent == none) choose_tick(event, phase, twin, event.depth > 0);
    const auto index = static_cast<TapeIndex>(tape.events.size());
    TapeEvent made;
    made.tick = static_cast<TapeIndex>(tape.ticks.size()) - 1;
    made.parent = parent;
    made.depth = event.depth;
    made.phase = phase;
    made.op = event.op.name();
    made.attributes = attributes_of(event.op);
    if (event.scope) made.scope = *event.scope;
    made.twin = twin;
    // A backward call stands where the user wrote what it differentiates.
    const Place& place = event.forward_twin ? event.forward_twin->place : event.place;
    made.file = place.file_name();
    made.function = place.function_name();
    made.line = static_cast<int>(place.line());
    if (!allowed_codes().empty()) made.allowed = allowed_codes();
    if (twin != none) {
      at(tape.events, twin).backward.push_back(index);
      if (made.scope.empty()) made.scope = at(tape.events, twin).scope;
    }
    tape.events.push_back(std::move(made));
    tape.ticks.back().last = index + 1;
    // The list of events may move while statistics are made: values first, then the event.
    std::vector<TapeIndex> inputs;
    for (const Tensor& x : event.inputs) inputs.push_back(value_of(x, index));
    TapeIndex target = none;
    if (event.target) {
      target = value_of(*event.target, index);
      alive[target].is_written = true;
      before_write(*event.target);
      if (phase == Phase::update)
        if (const auto rate = rates.find(identity_of(*event.target)); rate != rates.end())
          at(tape.events, index).lr = rate->second;
    }
    at(tape.events, index).inputs = std::move(inputs);
    at(tape.events, index).target = target;
    while (stack.size() < static_cast<std::size_t>(event.depth)) stack.push_back({parent, {}});
    stack.push_back({index, Clock::now()});
  }

  void after(const Event& event) override {
    const Clock::time_point now = Clock::now();
    if (stack.empty() || is_muted) return;
    const Running ending = stack.back();
    stack.pop_back();
    const TapeIndex index = ending.event;
    std::vector<TapeIndex> outputs;
    std::int64_t bytes = 0;
    bool has_history = false;
    for (const Tensor& y : event.outputs) {
      const Identity key = identity_of(y);
      const auto found = known.find(key);
      const TapeIndex before = found == known.end() ? none : found->second.value;
      // The result of a composite or of a conversion that had nothing to do is known already.
      const bool same = before != none && !event.target &&
                        at(tape.values, before).version == y.storage().version();
      const TapeIndex value = same ? before
                                   : add_value(y, key, y.storage().version(), index, index,
                                               event.target ? before : none);
      if (event.target) alive[value].is_written = true;
      if (same && at(tape.values, value).name.empty() && !y.name().empty())
        tape.rename(value, y.name());
      outputs.push_back(value);
      if (!same && !event.target && event.op.kind() == OpKind::kernel && !is_unwritten(y))
        bytes += static_cast<std::int64_t>(y.storage().bytes());
      if (!y.history()) continue;
      nodes.try_emplace(y.history().node->sequence, index);
      has_history = true;
    }
    TapeEvent& done = at(tape.events, index);
    done.seconds = std::chrono::duration<double>(now - ending.began).count();
    done.outputs = std::move(outputs);
    done.bytes = bytes;
    done.has_history = has_history;
    done.finished = true;
    if (options.level == TapeLevel::full && tape.is_alarm(index)) pin_around(index);
  }

  bool is_deaf() const { return is_muted || is_telling; }

  // -- the walk -----------------------------------------------------------------------------------
  void root(const Tensor& y, const Tensor& seed) override {
    if (is_deaf()) return;
    const auto here = static_cast<TapeIndex>(tape.events.size());
    const TapeIndex value = value_of(y, here);
    // Several results may begin one walk.
    if (!at_roots) tape.passes.push_back({here});
    at_roots = true;
    tape.passes.back().roots.push_back(value);
    tape.passes.back().seeds.push_back(value_of(seed, here));
    if (tape.losses.empty()) return;
    tape.losses.back() = value;
    if (at(tape.values, value).name.empty()) tape.rename(value, "loss");
  }
  void gradient(const Node& node, std::size_t k, const Tensor& g) override {
    if (is_deaf()) return;
    at_roots = false;
    const auto event = nodes.find(node.sequence);
    if (event == nodes.end()) return;
    const std::vector<TapeIndex>& outputs = at(tape.events, event->second).outputs;
    if (k < outputs.size()) link(outputs[k], g);
  }
  void leaf(const Tensor& leaf, const Tensor& g) override {
    if (is_deaf()) return;
    at_roots = false;
    link(value_of(leaf, static_cast<TapeIndex>(tape.events.size())), g);
  }
  void field(const std::string& path, const Tensor& x) override {
    if (x.name().empty() && !is_deaf()) name(x, path);
  }
  void rate(const Tensor& parameter, double lr) override {
    if (is_deaf()) return;
    const Identity key = identity_of(parameter);
    rates[key] = lr;
    if (const auto found = known.find(key); found != known.end())
      tape.owned.insert(found->second.tensor);
  }
  std::optional<TapeMoment> made(const Tensor& x, std::uint64_t version) override {
    const auto found = known.find(identity_of(x));
    return found == known.end() ? std::nullopt : made_at(tape, found->second.value, version);
  }
  std::optional<TapeMoment> differentiated(const Node& node) override {
    const auto event = nodes.find(node.sequence);
    if (event == nodes.end() || at(tape.events, event->second).backward.empty()) return {};
    return moment_of(tape, at(tape.events, event->second).backward.front());
  }
  std::optional<TapeMoment> cut(const Tensor& y) override {
    const auto found = known.find(identity_of(y));
    if (found == known.end()) return {};
    std::set<TapeIndex> recorded;
    for (const auto& [sequence, event] : nodes) recorded.insert(event);
    return cut_at(tape, found->second.value, recorded);
  }
  void name(const Tensor& x, const std::string& name) {
    const Identity key = identity_of(x);
    if (const auto found = known.find(key); found != known.end())
      tape.rename(found->second.value, name);
    names[key] = name;
  }
  void link(TapeIndex of, const Tensor& g) {
    const TapeIndex value = value_of(g, static_cast<TapeIndex>(tape.events.size()));
    if (value == of) return;
    at(tape.values, of).gradient = value;
    TapeIndex& owner = at(tape.values, value).gradient_of;
    // A tensor may be the gradient of several: the one with a name of its own is told.
    if (owner == none || (at(tape.values, owner).name.empty() && !at(tape.values, of).name.empty()))
      owner = of;
  }

  struct Running {
    TapeIndex event;
    Clock::time_point began;
  };
  struct Alive {
    Tensor tensor;
    TapeIndex used_in = 0;
    bool is_written = false;
  };

  RecorderOptions options;
  Tape tape;
  // At level stats a step's elements are there whatever their size.
  Payloads payloads{tape, options.level == TapeLevel::full
                              ? options.budget
                              : std::numeric_limits<std::int64_t>::max()};
  std::vector<Running> stack;
  std::map<Identity, Known> known;
  std::map<Identity, std::string> names;
  std::map<Identity, double> rates;  // of the next update
  std::map<TapeIndex, Alive> alive;
  std::unordered_map<std::uint64_t, TapeIndex> nodes;
  std::shared_ptr<const std::string> last_scope;
  std::int64_t tensors = 0;
  std::size_t told = 0;
  bool wants_step = false, orphaned = false;
  bool is_muted = false;    // while it is told to look away in the middle of a call
  bool is_telling = false;  // inside on_tick
  bool at_roots = false;    // a backward pass was begun and has not moved yet
  std::string stranger;     // the forward call, made before the tape began, that is differentiated
  std::optional<Observe> observing;
  std::optional<WatchMeaning> watching;
};

Recorder::Recorder(RecorderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Recorder::~Recorder() = default;
Tape& Recorder::tape() { return impl_->tape; }
const Tape& Recorder::tape() const { return impl_->tape; }

void Recorder::name(const Tensor& x, const std::string& name) { impl_->name(x, name); }
void Recorder::begin_step() { impl_->wants_step = true; }
void Recorder::pause() { impl_->watch(false); }
void Recorder::resume() { impl_->watch(true); }
void Recorder::finish() {
  impl_->watch(false);
  impl_->tick_done();
}

}  // namespace gradus::see
