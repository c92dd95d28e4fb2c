// A call whose result nobody has looked at yet. A product that broadcasting blows up is mostly
// summed right away, and then nobody needs to write it out: the door defers it, and a definition
// that can do without its elements (`shortcut`) reads its factors here. Anybody else who asks for
// the elements gets them, computed then. Which way is taken depends on the program alone, never on
// who looked, so the bits are the same under a debugger.
#pragma once

#include <gradus/program/op.h>

namespace gradus {

/// One deferred call: `op` on `inputs`, which have no history.
class DeferredCall final : public Deferred {
 public:
  DeferredCall(Op op, Tensors inputs, Spec result);

  const Op& op() const { return op_; }
  const Tensors& inputs() const { return inputs_; }
  void compute(std::byte* into) const override;

 private:
  Op op_;
  Tensors inputs_;
  Spec result_;
};

/// Whether a result is worth deferring: floating, 1 MiB or more, and at least 8 times as many
/// elements as its inputs hold.
bool is_worth_deferring(std::span<const Tensor> inputs, const Spec& result);

/// A tensor that stands for the call.
Tensor defer_call(const Op& op, std::span<const Tensor> inputs, const Spec& result);

/// The call behind x, where x is the whole of its result; null otherwise.
std::shared_ptr<const DeferredCall> deferred_call(const Tensor& x);

}  // namespace gradus
