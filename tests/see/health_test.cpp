// Health: for each code a recorded program that triggers it, with the whole text, and one that
// nearly does and must stay silent. The lesson's own numbers are in health_lesson_test.cpp.
#include <gradus/autograd/backward.h>
#include <gradus/autograd/transforms.h>
#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>
#include <gradus/see/health.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include <tests/see/health_of.h>

using namespace gradus;
using test::health_of;
using testing::HasSubstr;

namespace {

TEST(Health, B2BothSidesStretch) {
  const Tensor a = Tensor(rand({100, 1})).set_name("a"), b = Tensor(rand({100})).set_name("b");
  EXPECT_EQ(health_of([&] { (void)(a - b); }),
            "B2 warn   a - b: both sides stretch, (100,1) and (100,) -> (100,100), 40 kB from 800 "
            "B. If meant, write the new axis: b[None,:].\n");
  EXPECT_EQ(health_of([&] { (void)(a - b[{newaxis, all}]); }), "");
  EXPECT_EQ(health_of([&] { (void)(rand({100, 5}) + rand({5})); }), "");
}

TEST(Health, S3SqueezeDropsTheBatchAxis) {
  EXPECT_EQ(health_of([] {
              squeeze(rand({1, 1}));
            }),
            "S3 warn   squeeze() of (1,1) also drops the batch axis: result (). Use [:,0].\n");
  EXPECT_EQ(health_of([] {
              squeeze(rand({4, 1}));
              squeeze(rand({1, 1}), {-1});
            }),
            "");
}

TEST(Health, M1LargeTemporary) {
  const Tensor x = Tensor(randint(0, 9, {500, 40})).set_name("x"),
               g = Tensor(randint(0, 9, {500, 30})).set_name("out.g");
  const auto program = [](const Tensor& left, const Tensor& right) {
    return sum(expand_dims(left, -1) * expand_dims(right, 1), {0});
  };
  EXPECT_EQ(health_of([&] { program(x, g); }),
            "M1 warn   (x.unsqueeze(-1) * out.g.unsqueeze(1)).sum(0) makes a temporary "
            "i64[500,40,30] = 4.8 MB for a result of 9.6 kB. Same value without it: x.t() @ "
            "out.g.\n");
  EXPECT_EQ(matmul(x.T(), g).to_vector<std::int64_t>(), program(x, g).to_vector<std::int64_t>());
  // The same product of floating numbers is deferred: no temporary is made.
  EXPECT_EQ(health_of([&] { program(astype(x, DType::f32), astype(g, DType::f32)); }), "");
}

/// Three steps of sum((x w1 w2)^2) with an optimizer that owns `owned`.
void train(const std::vector<std::string>& owned, bool zero, int backwards = 1) {
  manual_seed(3);
  Tensor w1 = randn({4, 4}).set_requires_grad().set_name("w1"),
         w2 = randn({4, 4}).set_requires_grad().set_name("w2");
  Tensors parameters;
  for (const std::string& name : owned) parameters.push_back(name == "w1" ? w1 : w2);
  optim::SGD sgd(parameters, {.lr = 1e-4});
  const Tensor x = rand({8, 4});
  for (int step = 0; step < 3; ++step) {
    if (zero) w1.zero_grad(), w2.zero_grad();
    for (int k = 0; k < backwards; ++k) mean(square(matmul(matmul(x, w1), w2))).backward();
    const Scope here("sgd");
    sgd.step();
  }
}

TEST(Health, T1GradientsOfTheStepBefore) {
  const std::string text = health_of([] { train({"w1", "w2"}, false); });
  EXPECT_THAT(text, testing::MatchesRegex(
                        "T1 warn   w1.g still holds step 0 when step 1 adds to it: norm [0-9.]+, "
                        "of which [0-9.]+ is new. zero_grad\\(\\) forgotten\\? \\(loss [0-9.]+ "
                        "next\\)\\. If meant: accumulate\\(k\\).\n"));
  EXPECT_EQ(health_of([] { train({"w1", "w2"}, true); }), "");
  // Two backward passes before one update: meant.
  EXPECT_EQ(health_of([] { train({"w1", "w2"}, true, 2); }), "");
  EXPECT_EQ(health_of([] { train({"w1", "w2"}, false); }, {.accumulate = 3}), "");
}

TEST(Health, T2ParameterThatNothingUses) {
  EXPECT_EQ(health_of(
                [] {
                  train({"w1", "w2"}, true);
                },
                {.parameters = {"w1", "w2", "w3"}}),
            "T2 warn   w3 has not changed for 3 steps: no path from loss (never in a backward). "
            "Not used in forward()?\n");
  EXPECT_EQ(health_of([] { train({"w1", "w2"}, true); }, {.parameters = {"w1", "w2"}}), "");
  // A weight drawn and scaled that no loss reaches: told if it has a name of its own, as those of
  // nets have; if not, it was only looked at.
  const auto beside = [](const std::string& name) {
    return health_of([&] {
      Tensor weight = ones({2, 2}).set_requires_grad();
      if (!name.empty()) weight = weight.set_name(name);
      {
        const NoGrad initial;
        weight.mul_(2);
      }
      sum(weight).item();
      train({"w1", "w2"}, true);
    });
  };
  EXPECT_EQ(beside("w3"),
            "T2 warn   w3 has not changed for 3 steps: no path from loss (never in a backward). "
            "Not used in forward()?\n");
  EXPECT_EQ(beside(""), "");
}

TEST(Health, T3ParameterThatTheOptimizerDoesNotOwn) {
  EXPECT_EQ(health_of([] { train({"w1"}, true); }),
            "T3 warn   optimizer does not own w2: it gets gradients but no updates.\n");
  // Near misses: a parameter that is frozen and left out, one that a look at slopes beside the
  // training differentiates, one whose optimizer is another.
  EXPECT_EQ(health_of([] {
              const Tensor frozen = Tensor(ones({4, 4})).set_name("w0");
              Tensor w1 = ones({4, 1}).set_requires_grad().set_name("w1"), w2 = w1.clone();
              w2 = w2.detach().set_requires_grad().set_name("w2");
              optim::SGD one({w1}, {.lr = 1e-4}), other({w2}, {.lr = 1e-4});
              const Tensor x = rand({8, 4});
              for (int step = 0; step < 3; ++step) {
                one.zero_grad(), other.zero_grad();
                mean(square(matmul(matmul(x, frozen), w1 + w2))).backward();
                one.step(), other.step();
              }
              Tensor probe = ones({4, 1}).set_requires_grad().set_name("probe");
              sum(square(probe)).backward();
            }),
            "");
}

TEST(Health, N1FirstValueThatIsNotFinite) {
  const Tensor one_hot = tensor({{0., 1.}, {1., 0.}});
  // exp(-118.2) is 0 in f32; log(0) is -inf; -inf * 0 is NaN.
  EXPECT_EQ(health_of([&] {
              Tensor x = tensor({{-118.2, 0.}, {1., 2.}}).set_name("x");
              Tensor p = exp(x).set_name("p");
              Tensor logp = log(p).set_name("logp");
              sum(one_hot * logp);
            }),
            "N1 error  first non-finite value: t2 log, logp[0,0] = log(0) = -inf; input p[0,0] = "
            "0 was exp(-118.2) underflowing at t1; NaN follows at t3 (0 * -inf). 1 of 4 "
            "elements.\n          Keep the input of log above 0: log(x + eps), or clip(x, eps). "
            "[n- shows t1]\n");
  EXPECT_THAT(
      health_of([&] {
        sum(one_hot * log(softmax(tensor({{-118.2, 0.}, {1., 2.}}), 1)));
      }),
      HasSubstr("\n          Use log_softmax(x) instead of log(softmax(x)). [n- shows t1]"));
  EXPECT_EQ(health_of([&] {
              sum(one_hot * log_softmax(tensor({{-118.2, 0.}, {1., 2.}}), 1));
            }),
            "");
}

TEST(Health, N2ExpOverflows) {
  const auto naive = [](double most) {
    Tensor x = tensor({most, 0.}).set_name("x");
    const Tensor e = exp(x);
    (void)(e / sum(e));
  };
  EXPECT_EQ(health_of([&] { naive(118.5); }),
            "N2 error  exp overflows f32 above 88.72; x reaches 118.5 here -> inf. Subtract the "
            "row maximum first, or use softmax / log_softmax.\n");
  EXPECT_EQ(health_of([&] { naive(88.7); }), "");
  EXPECT_EQ(std::exp(88.72F), std::exp(88.72F));
  EXPECT_TRUE(std::isfinite(std::exp(88.72F)));
  EXPECT_FALSE(std::isfinite(std::exp(88.73F)));
}

TEST(Health, N3WhereHidesANaN) {
  Tensor x = tensor({0., 1., -2.}).set_requires_grad().set_name("x");
  const Tensor zero = Tensor::scalar(0, DType::f32);
  EXPECT_EQ(health_of([&] { sum(where(x > 0, log(x), zero)).backward(); }),
            "N3 warn   where(x > 0, log(x), 0): the NaN is hidden forward but returns in backward "
            "(0 * inf). Make the input safe first: where(x > 0, log(where(x > 0, x, 1)), 0).\n");
  EXPECT_FALSE(std::isfinite(x.grad().to_vector<float>()[0]));
  // The repair that it names.
  x.zero_grad();
  EXPECT_EQ(
      health_of([&] {
        sum(where(x > 0, log(where(x > 0, x, Tensor::scalar(1, DType::f32))), zero)).backward();
      }),
      "");
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 1, 0}));
}

