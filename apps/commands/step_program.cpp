// Two training programs that can be taken up at any step; see step_program.h. The model is written
// as anybody would: nothing in it knows of a debugger.
#include <apps/commands/step_program.h>

#include <gradus/gradus.h>

namespace gradus::app {
namespace {

struct Rows {
  Tensor x, y;
};

/// What both programs share: data in order, batch after batch, and an optimizer.
class TrainingProgram : public see::StepProgram {
 public:
  TrainingProgram(const StepProgramOptions& options, const Rows& rows)
      : options_(options), rows_(rows) {}

  void run(see::TapeIndex step) final {
    const Rows batch = batch_of(step);
    optimizer_->zero_grad();
    loss_of(batch).backward();
    Scope scope(options_.optimizer);
    optimizer_->step();
  }
  Tensor loss(see::TapeIndex step) final { return loss_of(batch_of(step)); }
  std::vector<std::pair<std::string, Tensor>> state() final {
    auto all = parameters();
    for (auto& [name, x] : optimizer_->state_dict()) all.emplace_back("optimizer." + name, x);
    return all;
  }
  void restore(const see::Checkpoint& from) final {
    std::vector<std::pair<std::string, Tensor>> optimizer_state;
    for (const auto& [name, value] : from.tensors) {
      if (name.starts_with("optimizer.")) {
        optimizer_state.emplace_back(name.substr(10), value);
        continue;
      }
      for (auto& [known, x] : parameters())
        if (known == name) x.copy_(value);
    }
    optimizer_->load_state_dict(optimizer_state);
  }
  double lr() const final { return optimizer_->lr(); }
  void set_lr(double lr) final { optimizer_->set_lr(lr); }

 protected:
  virtual Tensor loss_of(const Rows& batch) = 0;
  virtual std::vector<std::pair<std::string, Tensor>> parameters() = 0;
  static constexpr int kept_results = 2;  // of each layer: before and behind its ReLU
  /// Of a batch: all where none is given.
  std::int64_t rows_at_once() const {
    const std::int64_t n = rows_.x.size(0);
    return options_.batch_size > 0 ? std::min(options_.batch_size, n) : n;
  }
  void own(const Tensors& tensors) { optimizer_ = make_optimizer(options_, tensors); }

  StepProgramOptions options_;
  Rows rows_;

 private:
  Rows batch_of(see::TapeIndex step) {
    const std::int64_t n = rows_.x.size(0);
    const std::int64_t size = rows_at_once();
    if (size == n) return rows_;
    const std::int64_t first = step * size % (n - n % size);
    const Unobserved not_seen;
    const Slice slice{first, first + size};
    Rows batch{rows_.x[slice].contiguous(), rows_.y[slice].contiguous()};
    batch.x.set_name("x");
    batch.y.set_name("y");
    return batch;
  }
  std::unique_ptr<optim::Optimizer> optimizer_;
};

/// 784 - 50 - 1, weights from N(0,1), the digit itself as target: lesson 13, notebook 03.
class LessonProgram final : public TrainingProgram {
 public:
  LessonProgram(const StepProgramOptions& options, const Rows& rows, DType dtype = DType::f32)
      : TrainingProgram(options, rows) {
    const std::int64_t hidden = hidden_sizes(options).at(0);  // of one
    check_memory(options, rows.x.size(1), {hidden}, 1, rows_at_once(), kept_results);
    manual_seed(options.seed);
    w1_ = parameter(randn({rows.x.size(1), hidden}), dtype, "w1");
    w2_ = parameter(randn({hidden, 1}), dtype, "w2");
    b1_ = parameter(zeros({hidden}), dtype, "b1");
    b2_ = parameter(zeros({1}), dtype, "b2");
    if (dtype != DType::f32) {
      rows_.x = astype(rows.x, dtype).set_name("x");
      rows_.y = astype(rows.y, dtype).set_name("y");
    }
    own({w1_, b1_, w2_, b2_});
  }
  std::unique_ptr<StepProgram> fresh(DType dtype) const override {
    return std::make_unique<LessonProgram>(options_, rows_, dtype);
  }

 private:
  static Tensor parameter(const Tensor& x, DType dtype, const char* name) {
    return Tensor(astype(x, dtype)).set_requires_grad().set_name(name);
  }
  static Tensor lin(const Tensor& x, const Tensor& w, const Tensor& b) { return matmul(x, w) + b; }

  Tensor loss_of(const Rows& batch) override {
    const auto named = [](const char* scope, const char* name, auto&& compute) {
      Scope here(scope);
      return Tensor(compute()).set_name(name);
    };
    const Tensor l1 = named("lin1", "l1", [&] { return lin(batch.x, w1_, b1_); });
    const Tensor l2 = named("relu1", "l2", [&] { return relu(l1); });
    const Tensor out = named("lin2", "out", [&] { return lin(l2, w2_, b2_); });
    return named("mse", "loss", [&] { return mse(squeeze(out, {-1}), batch.y); });
  }
  std::vector<std::pair<std::string, Tensor>> parameters() override {
    return {{"w1", w1_}, {"b1", b1_}, {"w2", w2_}, {"b2", b2_}};
  }
  Tensor w1_, b1_, w2_, b2_;
};

/// Linear layers with ReLU between and cross entropy, as gradus train.
class Classifier final : public TrainingProgram {
 public:
  Classifier(const StepProgramOptions& options, const Rows& rows, std::int64_t classes,
             DType dtype = DType::f32)
      : TrainingProgram(options, rows), classes_(classes) {
    check_memory(options, rows.x.size(1), hidden_sizes(options), classes, rows_at_once(),
                 kept_results);
    manual_seed(options.seed);
    net_ = build(rows.x.size(1), hidden_sizes(options), classes);
    if (dtype != DType::f32) {
      net_.to(dtype);
      rows_.x = astype(rows.x, dtype).set_name("x");
    }
    for (auto& [name, x] : net_.named_parameters()) x.set_name(name);
    own(net_.parameters());
  }
  std::unique_ptr<StepProgram> fresh(DType dtype) const override {
    return std::make_unique<Classifier>(options_, rows_, classes_, dtype);
  }

 private:
  Tensor loss_of(const Rows& batch) override {
    Tensor out = net_(batch.x);
    out.set_name("out");
    return cross_entropy(out, batch.y);
  }
  std::vector<std::pair<std::string, Tensor>> parameters() override {
    return net_.named_parameters();
  }
  std::int64_t classes_;
  nn::Sequential net_;
};

}  // namespace

std::unique_ptr<see::StepProgram> make_step_program(const StepProgramOptions& options) {
  const data::ImageData data = load_data(options);
  const Unobserved not_seen;
  const std::int64_t n = data.train.size();
  Rows rows{
      (astype(data.train.images, DType::f32) / static_cast<double>(options.scale)).reshape({n, -1}),
      data.train.labels};
  if (options.net == "lesson") rows.y = astype(rows.y, DType::f32);
  rows.x.set_name("x");
  rows.y.set_name("y");
  if (options.net == "lesson") return std::make_unique<LessonProgram>(options, rows);
  return std::make_unique<Classifier>(options, rows, data.classes);
}

}  // namespace gradus::app
