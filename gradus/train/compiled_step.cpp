// One training step; see compiled_step.h.
#include <gradus/program/place_scope.h>
#include <gradus/train/compiled_step.h>

namespace gradus {
namespace {

/// Sets a 0-dim tensor that nothing else sees.
void set(const Tensor& x, double value) {
  dispatch_floating(x.dtype(), [&]<class T>() { *x.data<T>() = static_cast<T>(value); });
}

}  // namespace

CompiledStep::CompiledStep(nn::Module& net, optim::Optimizer& optimizer, LossFunction loss,
                           std::function<void()> before_update, compile::PlanOptions options,
                           Place at)
    : net_(net),
      optimizer_(optimizer),
      loss_(std::move(loss)),
      before_update_(std::move(before_update)),
      at_(at),
      compiled_([this](std::span<const Tensor> in) { return run_traceable(in); }, options) {}

void CompiledStep::forget() {
  compiled_.forget();
  which_.reset();
}

bool CompiledStep::has_other_settings() {
  std::vector<double> now = optimizer_.settings();
  bool is_other = now != settings_;
  settings_ = std::move(now);
  std::size_t i = 0;
  for (const optim::Group& group : optimizer_.groups())
    for (const Tensor& p : group.parameters) {
      const std::pair<const void*, bool> seen{p.storage().id(), p.requires_grad()};
      if (i == parameters_.size()) parameters_.emplace_back();
      if (std::exchange(parameters_[i++], seen) != seen) is_other = true;
    }
  return is_other;
}

Tensors CompiledStep::inputs_of(const data::Batch& batch) const {
  Tensors inputs{batch.x, batch.y};
  inputs.insert(inputs.end(), numbers_.begin(), numbers_.end());
  return inputs;
}

const compile::Plan* CompiledStep::plan(const data::Batch& batch) const {
  return compiled_.plan(inputs_of(batch));
}

CompiledStep::Result CompiledStep::run_eagerly(const data::Batch& batch) {
  const Tensor output = net_(batch.x, at_);
  const Tensor loss = loss_(output, batch.y, at_);
  loss.backward({}, false, at_);
  before_update_();
  which_ = optimizer_.with_gradient();
  optimizer_.step(at_);
  optimizer_.zero_grad();
  return {loss.detach(), output.detach()};
}

Tensors CompiledStep::run_traceable(std::span<const Tensor> inputs) {
  const Tensor output = net_(inputs[0], at_);
  const Tensor loss = loss_(output, inputs[1], at_);
  loss.backward({}, false, at_);
  before_update_();
  if (optimizer_.with_gradient() == *which_) {
    const PlaceScope here(at_);
    optimizer_.update_with(*which_, inputs.subspan(2));
  } else {  // the net took another way than before: another step
    optimizer_.step(at_);
    has_stepped_ = true;
  }
  optimizer_.zero_grad();
  return {loss.detach(), output.detach()};
}

CompiledStep::Result CompiledStep::operator()(const data::Batch& batch, bool eagerly) {
  if (has_other_settings()) forget();
  if (eagerly || !which_) return run_eagerly(batch);
  const std::vector<double>& values = optimizer_.next_numbers(*which_);
  if (numbers_.size() != values.size()) {
    numbers_.clear();
    const std::size_t each = values.size() / std::max<std::size_t>(which_->size(), 1);
    for (DType dtype : optimizer_.dtypes(*which_))
      for (std::size_t k = 0; k < each; ++k) numbers_.push_back(Tensor::scalar(0, dtype));
  }
  for (std::size_t i = 0; i < values.size(); ++i) set(numbers_[i], values[i]);
  has_stepped_ = false;
  const Tensors& results = compiled_.run(inputs_of(batch));
  Result result{results[0], results[1]};
  if (has_stepped_)
    forget();  // what was traced belongs to other parameters
  else
    optimizer_.count_step(*which_);
  return result;
}

}  // namespace gradus