TEST(Health, L2SoftmaxTwice) {
  manual_seed(1);
  const Tensor scores = randn({64, 10}), labels = randint(0, 10, {64});
  EXPECT_THAT(health_of([&] { cross_entropy(softmax(scores, 1), labels); }),
              testing::MatchesRegex(
                  "L2 warn   cross_entropy expects raw scores; these rows lie in \\[0,1\\] and "
                  "sum to 1 \\(off by [1-9]e-[78]\\): softmax applied twice\\?\n"));
  EXPECT_EQ(health_of([&] { cross_entropy(scores, labels); }), "");
  EXPECT_EQ(health_of([&] { cross_entropy(sigmoid(scores), labels); }), "");
}

TEST(Health, L3FirstLossFarAboveThatOfGuessing) {
  // Scores 0 and 23.6 for every row's label: the loss is 11.8 + ln(...) by hand below.
  Tensor scores = zeros({4, 10});
  scores[{all, 0}].add_(11.8);
  const double expected = 11.8 + std::log1p(9 * std::exp(-11.8));
  const Tensor labels = tensor({1, 2, 3, 4});
  char text[160];
  std::snprintf(text, sizeof text,
                "L3 note   first loss is %.2f; 10 balanced classes should start near ln 10 = "
                "2.303: last layer starts too large.\n",
                expected);
  EXPECT_EQ(health_of([&] { cross_entropy(scores, labels); }), text);
  EXPECT_EQ(health_of([&] { cross_entropy(scores / 10.0, labels); }), "");
}

