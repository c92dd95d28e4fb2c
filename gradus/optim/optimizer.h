// Optimizers: they see tensors with gradients, and their rules are written in operations.
// Rules and defaults are PyTorch's, but for one: AdamW's weight decay is 0 unless it is given, and
// 0.01 there. The schedules below change their learning rate.
#pragma once

#include <gradus/ops/ops.h>

namespace gradus::optim {

/// Parameters that share settings.
struct Group {
  Tensors parameters;
  double lr = 0.01;
  double weight_decay = 0;
};

/// Constructors throw GradError for a tensor that is no parameter, ValueError for one that is given
/// twice, for none at all, and for settings out of range.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Changes every parameter that has a gradient. Throws GradError, before it changes any, where a
  /// gradient is not of its parameter's shape and dtype.
  void step(Place at = Place::current());
  void zero_grad();

  // The parts of step(), for a step that is compiled: its arithmetic is in the program, its
  // counting is not.
  /// Numbers of the parameters that have a gradient now.
  std::vector<std::size_t> with_gradient() const;
  /// The numbers of the coming updates of `which`, parameter by parameter. The result is
  /// overwritten by the next call.
  const std::vector<double>& next_numbers(std::span<const std::size_t> which);
  /// Updates `which` with the numbers of next_numbers() as tensors: 0-dim, of their parameter's
  /// dtype.
  void update_with(std::span<const std::size_t> which, std::span<const Tensor> numbers);
  /// Counts a step that updated `which`.
  void count_step(std::span<const std::size_t> which);
  /// Of the parameters `which`.
  std::vector<DType> dtypes(std::span<const std::size_t> which) const;
  /// Changes when something changed that is part of the arithmetic, unlike a learning rate: a
  /// weight decay, or which tensors hold the state.
  virtual std::vector<double> settings() const;

  std::vector<Group>& groups() { return groups_; }
  /// The learning rate of all groups. Throws ValueError unless it is from 0 to 1e30.
  void set_lr(double lr, Place at = Place::current());
  double lr() const { return groups_.front().lr; }
  /// "0.momentum", "3.m", "3.steps" ... by the parameter's number, and "steps": for checkpoints.
  /// (torch state_dict)
  std::vector<std::pair<std::string, Tensor>> state_dict() const;
  /// The values go into the state tensors that are there. Throws NameError or ShapeError for a
  /// state of other parameters; then nothing was changed.
  void load_state_dict(const std::vector<std::pair<std::string, Tensor>>& state,
                       Place at = Place::current());

 protected:
  Optimizer(std::vector<Group> groups, Place at);
  using State = std::vector<std::pair<std::string, Tensor>>;
  /// Appends the numbers of an update that change from step to step: learning rate, bias
  /// corrections. `steps` counts the updates of the parameter with this one: a parameter without a
  /// gradient is not updated.
  virtual void append_numbers(const Group& group, std::int64_t steps,
                              std::vector<double>& numbers) const = 0;
  /// Changes one parameter in place; `state` belongs to it alone, `numbers` are those of
  /// append_numbers.
  virtual void update(Tensor& parameter, const Tensor& gradient, const Group& group, State& state,
                      std::span<const Tensor> numbers) = 0;
  /// The state tensor of that name, made of zeros like the parameter at its first use; "w1.m" to
  /// who prints or records it.
  static Tensor& slot(State& state, std::string_view name, const Tensor& parameter);

 private:
  std::vector<Group> groups_;
  std::vector<State> states_;
  std::vector<std::int64_t> updates_;
  std::int64_t steps_ = 0;
  std::int64_t loads_ = 0;       // how often load_state_dict changed which tensors hold the state
  std::vector<double> numbers_;  // of the last next_numbers()
};

struct SGDOptions {
  double lr = 0.01, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
};
/// v <- mu v + g; p <- p - lr v (or lr (g + mu v), nesterov). (torch.optim.SGD)
class SGD : public Optimizer {
 public:
  SGD(const Tensors& parameters, const SGDOptions& options, Place at = Place::current());
  /// lr and weight_decay are those of the groups.
  SGD(std::vector<Group> groups, const SGDOptions& options, Place at = Place::current());

 private:
  void append_numbers(const Group& group, std::int64_t steps,
                      std::vector<double>& numbers) const override;
  void update(Tensor& parameter, const Tensor& gradient, const Group& group, State& state,
              std::span<const Tensor> numbers) override;
  SGDOptions options_;
};

struct AdamOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};
/// Kingma and Ba 2015; weight decay is added to the gradient. (torch.optim.Adam)
class Adam : public Optimizer {
 public:
  Adam(const Tensors& parameters, const AdamOptions& options, Place at = Place::current());
  /// lr and weight_decay are those of the groups.
  Adam(std::vector<Group> groups, const AdamOptions& options, Place at = Place::current());

 protected:
  Adam(std::vector<Group> groups, const AdamOptions& options, bool decoupled, Place at);

 private:
  void append_numbers(const Group& group, std::int64_t steps,
                      std::vector<double>& numbers) const override;
  void update(Tensor& parameter, const Tensor& gradient, const Group& group, State& state,
              std::span<const Tensor> numbers) override;
  AdamOptions options_;
  bool decoupled_;
};
/// Loshchilov and Hutter 2019: weight decay shrinks the parameter itself. Without one it is Adam:
/// give PyTorch's default as {.weight_decay = 0.01}. (torch.optim.AdamW)
class AdamW : public Adam {
 public:
  AdamW(const Tensors& parameters, const AdamOptions& options, Place at = Place::current());
  AdamW(std::vector<Group> groups, const AdamOptions& options, Place at = Place::current());
};

/// Scales all gradients so that their joint norm is at most max_norm; returns the norm before.
/// (torch.nn.utils.clip_grad_norm_)
double clip_grad_norm(const Tensors& parameters, double max_norm, Place at = Place::current());

/// Limits every element of every gradient to [-limit, limit]. (torch.nn.utils.clip_grad_value_)
void clip_grad_value(const Tensors& parameters, double limit, Place at = Place::current());

/// Learning rate at step 0..total-1. All as PyTorch's schedulers stepped once a batch.
double constant(double lr, std::int64_t step, std::int64_t total);
/// lr (1 + cos(pi step / total)) / 2. (CosineAnnealingLR, T_max = total)
double cosine(double lr, std::int64_t step, std::int64_t total);
/// Up from lr/25 to lr over 30 % of the steps, down to lr/250000. (OneCycleLR,
/// cycle_momentum=False)
double one_cycle(double lr, std::int64_t step, std::int64_t total);

}  // namespace gradus::optim
