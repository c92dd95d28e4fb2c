// The codes that the library raises by itself: for each a program that triggers it, with the whole
// text, and one that nearly does. Wording and numbers are those of the design
// (docs/diagnostics.md).
#include <gradus/autograd/backward.h>
#include <gradus/core/diagnostic.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/layers.h>
#include <gradus/ops/ops.h>
#include <gradus/see/recorder.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

using namespace gradus;

namespace {

/// The text of the diagnostic that f throws; "silent" without one.
template <class F>
std::string text_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    const Diagnostic* d = diagnostic_of(error);
    if (!d) return std::string("no code: ") + error.what();
    EXPECT_EQ(d->str() + "\n  at: " + d->place, error.what());
    return d->str();
  }
  return "silent";
}

std::string line(int number) { return "library_codes_test.cpp:" + std::to_string(number); }

TEST(Codes, AreTwentySevenWithDifferentNames) {
  std::set<std::string_view> names;
  for (const Code& code : codes()) names.insert(code.name);
  EXPECT_EQ(names.size(), 27U);
  EXPECT_EQ(codes().size(), 27U);
  EXPECT_EQ(find_code("B1")->severity, Severity::error);
  EXPECT_EQ(find_code("b1"), nullptr);
}

TEST(Codes, B1LossOfTwoShapesThatBroadcast) {
  // By hand: pred 1 3, target 0 4. Pairs: 1, 9, 9, 1 -> 5; own: 1, 1 -> 1. Mean target 2.
  // Gradients: wrong (1-2, 3-2) = (-1, 1), right (1-0, 3-4) = (1, -1): cosine -1.
  const Tensor pred = tensor({1.0, 3.0}).reshape({2, 1}), target = tensor({0.0, 4.0});
  EXPECT_EQ(text_of([&] { mse(pred, target); }),
            "B1 error  mse(pred, target): (2,1) and (2,) broadcast to (2,2): 4 differences instead "
            "of 2\n          The value looks right (5 instead of 1, gradient cosine -1.000), but "
            "its best answer is \"always the mean target, 2\". Use pred[:,0], or target[:,None]; "
            "if meant: allow_broadcast.");
  EXPECT_EQ(text_of([&] { mse(pred[{all, 0}], target); }), "silent");
  {
    const allow_broadcast meant;
    EXPECT_EQ(mse(pred, target).item(), 5);
  }
  EXPECT_NE(text_of([&] { mse(pred, target); }), "silent");
}