/// Nine layers of sigmoid(h w + shift).
void deep(double shift) {
  manual_seed(2);
  Tensors weights;
  for (int layer = 1; layer <= 9; ++layer)
    weights.push_back(Tensor(randn({32, 32}) * 0.3)
                          .set_requires_grad()
                          .set_name("lin" + std::to_string(layer) + ".w"));
  Tensor h = randn({64, 32});
  for (int layer = 0; layer < 9; ++layer) {
    {
      const Scope here("lin" + std::to_string(layer + 1));
      h = matmul(h, weights[static_cast<std::size_t>(layer)]) + shift;
    }
    const Scope here("sigmoid" + std::to_string(layer + 1));
    h = sigmoid(h);
  }
  mean(square(h)).backward();
}

/// Adam divides its rate by a bias correction; what is told is the rate it was given.
TEST(Health, X1AndD1NameTheRateOfAdam) {
  const auto steps = [](double lr, const std::function<Tensor(const Tensor&)>& loss) {
    Tensor w = ones({4, 4}).set_requires_grad();
    w.set_name("w");
    optim::Adam adam({w}, {.lr = lr});
    return health_of([&] {
      for (int step = 0; step < 3; ++step) {
        adam.zero_grad();
        loss(w).backward();
        adam.step();
      }
    });
  };
  const Tensor x = rand({600, 4});
  const auto square_error = [&](const Tensor& w) { return mean(square(matmul(x, w))); };
  EXPECT_THAT(steps(5, square_error), HasSubstr("in one step at lr 5; w moved by"));
  EXPECT_EQ(steps(0.01, square_error), "");
  const auto active = [&](const Tensor& w) { return sum(relu(matmul(x, w))); };
  EXPECT_THAT(steps(4, active), HasSubstr("4 of 4 units are 0 for all 1200 rows since step 1 "
                                          "(0 before it, lr 4)"));
  EXPECT_EQ(steps(0.01, active), "");
}

