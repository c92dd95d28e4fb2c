// Rules about shapes: which calls stretch both sides, and what the repair of a temporary is worth.
#include <gradus/ops/ops.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include <tests/see/health_of.h>

using namespace gradus;
using test::health_of;
using testing::HasSubstr;

namespace {

TEST(HealthShapes, B2OfComparisonsPowersAndWhere) {
  const Tensor a = rand({100, 1}), b = rand({100});
  EXPECT_THAT(health_of([&] {
                (void)(argmax(rand({100, 10}), 1, true) == randint(0, 10, {100}));
              }),
              HasSubstr("B2 warn   a == b: both sides stretch, (100,1) and (100,) -> (100,100)"));
  EXPECT_THAT(health_of([&] { pow(a, b); }), HasSubstr("B2 warn   pow(a, b): both sides"));
  EXPECT_THAT(health_of([&] { where(a > 0.5, b, b); }),
              HasSubstr("B2 warn   where(c, a, b): both sides stretch, (100,1) and (100,)"));
  EXPECT_EQ(health_of([&] { (void)(a == b[{newaxis, all}]); }), "");
  EXPECT_EQ(health_of([&] { where(a > 0.5, a, expand_dims(b, 1)); }), "");
  // What the library's own calls do inside is meant.
  EXPECT_EQ(health_of([&] { one_hot(randint(0, 10, {100}), 10); }), "");
}

TEST(HealthShapes, AllowIsForTheCallsAroundWhichItStands) {
  const Tensor a = rand({100, 1}), b = rand({100});
  EXPECT_EQ(health_of([&] {
              const Allow meant("B2");
              (void)(a - b);
            }),
            "");
  EXPECT_EQ(health_of([&] {
              const allow_broadcast meant;
              mse(a, b);
              (void)(a - b);
            }),
            "");
  EXPECT_THAT(health_of([&] {
                {
                  const Allow meant("B2");
                  (void)(a - b);
                }
                (void)(a * b);
              }),
              HasSubstr("B2 warn   a * b"));
}

TEST(HealthShapes, ASavedTapeKnowsWhatWasMeant) {
  see::Recorder recorder({.level = see::TapeLevel::full});
  Tensor w = ones({100, 1}).set_requires_grad();
  {
    const Allow meant("B2");
    (void)(w - rand({100}));
  }
  no_grad([&] { return square(w); });
  recorder.finish();
  const std::string path = testing::TempDir() + "gradus_meant.tape";
  see::save_tape(path, recorder.tape());
  const see::Tape opened = see::open_tape(path);
  EXPECT_EQ(see::health_text(see::health(opened)), "healthy: no mistake that has a code was met\n");
  for (const see::TapeEvent& event : opened.events) {
    EXPECT_EQ(event.allowed, event.op == "sub" || event.op == "rand"
                                 ? std::vector<std::string>{"B2"}
                                 : std::vector<std::string>{})
        << event.op;
    EXPECT_EQ(event.has_history, event.op == "sub") << event.op;
  }
  std::remove(path.c_str());
}

TEST(HealthShapes, S3OfARowOfNumbers) {
  EXPECT_EQ(health_of([] {
              squeeze(rand({1, 5}));
            }),
            "S3 warn   squeeze() of (1,5) also drops the batch axis: result (5,). Leave it out: no "
            "other axis has size 1.\n");
}

/// A sum of a product of x and g; what M1 names in its place gives the same.
TEST(HealthShapes, M1NamesASumOfTheSameValue) {
  const Tensor x = Tensor(randint(0, 9, {500, 40})).set_name("x"),
               g = Tensor(randint(0, 9, {500, 30})).set_name("g"),
               h = Tensor(randint(0, 9, {40, 30})).set_name("h"),
               z = Tensor(randint(0, 9, {300, 40})).set_name("z");
  const auto check = [](const std::string& named, auto&& product, const Tensor& same) {
    Tensor result;
    EXPECT_THAT(health_of([&] { result = product(); }),
                HasSubstr("Same value without it: " + named + ".\n"));
    EXPECT_EQ(result.shape(), same.shape()) << named;
    EXPECT_EQ(result.to_vector<std::int64_t>(), same.to_vector<std::int64_t>()) << named;
  };
  check(
      "x.t() @ g", [&] { return sum(expand_dims(x, -1) * expand_dims(g, 1), {0}); },
      matmul(x.T(), g));
  check(
      "x.t() @ g", [&] { return sum(expand_dims(g, 1) * expand_dims(x, -1), {0}); },
      matmul(x.T(), g));
  check(
      "x @ h", [&] { return sum(expand_dims(x, -1) * expand_dims(h, 0), {1}); }, matmul(x, h));
  check(
      "x @ z.t()", [&] { return sum(expand_dims(x, 1) * expand_dims(z, 0), {-1}); },
      matmul(x, z.T()));
  check(
      "einsum(\"ij,ik->ik\", {x, g})",
      [&] { return sum(expand_dims(x, -1) * expand_dims(g, 1), {1}); },
      einsum("ij,ik->ik", {x, g}));
  check(
      "einsum(\"ij,ik->k\", {x, g})",
      [&] {
        return sum(expand_dims(x, -1) * expand_dims(g, 1), {0, 1});
      },
      einsum("ij,ik->k", {x, g}));
}

TEST(HealthShapes, L2AndL3OfOtherLosses) {
  manual_seed(1);
  const Tensor scores = randn({64, 10}), labels = randint(0, 10, {64});
  CrossEntropyOptions summed;
  summed.reduction = "sum";
  EXPECT_EQ(health_of([&] { cross_entropy(scores, labels, summed); }), "");
  EXPECT_THAT(health_of([&] { cross_entropy(scores * 20, labels, summed); }),
              testing::ContainsRegex("L3 note   first loss is [0-9.]+, [0-9.]+ for each of 64 "
                                     "targets; 10 balanced classes"));
  EXPECT_THAT(health_of([&] {
                cross_entropy(softmax(randn({8, 10, 5}), 1), randint(0, 10, {8, 5}));
              }),
              HasSubstr("L2 warn   cross_entropy expects raw scores"));
}

/// sqrt(2/784) is 0.0505: I2 is of weights above three times that, whose outputs spread above five
/// times as wide as the inputs. Either alone is no I2.
TEST(HealthShapes, I2IsOfWideWeightsThatMakeWideOutputs) {
  const auto start = [](double deviation, double shift) {
    manual_seed(1);
    Tensor w = Tensor(randn({784, 50}) * deviation).set_requires_grad().set_name("w");
    return health_of([&] { matmul(randn({64, 784}) + shift, w); });
  };
  EXPECT_THAT(start(0.19, 0), HasSubstr("I2 note   matmul: output std 5.3 for input std 1.00."));
  EXPECT_EQ(start(0.16, 0), "") << "wide weights: the outputs spread 4.5 times as wide";
  EXPECT_EQ(start(0.145, 1), "") << "wide outputs, 5.7: the weights are within three times";
}

}  // namespace