/// An error stops the call whatever was allowed: that Allow would do nothing is said.
TEST(Codes, OnlyWhatIsAskedForCanBeAllowed) {
  for (const Code& code : codes()) {
    std::string said;
    try {
      const Allow meant(code.name);
    } catch (const ValueError& error) {
      said = error.what();
    }
    const bool is_warning = code.severity == Severity::warning || code.severity == Severity::note;
    const bool is_asked = code.name == "B1" || code.name == "N1" || code.name == "N2";
    EXPECT_EQ(said.empty(), is_warning || is_asked) << code.name << ": " << said;
    EXPECT_EQ(is_allowed(code.name), false) << code.name;
  }
  const auto said = [](std::string_view code) {
    try {
      const Allow meant(code);
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
    return std::string("silent");
  };
  EXPECT_EQ(
      said("G1"),
      "Allow(\"G1\"): backward of more than one number is an error, which cannot be allowed\n"
      "  hint: mend it: `gradus explain G1` shows how; what can be allowed are warnings, notes, "
      "B1, N1 and N2");
  EXPECT_EQ(said("Z9"),
            "Allow(\"Z9\"): there is no such code\n  hint: `gradus explain codes` lists all");
}

TEST(Codes, B1NumbersAreThoseOfTheWholeTable) {
  manual_seed(5);
  const Tensor x = randn({40, 1}, DType::f64), t = rand({40}, DType::f64);
  for (const bool logistic : {false, true}) {
    const auto loss = [&](const Tensor& a, const Tensor& b) {
      return logistic ? binary_cross_entropy_with_logits(a, b) : mse(a, b);
    };
    Tensor v = x.clone().set_requires_grad();
    const Tensor right = loss(squeeze(v, {1}), t);
    const Tensor right_slope = grad({right}, {v})[0];
    const allow_broadcast meant;
    const Tensor wrong = loss(v, t);
    const Tensor wrong_slope = grad({wrong}, {v})[0];
    const double cosine =
        sum(right_slope * wrong_slope).item() /
        std::sqrt(sum(square(right_slope)).item() * sum(square(wrong_slope)).item());
    char expected[160];
    std::snprintf(expected, sizeof expected,
                  "looks right (%.6g instead of %.6g, gradient cosine %.3f), but its best answer "
                  "is \"always the mean target, %.3g\"",
                  wrong.item(), right.item(), cosine, mean(t).item());
    std::string text;
    std::thread([&] {  // what is allowed belongs to a thread
      text = text_of([&] { loss(x, t); });
    })
        .join();
    EXPECT_NE(text.find(expected), text.npos) << text << "\n" << expected;
  }
}

TEST(Codes, B1OfOtherReductions) {
  // By hand, as above: the table holds 1, 9, 9, 1; the two own differences are 1 and -1.
  const Tensor pred = tensor({1.0, 3.0}).reshape({2, 1}), target = tensor({0.0, 4.0});
  EXPECT_THAT(
      text_of([&] { mse(pred, target, "sum"); }),
      testing::HasSubstr("\n          The sum is 20 instead of 2, gradient cosine -1.000; "
                         "its best answer is \"always the mean target, 2\". Use pred[:,0]"));
  EXPECT_THAT(text_of([&] { mse(pred, target, "none"); }),
              testing::HasSubstr("The mean looks right (5 instead of 1, gradient cosine -1.000)"));
  // No gradient, no cosine.
  EXPECT_THAT(text_of([] {
                mse(ones({10, 1}), ones({10}));
              }),
              testing::HasSubstr("The value looks right (0 instead of 0), but its best answer"));
}

TEST(Codes, B1OfShapesThatDifferWithoutATable) {
  EXPECT_EQ(text_of([] {
              mse(rand({1, 1}), rand({1}));
            }),
            "B1 error  mse(pred, target): (1,1) and (1,) differ.\n          Use pred[:,0], or "
            "target[:,None]; if meant: allow_broadcast.");
  EXPECT_EQ(text_of([] {
              mse(rand({10, 3}), rand({10, 1}));
            }),
            "B1 error  mse(pred, target): (10,3) and (10,1) differ: each number of target is "
            "compared with 3.\n          Bring both to one shape; if meant: allow_broadcast.");
  EXPECT_EQ(text_of([] {
              mse(rand({1, 10}), rand({10}));
            }),
            "B1 error  mse(pred, target): (1,10) and (10,) differ.\n          Bring both to one "
            "shape; if meant: allow_broadcast.");
}

TEST(Codes, L1NamesTheElementOfATable) {
  Tensor labels = zeros({8, 5}, DType::i64);
  labels[{3, 2}].copy_(Tensor::scalar(11, DType::i64));
  EXPECT_THAT(text_of([&] {
                cross_entropy(zeros({8, 10, 5}), labels);
              }),
              testing::HasSubstr("target[3,2] = 11, but there are 10 classes"));
}

TEST(Codes, S1ProductWhoseInnerSizesDiffer) {
  Tensor w = zeros({784, 1}).set_requires_grad().set_name("lin2.w");
  const int w_made = __LINE__ - 1;
  Tensor l1 = zeros({500, 50}).set_requires_grad(), l2;
  {
    const Scope here("relu1");
    l2 = relu(l1).set_name("l2");
  }
  const int made = __LINE__ - 2;
  const Scope here("net.lin2");
  EXPECT_EQ(text_of([&] { matmul(l2, w); }),
            "S1 error  lin2: matmul (500,50) @ (784,1): inner sizes 50 and 784 differ\n"
            "          left is l2 from relu1 (" +
                line(made) + "), right is lin2.w (made at " + line(w_made) +
                "). A weight of (50,1) would fit: Linear(50,1)?");
  EXPECT_EQ(text_of([&] { matmul(l2, zeros({50, 1})); }), "silent");
}

TEST(Codes, S1NamesTheParameterOfALayer) {
  nn::Linear lin2(784, 1);
  const int made = __LINE__ - 1;
  const Tensor x = zeros({500, 50});
  const std::string x_made = line(__LINE__ - 1);
  const Scope here("lin2");
  EXPECT_EQ(text_of([&] { lin2(x); }),
            "S1 error  lin2: matmul (500,50) @ (784,1): inner sizes 50 and 784 differ\n"
            "          left is a tensor without a name (made at " +
                x_made + "), right is a parameter of lin2, transposed (made at " + line(made) +
                "). A weight of (50,1) would fit: Linear(50,1)?");
  nn::Sequential net = nn::make_layers("Linear(784, 50); Linear(784, 1)");
  const std::string list_made = line(__LINE__ - 1);
  const std::string text = text_of([&] { net(zeros({5, 784})); });
  EXPECT_NE(text.find("transposed (made at " + list_made + ")"), text.npos) << text;
}

TEST(Codes, S2ReshapeToAnotherNumberOfElements) {
  EXPECT_EQ(text_of([] {
              zeros({100, 784}).reshape({100, 785});
            }),
            "S2 error  reshape(100,785) of (100,784): 78500 elements asked, 78400 there.");
  EXPECT_EQ(text_of([] {
              zeros({100, 784}).reshape({-1, 785});
            }),
            "S2 error  reshape(-1,785) of (100,784): 78400 elements are no multiple of the 785 "
            "asked beside -1.");
  EXPECT_EQ(text_of([] { zeros({100, 784}).reshape({784, 100}); }), "silent");
}

TEST(Codes, G1BackwardOfMoreThanOneNumber) {
  Tensor w = ones({50, 1}).set_requires_grad();
  Tensor out = w * 2;
  out.set_name("out");
  EXPECT_EQ(text_of([&] { out.backward(); }),
            "G1 error  backward() needs one number, out has shape (50,1) = 50 numbers. Reduce it "
            "(out.mean()) or say what to weigh them with: out.backward(g), g of shape (50,1).");
  EXPECT_EQ(text_of([&] { out.backward(ones({50, 1})); }), "silent");
}

TEST(Codes, G2NoParameterLeadsToTheLoss) {
  Tensor w = ones({3}).set_requires_grad();
  Tensor loss = sum(w.detach() * 2);
  const int cut = __LINE__ - 1;
  loss.set_name("loss");
  EXPECT_EQ(text_of([&] { loss.backward(); }),
            "G2 error  backward(): no parameter leads to loss. The path ends at detach() at " +
                line(cut) + ".");
  EXPECT_EQ(text_of([&] { sum(w.detach() * w).backward(); }), "silent");
}

TEST(Codes, ATapeTellsTheMoment) {
  // Ticks by hand: one for each call outside of modules and each module; a backward pass mirrors
  // them from its seed on.
  Tensor w = ones({3}).set_requires_grad();
  {
    const see::Recorder recorder;
    Tensor l1 = w * 1.0;  // t1
    l1.set_name("l1");
    Tensor l2 = square(l1);  // t2
    l1.add_(1);              // t3
    const int changed = __LINE__ - 1;
    EXPECT_EQ(text_of([&] { sum(l2).backward(); }),
              "I1 error  square.backward needs l1 as it was at t1; \"add_\" (" + line(changed) +
                  ", t3) changed it in place (version 0 -> 1). Write l1 = l1 + y, or save "
                  "l1.clone().");
  }
  {
    const see::Recorder recorder;
    Tensor scaled = w * 3;                   // t1
    Tensor loss = sum(scaled.detach() * 2);  // t2 and t3
    const int cut = __LINE__ - 1;
    loss.set_name("loss");
    EXPECT_EQ(
        text_of([&] { loss.backward(); }),
        "G2 error  backward(): no parameter leads to loss. The path ends at t2, detach() at " +
            line(cut) + ".");
  }
  {
    const see::Recorder recorder;
    Tensor loss = sum(w * w);  // t1 and t2
    loss.backward();           // t3 is sum's, t4 mul's
    const int released = __LINE__ - 1;
    EXPECT_EQ(text_of([&] { loss.backward(); }),
              "G3 error  backward() twice: step 0 was released at t4 (" + line(released) +
                  "). Use backward({}, /*keep_graph=*/true) or rebuild.");
  }
}

TEST(Codes, G3BackwardTwice) {
  Tensor w = ones({3}).set_requires_grad();
  Tensor loss = sum(w * w);
  const int made = __LINE__ - 1;
  loss.backward();
  EXPECT_EQ(text_of([&] { loss.backward(); }),
            "G3 error  backward() twice: what mul (" + line(made) + ") kept was released at " +
                line(made + 2) + ". Use backward({}, /*keep_graph=*/true) or rebuild.");
  Tensor again = sum(w * w);
  again.backward({}, true);
  EXPECT_EQ(text_of([&] { again.backward(); }), "silent");
}

TEST(Codes, I1ValueThatBackwardNeedsWasOverwritten) {
  Tensor w = ones({3}).set_requires_grad();
  Tensor l1 = w * 1.0, l2;
  l1.set_name("l1");
  {
    const Scope here("square1");
    l2 = square(l1);
  }
  const int made = __LINE__ - 2;
  l1.add_(1);
  EXPECT_EQ(text_of([&] { sum(l2).backward(); }),
            "I1 error  square1.backward needs l1 as it was at " + line(made) + "; \"add_\" (" +
                line(made + 3) +
                ") changed it in place (version 0 -> 1). Write l1 = l1 + y, or save l1.clone().");
  l1 = w * 1.0;
  l2 = l1 + 1;  // needs no value of l1
  l1.add_(1);
  EXPECT_EQ(text_of([&] { sum(l2).backward(); }), "silent");
}

TEST(Codes, L1LabelOutOfRange) {
  const Tensor labels = tensor({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  EXPECT_EQ(text_of([&] {
              cross_entropy(zeros({10, 10}), labels);
            }),
            "L1 error  cross_entropy: target[9] = 10, but there are 10 classes, 0..9. 1 of 10 "
            "targets out of range, min 1, max 10: labels count from 1? subtract 1.");
  EXPECT_EQ(text_of([&] { cross_entropy(zeros({10, 10}), labels - 1); }), "silent");
}

}  // namespace