/// w [4,n], trained by plain steps on a loss, as a run that can be taken up again.
class Trained final : public see::StepProgram {
 public:
  using Loss = std::function<Tensor(const Tensor& w)>;
  Trained(Loss loss, std::int64_t units, double rate) : loss_(std::move(loss)), rate_(rate) {
    w_ = ones({4, units}).set_requires_grad();
    w_.set_name("w");
  }
  void run(see::TapeIndex) override {
    ++*runs_;
    w_.zero_grad();
    loss_(w_).backward();
    no_grad([&] { w_.sub_(rate_ * w_.grad()); });
  }
  Tensor loss(see::TapeIndex) override { return loss_(w_); }
  std::vector<std::pair<std::string, Tensor>> state() override { return {{"w", w_}}; }
  void restore(const see::Checkpoint& from) override { w_.copy_(from.tensors[0].second); }
  double lr() const override { return rate_; }
  void set_lr(double rate) override { rate_ = rate; }
  std::unique_ptr<StepProgram> fresh(DType) const override {
    auto other = std::make_unique<Trained>(loss_, w_.size(1), rate_);
    other->runs_ = runs_;
    return other;
  }
  std::shared_ptr<int> runs_ = std::make_shared<int>(0);

 private:
  Loss loss_;
  double rate_;
  Tensor w_;
};

/// The diagnostics of `code` that three steps give; and how often a step ran.
std::pair<std::string, int> after_three_steps(const Trained::Loss& loss, std::int64_t units,
                                              double rate, const std::string& code,
                                              see::TapeLevel level = see::TapeLevel::stats) {
  auto program = std::make_unique<Trained>(loss, units, rate);
  const std::shared_ptr<int> runs = program->runs_;
  see::Rerun rerun(std::move(program), {.level = level});
  for (int step = 0; step < 3; ++step) rerun.advance();
  std::string text;
  for (const Diagnostic& d : see::health(rerun.tape(), {.rerun = &rerun}))
    if (d.code == code) text += d.str() + "\n";
  return {text, *runs};
}

/// Elements that were not kept are those of steps that run again; none does where few are dead in
/// the end.
TEST(Health, D1OfATapeOfStatistics) {
  const Tensor x = rand({600, 4}), few = rand({200, 4});
  const auto active = [](const Tensor& rows) {
    return [rows](const Tensor& w) { return sum(relu(matmul(rows, w))); };
  };
  const std::string all =
      "D1 warn   relu: 10 of 10 units are 0 for all 1200 rows since step 1 (0 "
      "before it, lr 4): they get gradient 0 and cannot recover. Lower lr; "
      "bound the init; leaky_relu.\n";
  EXPECT_EQ(after_three_steps(active(x), 10, 4, "D1", see::TapeLevel::full), std::pair(all, 3));
  EXPECT_EQ(after_three_steps(active(x), 10, 4, "D1"), std::pair(all, 5));
  EXPECT_EQ(after_three_steps(active(x), 10, 1e-4, "D1"), std::pair(std::string(), 3));
  EXPECT_EQ(after_three_steps(active(few), 10, 4, "D1").first, "");  // 400 rows are not enough
}

/// The last words say what to do: with a rate that was tried, or one that moves w as far as is
/// healthy.
TEST(Health, X1EndsWithAFix) {
  const Tensor x = rand({64, 4});
  const auto loss = [&](const Tensor& w) { return mean(square(matmul(x, w))); };
  Tensor w = ones({4, 1}).set_requires_grad();
  loss(w).backward();
  const auto length = [](const Tensor& t) { return std::sqrt(sum(square(t)).item()); };
  const double gentle = 0.001 * length(w.detach()) / length(w.grad());
  const double gentler_loss = loss(w.detach() - gentle * w.grad()).item();
  const auto text = [](const char* format, double a, double b = 0) {
    char line[100];
    std::snprintf(line, sizeof line, format, a, b);
    return std::string(line);
  };
  // A hundredth of 200 is too much as well.
  EXPECT_THAT(after_three_steps(loss, 1, 200, "X1").first,
              HasSubstr(text("(healthy: about 0.1 %%). From the same start lr %.3g gives %.5g.\n",
                             gentle, gentler_loss)));
  const std::string alone = health_of([&] {
    Trained program(loss, 1, 200);
    program.run(0);
    program.run(1);
  });
  EXPECT_THAT(
      alone,
      HasSubstr(text("(healthy: about 0.1 %%). Lower lr: at %.2g it moves by 0.1 %%.", gentle)));
  EXPECT_THAT(alone, HasSubstr(text("; w moved by %.3g times its length", 200 * 0.001 / gentle)));
  EXPECT_THAT(after_three_steps(loss, 1, 1e30, "X1").first,
              HasSubstr(" -> inf in one step at lr 1e30; w moved by "));
}

