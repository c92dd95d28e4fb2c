// Health of the lesson's own run: 784 - 50 - 1 on 50000 digits. The numbers were measured outside
// of this library (NumPy, with PyTorch's draws) when the messages were designed.
#include <gradus/autograd/backward.h>
#include <gradus/data/mnist.h>
#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/health.h>

#include <gtest/gtest.h>

#include <tests/support/real_data.h>

using namespace gradus;

namespace {

struct Rows {
  Tensor x, y;
};
Rows rows_of(const data::ImageSet& set) {
  return {(astype(set.images, DType::f32) / 256.0).reshape({set.size(), -1}),
          astype(set.labels, DType::f32)};
}

/// The lesson's net and step, with or without zero_grad; something a run can be taken up from.
struct Lesson : see::StepProgram {
  Lesson(Rows data, double rate, bool zero) : data_(std::move(data)), zero_(zero) {
    manual_seed(42);
    w1 = parameter(randn({784, 50}), "w1");
    w2 = parameter(randn({50, 1}), "w2");
    b1 = parameter(zeros({50}), "b1");
    b2 = parameter(zeros({1}), "b2");
    sgd = std::make_unique<optim::SGD>(Tensors{w1, b1, w2, b2}, optim::SGDOptions{.lr = rate});
  }
  static Tensor parameter(Tensor x, const char* name) {
    return x.set_requires_grad().set_name(name);
  }
  Tensor forward(const Tensor& x) const {
    Tensor l1, l2;
    {
      const Scope here("lin1");
      l1 = matmul(x, w1) + b1;
    }
    {
      const Scope here("relu1");
      l2 = relu(l1);
    }
    const Scope here("lin2");
    return matmul(l2, w2) + b2;
  }
  void run(see::TapeIndex) override {
    if (zero_) sgd->zero_grad();
    loss(0).backward();
    const Scope here("sgd");
    sgd->step();
  }
  Tensor loss(see::TapeIndex) override {
    const Tensor out = forward(data_.x);
    const Scope here("mse");
    return mse(squeeze(out, {-1}), data_.y);
  }
  std::vector<std::pair<std::string, Tensor>> state() override {
    return {{"w1", w1}, {"b1", b1}, {"w2", w2}, {"b2", b2}};
  }
  void restore(const see::Checkpoint& from) override {
    for (auto& [name, x] : state())
      for (const auto& [other, value] : from.tensors)
        if (name == other) x.copy_(value);
  }
  double lr() const override { return sgd->lr(); }
  void set_lr(double lr) override { sgd->set_lr(lr); }
  std::unique_ptr<StepProgram> fresh(DType) const override {
    return std::make_unique<Lesson>(data_, sgd->lr(), zero_);
  }
  Tensor w1, b1, w2, b2;
  std::unique_ptr<optim::SGD> sgd;

 private:
  Rows data_;
  bool zero_;
};

struct HealthOfTheLesson : testing::Test {
  void SetUp() override {
    const auto folder = test::real_data("mnist");
    if (!folder) GTEST_SKIP() << test::no_real_data("mnist");
    static const data::ImageData all = data::mnist(*folder);
    data_ = all;
  }
  /// Steps of the run; text of what has the code.
  std::string text(const char* code, double rate, bool zero, int steps,
                   see::TapeLevel level = see::TapeLevel::stats) {
    see::Rerun rerun(std::make_unique<Lesson>(rows_of(data_.train), rate, zero),
                     {.level = level, .budget = std::int64_t{1} << 30});
    for (int i = 0; i < steps; ++i) rerun.advance();
    std::string found;
    const std::string wanted = code;
    for (const Diagnostic& d : see::health(rerun.tape(), {.rerun = &rerun}))
      if (wanted == d.code || (wanted == "warn" && d.severity() > Severity::note) ||
          (wanted == "note" && d.severity() == Severity::note))
        found += d.str() + "\n";
    return found;
  }
  data::ImageData data_;
};

TEST_F(HealthOfTheLesson, B1) {
  const Rows valid = rows_of(data_.valid);
  const NoGrad guard;
  const Lesson lesson(rows_of(data_.valid), 1e-4, true);
  Tensor pred = lesson.forward(valid.x);
  try {
    mse(pred, valid.y);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_EQ(diagnostic_of(error)->str(),
              "B1 error  mse(pred, target): (10000,1) and (10000,) broadcast to (10000,10000): "
              "100000000 differences instead of 10000\n"
              "          The value looks right (4111.45 instead of 4154.01, gradient cosine "
              "0.999), but its best answer is \"always the mean target, 4.48\". Use pred[:,0], or "
              "target[:,None]; if meant: allow_broadcast.");
  }
}

TEST_F(HealthOfTheLesson, T1) {
  EXPECT_EQ(text("T1", 1e-4, false, 3),
            "T1 warn   w1.g still holds step 0 when step 1 adds to it: norm 4714.5, of which "
            "1471.2 is new. zero_grad() forgotten? (loss 1673.9 next, 1545.1 if zeroed). If meant: "
            "accumulate(k).\n");
}

TEST_F(HealthOfTheLesson, X1) {
  EXPECT_EQ(text("X1", 1e-3, true, 2),
            "X1 warn   loss 4308.76 -> 45991.8 (x10.7) in one step at lr 0.001; w2 moved by 64 % "
            "of its length (healthy: about 0.1 %). From the same start lr 0.0002 gives 1449.7.\n");
}

TEST_F(HealthOfTheLesson, D1) {
  for (const see::TapeLevel level : {see::TapeLevel::full, see::TapeLevel::stats})
    EXPECT_EQ(text("D1", 0.1, true, 2, level),
              "D1 warn   relu1: 19 of 50 units are 0 for all 50000 rows since step 1 (0 before it, "
              "lr 0.1): they get gradient 0 and cannot recover. Lower lr; bound the init; "
              "leaky_relu.\n");
}

TEST_F(HealthOfTheLesson, I2AndF1) {
  const std::string notes = text("note", 1e-4, true, 1, see::TapeLevel::full);
  EXPECT_NE(notes.find("F1 note   67 of 784 inputs are 0 in all 50000 rows: 3350 weights of lin1 "
                       "get gradient exactly 0.\n"),
            notes.npos)
      << notes;
  EXPECT_NE(notes.find("I2 note   lin1: output std 10.0 for input std 0.31. Weights N(0,1) with "
                       "fan-in 784; for relu use std sqrt(2/784) = 0.0505.\n"),
            notes.npos)
      << notes;
}

TEST_F(HealthOfTheLesson, TheLessonsOwnStepsGiveNoWarning) {
  EXPECT_EQ(text("warn", 1e-4, true, 2, see::TapeLevel::full), "");
}

}  // namespace
