// The observer that writes calls down; see trace.h.
#include <gradus/program/trace.h>

#include <map>
#include <tuple>

namespace gradus {
namespace {

class Tracer final : public Observer {
 public:
  explicit Tracer(std::span<const Tensor> inputs) {
    for (const Tensor& x : inputs) program.inputs.push_back(make(x));
  }

  void after(const Event& event) override {
    // Inside a function primitive or a composite the primitives speak for themselves, except that a
    // function (checkpoint) is one step: what it calls inside is not shown.
    if (event.op.kind() == OpKind::composite || event.depth > composite_depth(event)) return;
    Step step{event.op,   {}, {}, {}, event.place, event.scope ? *event.scope : std::string(),
              event.phase};
    for (const Tensor& x : event.inputs) step.inputs.push_back(id_of(x));
    if (event.target) step.target = id_of(*event.target);
    for (const Tensor& y : event.outputs) step.outputs.push_back(make(y));
    program.steps.push_back(std::move(step));
  }
  void before(const Event& event) override {
    if (event.op.kind() == OpKind::function && !inside_function_) {
      inside_function_ = true;
      function_depth_ = event.depth;
    }
  }

  ValueId id_of(const Tensor& x) {
    if (auto known = ids_.find(key(x)); known != ids_.end()) return known->second;
    const ValueId id = make(x);
    program.constants[id] = x;
    return id;
  }

  Program program;

 private:
  /// The depth down to which calls are written: any, unless a function is running.
  int composite_depth(const Event& event) {
    if (!inside_function_) return event.depth;
    if (event.op.kind() == OpKind::function && event.depth == function_depth_)
      inside_function_ = false;
    return function_depth_;
  }
  ValueId make(const Tensor& x) {
    const auto id = static_cast<ValueId>(program.values.size());
    program.values.push_back(x.spec());
    ids_[key(x)] = id;
    alive_.push_back(x);  // so that no later tensor gets the same storage
    return id;
  }

  /// A value is known by its bytes and how they are seen: a gradient rule gets kept values as new
  /// tensors over the same storage.
  using Key = std::tuple<const void*, DType, Ints, Ints>;
  static Key key(const Tensor& x) {
    return {x.raw_data(), x.dtype(), x.shape().to_vector(), x.strides().to_vector()};
  }

  std::map<Key, ValueId> ids_;
  Tensors alive_;
  bool inside_function_ = false;
  int function_depth_ = 0;
};

}  // namespace

Program trace(const std::function<Tensors(std::span<const Tensor>)>& function,
              std::span<const Tensor> inputs) {
  Tracer tracer(inputs);
  Tensors outputs;
  {
    Observe watching(tracer);
    outputs = function(inputs);
  }
  for (const Tensor& y : outputs) tracer.program.outputs.push_back(tracer.id_of(y));
  return std::move(tracer.program);
}

}  // namespace gradus