TEST(Health, X2VanishingGradients) {
  EXPECT_THAT(health_of([] { deep(8); }),
              testing::MatchesRegex(
                  "X2 warn   gradients vanish: \\|lin1.w.g\\|/\\|lin9.w.g\\| = [0-9e.-]+ over 9 "
                  "layers; first collapse at sigmoid1 \\([0-9.]+ % of units beyond .*4\\).\n"));
  EXPECT_EQ(health_of([] { deep(0); }), "");
}

TEST(Health, AllowSilencesACode) {
  const Tensor a = rand({100, 1}), b = rand({100});
  EXPECT_EQ(health_of([&] { (void)(a - b); }, {.allow = {"B2"}}), "");
  const Allow meant("B2");
  EXPECT_EQ(health_of([&] { (void)(a - b); }), "");
}

TEST(Health, TellsAPlaceOnceWithACount) {
  see::Recorder recorder({.level = see::TapeLevel::stats});
  const int place = __LINE__ + 1;
  for (int i = 0; i < 3; ++i) (void)(rand({20, 1}) - rand({20}));
  (void)(rand({20, 1}) - rand({20}));
  recorder.finish();
  const std::vector<Diagnostic> found = see::health(recorder.tape());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].count, 3);
  EXPECT_EQ(found[0].place, "health_test.cpp:" + std::to_string(place));
  EXPECT_EQ(found[1].count, 1);
  EXPECT_THAT(see::health_text(found),
              HasSubstr("\n          at health_test.cpp:" + std::to_string(place) + ", 3 times\n"));
  EXPECT_EQ(see::health_text({}), "healthy: no mistake that has a code was met\n");
}

TEST(CheckGradient, K1AtAKink) {
  const auto f = [](std::span<const Tensor> x) { return Tensors{relu(x[0])}; };
  const auto lines = [&](double at) {
    std::string text;
    const Tensor x = Tensor::scalar(at, DType::f64);
    for (const Diagnostic& d : see::check_gradient("relu", f, std::span(&x, 1)))
      text += d.str() + "\n";
    return text;
  };
  EXPECT_EQ(lines(0),
            "K1 ok     relu at exactly 0: numeric 0.5, ours 0; left slope 0, right slope 1, "
            "anything between is valid.\n");
  EXPECT_EQ(lines(0.5), "");
  EXPECT_EQ(lines(-0.5), "");
}

TEST(CheckGradient, K2PlantedFactors) {
  // y = 0.301 sum w^2: the slope at w = 1 is 0.602 for each element; the planted rules are off.
  const auto lines = [](double factor) {
    const CustomFunction planted{
        .name = "planted",
        .forward = [](std::span<const Tensor> in) { return Tensors{0.301 * sum(square(in[0]))}; },
        .backward =
            [factor](std::span<const Tensor> in, std::span<const Tensor>,
                     std::span<const Tensor> g) {
              Tensor slope = 0.602 * in[0] * g[0];
              Tensor wrong = ones_like(in[0]);
              wrong[{1, 0}].copy_(Tensor::scalar(factor, DType::f64));
              return Tensors{slope * wrong};
            }};
    const Tensor x = ones({2, 3}, DType::f64);
    const std::string name = "lin1.w";
    std::string text;
    for (const Diagnostic& d : see::check_gradient(
             "lin1", [&](std::span<const Tensor> v) { return planted(v); }, std::span(&x, 1),
             std::span(&name, 1)))
      text += d.str() + "\n";
    return text;
  };
  EXPECT_EQ(lines(2),
            "K2 error  gradcheck lin1.w[1,0]: analytic 1.204, numeric 0.602, ratio 2.000: factor "
            "2?\n");
  EXPECT_EQ(lines(-1),
            "K2 error  gradcheck lin1.w[1,0]: analytic -0.602, numeric 0.602, ratio -1.000: "
            "sign?\n");
  EXPECT_EQ(lines(1), "");
}

}  // namespace
