// What the tests of the step debugger share: a net of random depth, and one whose numbers are
// worked out here, both as programs that can be taken up at any step.
#pragma once

#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/step.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/see/nth.h"

namespace gradus::test {

using see::Rerun;
using see::Stepper;
using see::Tape;
using see::TapeIndex;

/// A net of random depth with modules, as a program that can be taken up at any step.
class RandomProgram final : public see::StepProgram {
 public:
  explicit RandomProgram(unsigned seed, DType dtype = DType::f32) : seed_(seed), dtype_(dtype) {
    std::mt19937 choice(seed);
    const auto pick = [&](unsigned low, unsigned high) {
      return static_cast<std::int64_t>(low + choice() % (high - low + 1));
    };
    Generator draws(seed);
    std::int64_t width = pick(1, 5);
    const std::int64_t rows = pick(1, 6);
    x_ = astype(randn({rows, width}, DType::f32, &draws), dtype).set_name("x");
    y_ = astype(randn({rows, 1}, DType::f32, &draws), dtype).set_name("y");
    const std::int64_t layers = pick(1, 3);
    for (std::int64_t i = 0; i <= layers; ++i) {
      const std::int64_t out = i == layers ? 1 : pick(1, 5);
      w_.push_back(Tensor(astype(randn({width, out}, DType::f32, &draws), dtype)));
      w_.back().set_requires_grad().set_name("w" + std::to_string(i));
      kinds_.push_back(static_cast<unsigned>(choice() % 3));
      width = out;
    }
    dropout_ = choice() % 2 == 0;
    optim::SGDOptions options{.lr = 0.05, .momentum = choice() % 2 ? 0.9 : 0};
    sgd_ = std::make_unique<optim::SGD>(w_, options);
  }
  void run(TapeIndex step) override {
    sgd_->zero_grad();
    loss(step).backward();
    Scope scope("sgd");
    sgd_->step();
  }
  Tensor loss(TapeIndex) override {
    Tensor h = x_;
    for (std::size_t i = 0; i < w_.size(); ++i) {
      {
        Scope scope("net.lin" + std::to_string(i));
        h = matmul(h, w_[i]);
      }
      if (i + 1 == w_.size()) break;
      h = kinds_[i] == 0 ? relu(h) : kinds_[i] == 1 ? tanh(h) : h * 2.;
      if (dropout_ && dtype_ == DType::f32) h = dropout(h, 0.5, true);
    }
    h.set_name("out");
    return mse(h, y_);
  }
  std::vector<std::pair<std::string, Tensor>> state() override {
    std::vector<std::pair<std::string, Tensor>> all;
    for (const Tensor& w : w_) all.emplace_back(w.name(), w);
    for (auto& [name, x] : sgd_->state_dict()) all.emplace_back("sgd." + name, x);
    return all;
  }
  void restore(const see::Checkpoint& from) override {
    std::vector<std::pair<std::string, Tensor>> rest;
    for (const auto& [name, x] : from.tensors)
      if (name.starts_with("sgd."))
        rest.emplace_back(name.substr(4), x);
      else
        nth(w_, std::stoi(name.substr(1))).copy_(x);
    sgd_->load_state_dict(rest);
  }
  double lr() const override { return sgd_->lr(); }
  void set_lr(double lr) override { sgd_->set_lr(lr); }
  std::unique_ptr<StepProgram> fresh(DType dtype) const override {
    return std::make_unique<RandomProgram>(seed_, dtype);
  }

 private:
  unsigned seed_;
  DType dtype_;
  Tensor x_, y_;
  Tensors w_;
  std::vector<unsigned> kinds_;
  bool dropout_ = false;
  std::unique_ptr<optim::SGD> sgd_;
};

/// Runs with all of its steps done.
struct Steps {
  explicit Steps(unsigned seed, int steps = 3, see::TapeLevel level = see::TapeLevel::full)
      : rerun(std::make_unique<RandomProgram>(seed), {.level = level}) {
    manual_seed(seed);
    for (int i = 0; i < steps; ++i) rerun.advance();
  }
  Rerun rerun;
};

/// Everything that a reader may see at the focus.
inline std::string screen(Stepper& stepper) {
  return stepper.show() + stepper.execute("w ; l ; ll");
}

/// A stepper over a tape that will not grow.
inline std::unique_ptr<Stepper> over(Steps& run, see::StepperOptions options = {}) {
  auto stepper = std::make_unique<Stepper>(run.rerun.tape(), options, &run.rerun);
  stepper->ended();
  return stepper;
}

/// x [2,2] @ w [2,1], mean of squares: d loss / d w[i] = sum over n of 2/2 x[n,i] (out - y)[n].
class Line final : public see::StepProgram {
 public:
  explicit Line(DType dtype = DType::f32) {
    x = Tensor(astype(tensor({{1., 2.}, {3., -4.}}), dtype)).set_name("x");
    y = Tensor(astype(tensor({1., 0.}).reshape({2, 1}), dtype)).set_name("y");
    w = Tensor(astype(tensor({0.5, -0.25}).reshape({2, 1}), dtype))
            .set_requires_grad()
            .set_name("w");
  }
  void run(TapeIndex) override {
    w.zero_grad();
    loss(0).backward();
    no_grad([&] { w.sub_(rate * w.grad()); });
  }
  Tensor loss(TapeIndex) override {
    Tensor out;
    {
      Scope scope("lin");
      out = matmul(x, w);
    }
    out.set_name("out");
    return mse(out, y);
  }
  std::vector<std::pair<std::string, Tensor>> state() override { return {{"w", w}}; }
  void restore(const see::Checkpoint& from) override { w.copy_(from.tensors[0].second); }
  double lr() const override { return rate; }
  void set_lr(double lr) override { rate = lr; }
  std::unique_ptr<StepProgram> fresh(DType dtype) const override {
    return std::make_unique<Line>(dtype);
  }
  Tensor x, y, w;
  double rate = 0.125;
};

/// out = (0, 2.5); out - y = (-1, 2.5); loss = (1 + 6.25) / 2 = 3.625;
/// w.g = (1*-1 + 3*2.5, 2*-1 - 4*2.5) = (6.5, -12); after lr 0.125: w = (-0.3125, 1.25).
struct StepOnLine : testing::Test {
  StepOnLine() : rerun(std::make_unique<Line>(), {.level = see::TapeLevel::stats}) {
    rerun.advance();
    rerun.advance();
    stepper = std::make_unique<Stepper>(rerun.tape(), see::StepperOptions{}, &rerun);
    stepper->ended();
  }
  std::string say(const std::string& line) { return stepper->execute(line); }
  Rerun rerun;
  std::unique_ptr<Stepper> stepper;
};

}  // namespace gradus::test
