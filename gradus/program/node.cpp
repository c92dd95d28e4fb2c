// Freeing deep graphs, and handing kept values to gradient rules; see node.h.
#include <gradus/core/diagnostic.h>
#include <gradus/program/node.h>
#include <gradus/program/watch.h>

namespace gradus {

Node::Input::Input(const Tensor& x, bool is_kept)
    : spec(x.spec()),
      history(x.history()),
      leaf(x.requires_grad() && x.is_leaf() ? x : Tensor()),
      name(x.name()),
      needs_gradient(x.requires_grad()) {
  if (is_kept) saved.emplace(x);
}

Node::Output::Output(const Tensor& y, bool is_kept) : spec(y.spec()) {
  if (is_kept) saved.emplace(y);
}

Node::~Node() {
  // Freed recursively, a chain of about 10^5 nodes overflows the stack. So the outermost destructor
  // of a thread collects the histories that others let go, and frees them one after the other.
  thread_local std::vector<std::shared_ptr<Node>>* pending = nullptr;
  std::vector<std::shared_ptr<Node>> mine;
  const bool outermost = pending == nullptr;
  if (outermost) pending = &mine;
  for (Input& input : inputs)
    if (input.history.node) pending->push_back(std::move(input.history.node));
  if (!outermost) return;
  while (!mine.empty()) {
    std::shared_ptr<Node> next = std::move(mine.back());
    mine.pop_back();
    next.reset();
  }
  pending = nullptr;
}

void Node::release(Place at) {
  for (Input& input : inputs) input.saved.reset();
  for (Output& output : outputs) output.saved.reset();
  released = true;
  released_at = at;
}

namespace {

/// "add_ at train.cpp:44" -> "l1 = l1 + y"
std::string out_of_place(const std::string& write, const std::string& name) {
  for (const auto& [method, sign] :
       {std::pair{"add_ ", "+"}, {"sub_ ", "-"}, {"mul_ ", "*"}, {"div_ ", "/"}})
    if (write.starts_with(method)) return name + " = " + name + " " + sign + " y";
  return "the new value to another tensor";
}

[[noreturn]] void throw_overwritten(const Node& node, const SavedValue& saved, const Spec& spec,
                                    const std::string& value, const std::string& name) {
  std::string at = short_place(node.place), when;  // a tape knows the moments
  if (MeaningWatch* watch = GRADUS_MEANING_WATCH) {
    const Tensor x(saved.storage, saved.layout, spec.dtype);
    if (const auto made = watch->made(x, saved.version)) at = made->str();
    if (const auto written = watch->made(x, saved.storage.version())) when = ", " + written->str();
  }
  const std::string write = saved.storage.last_write(),
                    versions = " changed it in place (version " + std::to_string(saved.version) +
                               " -> " + std::to_string(saved.storage.version()) + ")";
  std::string who = node.scope ? *node.scope : std::string(node.op.name());
  if (const auto dot = who.rfind('.'); dot != who.npos) who.erase(0, dot + 1);
  std::string by = "\"" + write + "\"";
  if (const auto gap = write.find(" at "); gap != write.npos)
    by = "\"" + write.substr(0, gap) + "\" (" + write.substr(gap + 4) + when + ")";
  const std::string it = name.empty() ? "x" : name;
  throw Coded<GradError>({"I1", who + ".backward needs " + (name.empty() ? value : name) +
                                    " as it was at " + at + "; " + by + versions + ". Write " +
                                    out_of_place(write, it) + ", or save " + it + ".clone()."},
                         "backward of " + std::string(node.op.name()) + " (" +
                             short_place(node.place) + ") needs " + value + " " + spec.str() +
                             " as it was then, but " + write + versions,
                         "write x = x + 1 instead of x.add_(1), or pass x.clone()");
}

[[noreturn]] void throw_released(const Node& node, const std::string& call,
                                 const std::string& value) {
  const std::string at = short_place(node.released_at);
  std::string what = "what " + call + " kept was released at " + at;
  if (MeaningWatch* watch = GRADUS_MEANING_WATCH)
    if (const auto first = watch->differentiated(node))
      what = "step " + std::to_string(first->step) + " was released at " + first->str() + " (" +
             at + ")";
  throw Coded<GradError>(
      {"G3", "backward() twice: " + what + ". Use backward({}, /*keep_graph=*/true) or rebuild."},
      "backward needs " + value + " of " + call + ", released after the backward at " + at,
      "keep it with backward(seed, /*keep_graph=*/true), or compute the loss again");
}

}  // namespace

Tensor Call::restore(const std::optional<SavedValue>& saved, const Spec& spec,
                     std::string_view what, const std::string& name) const {
  const std::string call = std::string(node_->op.name()) + " (" + short_place(node_->place) + ")";
  const std::string value = std::string(what) + (name.empty() ? "" : " " + name);
  if (!saved && node_->released) throw_released(*node_, call, value);
  if (!saved)
    throw GradError("the gradient rule of " + call + " reads " + value + ", which it does not keep",
                    "name it in the definition's `keep`");
  if (saved->storage.version() != saved->version)
    throw_overwritten(*node_, *saved, spec, value, name);
  return Tensor(saved->storage, saved->layout, spec.dtype);
}

Tensor Call::input(std::size_t i) const {
  const Node::Input& input = node_->inputs[i];
  // Restoring a leaf checks its version too; the leaf itself then takes part in higher derivatives.
  Tensor value = restore(input.saved, input.spec, "input " + std::to_string(i), input.name);
  if (input.leaf) return input.leaf;
  value.set_history(input.history);
  return value;
}

Tensor Call::output(std::size_t i) const {
  Tensor value =
      restore(node_->outputs[i].saved, output_spec(i), "output " + std::to_string(i), "");
  value.set_history({node_, static_cast<std::uint32_t>(i)});
  return value;
}

}  // namespace gradus
