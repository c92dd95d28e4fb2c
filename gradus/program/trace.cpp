// The observer that writes calls down; see trace.h.
#include <gradus/program/trace.h>

#include <map>
#include <memory>
#include <set>
#include <tuple>

namespace gradus {
namespace {

class Tracer final : public Observer {
 public:
  /// `into_functions`: the calls inside a function primitive are written instead of itself.
  Tracer(std::span<const Tensor> inputs, bool into_functions) : into_functions_(into_functions) {
    for (const Tensor& x : inputs) program.inputs.push_back(make(x));
  }

  void after(const Event& event) override {
    if (event.depth == 0) latest = short_name(event);
    // Inside a composite the primitives speak for themselves; a function (checkpoint) is one step
    // unless the caller wants to see inside.
    if (event.op.kind() == OpKind::composite || event.depth > composite_depth(event)) return;
    // A call that handed on a value of another call, as a view of the same layout does, makes none.
    if (!event.target && hands_on(event.outputs)) return;
    if (into_functions_ && event.op.kind() == OpKind::function && obstacle.empty())
      obstacle = "the function '" + std::string(event.op.name()) + "' called at " +
                 short_place(event.place) + " computes without operations";
    Step step{event.op,   {}, {}, {}, event.place, event.scope ? *event.scope : std::string(),
              event.phase};
    for (const Tensor& x : event.inputs) step.inputs.push_back(id_of(x));
    if (event.target) {
      step.target = id_of(*event.target);
      computed_.insert(event.target->storage().id());
    }
    for (const Tensor& y : event.outputs) step.outputs.push_back(make(y));
    program.steps.push_back(std::move(step));
  }
  void before(const Event& event) override {
    if (event.op.kind() == OpKind::function && !into_functions_ && !inside_function_) {
      inside_function_ = true;
      function_depth_ = event.depth;
    }
  }

  ValueId id_of(const Tensor& x) {
    if (auto known = ids_.find(key(x)); known != ids_.end()) return known->second;
    const ValueId id = add(x);
    program.constants[id] = x;
    return id;
  }
  bool is_computed(const Tensor& x) const { return computed_.contains(x.storage().id()); }

  Program program;
  std::string obstacle;
  std::string latest;  // "'mean' at train.cpp:44", the last call of the function itself

 private:
  static std::string short_name(const Event& event) {
    return "'" + std::string(event.op.name()) + "' at " + short_place(event.place);
  }
  /// The depth down to which calls are written: any, unless a function is running.
  int composite_depth(const Event& event) {
    if (!inside_function_) return event.depth;
    if (event.op.kind() == OpKind::function && event.depth == function_depth_)
      inside_function_ = false;
    return function_depth_;
  }
  bool hands_on(std::span<const Tensor> outputs) const {
    for (const Tensor& y : outputs)
      if (!ids_.contains(key(y))) return false;
    return true;
  }
  /// A value that depends on the inputs.
  ValueId make(const Tensor& x) {
    computed_.insert(x.storage().id());
    return add(x);
  }
  ValueId add(const Tensor& x) {
    const auto id = static_cast<ValueId>(program.values.size());
    program.values.push_back(x.spec());
    ids_[key(x)] = id;
    known_.push_back(x.storage().keep_id());
    return id;
  }

  /// A value is known by its bytes and how they are seen: a gradient rule gets kept values as new
  /// tensors over the same storage.
  using Key = std::tuple<const void*, std::int64_t, DType, Ints, Ints>;
  static Key key(const Tensor& x) {
    return {x.storage().id(), x.layout().offset, x.dtype(), x.shape().to_vector(),
            x.strides().to_vector()};
  }

  std::map<Key, ValueId> ids_;
  std::set<const void*> computed_;                // storages
  std::vector<std::weak_ptr<const void>> known_;  // so that no later storage gets one of the ids
  bool into_functions_;
  bool inside_function_ = false;
  int function_depth_ = 0;
};

/// Notes the first computed value that is read.
class NoteReads final : public ReadWatch {
 public:
  explicit NoteReads(Tracer& tracer) : tracer_(tracer) {}
  void read(const Tensor& x, std::string_view how, Place at) override {
    if (tracer_.obstacle.empty() && tracer_.is_computed(x))
      tracer_.obstacle = "a computed " + x.spec().str() + " was read by " + std::string(how) +
                         "() " + where(at) + ", and what is decided by it would be frozen";
  }

 private:
  /// At its place, or where the function was when nobody knows that.
  std::string where(const Place& at) const {
    if (at.line() != 0) return "at " + short_place(at);
    return tracer_.latest.empty() ? "before any operation" : "after " + tracer_.latest;
  }
  Tracer& tracer_;
};

}  // namespace

Program trace(const TensorFunction& function, std::span<const Tensor> inputs) {
  Tracer tracer(inputs, false);
  Tensors outputs;
  {
    Observe watching(tracer);
    outputs = function(inputs);
  }
  for (const Tensor& y : outputs) tracer.program.outputs.push_back(tracer.id_of(y));
  return std::move(tracer.program);
}

ReplayTrace trace_for_replay(const TensorFunction& function, std::span<const Tensor> inputs) {
  Tracer tracer(inputs, true);
  ReplayTrace result;
  {
    Observe watching(tracer);
    NoteReads reads(tracer);
    result.results = function(inputs);
  }
  for (const Tensor& y : result.results) tracer.program.outputs.push_back(tracer.id_of(y));
  result.program = std::move(tracer.program);
  result.obstacle = std::move(tracer.obstacle);
  return result;
}

}  // namespace gradus
