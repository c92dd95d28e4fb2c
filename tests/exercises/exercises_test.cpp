// Exercises: solutions pass, empty bodies fail with a word, and each usual mistake is named.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <exercises/checks.h>
#include <filesystem>
#include <fstream>

namespace exercises {
namespace {

using namespace gradus;

struct Outcome {
  int status;
  std::string out;
};
Outcome run(const std::string& program) {
  const std::string command = std::string(GRADUS_EXERCISES) + "/" + program + " 2>&1";
  Outcome result{-1, ""};
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return result;
  char part[512];
  while (std::fgets(part, sizeof part, pipe)) result.out += part;
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(GRADUS_SOURCE_DIR "/exercises/solutions"))
    found.push_back(entry.path().stem().string());
  return found;
}

TEST(Exercises, EverySolutionPasses) {
  EXPECT_GE(names().size(), 6U);
  for (const std::string& name : names()) {
    const Outcome r = run("solution_" + name);
    EXPECT_EQ(r.status, 0) << r.out;
    EXPECT_EQ(r.out.find("wrong"), std::string::npos) << r.out;
  }
}

TEST(Exercises, EveryEmptyOneFailsAndSaysWhatToDo) {
  for (const std::string& name : names()) {
    const Outcome r = run("exercise_" + name);
    EXPECT_EQ(r.status, 1) << r.out;
    EXPECT_NE(r.out.find("is still empty: fill it in"), std::string::npos) << r.out;
    EXPECT_EQ(r.out.find("right  "), std::string::npos) << r.out;
  }
}

/// The text of all that is wrong.
std::string wrong(const std::function<void(Check&)>& check) {
  Check result;
  check(result);
  EXPECT_FALSE(result.passed());
  std::string text;
  for (const Check::Finding& f : result.findings())
    if (!f.ok) text += f.text + "\n";
  return text;
}
void expect_word(const std::string& text, const std::string& word) {
  EXPECT_NE(text.find(word), std::string::npos) << "'" << word << "' is not in:\n" << text;
}

std::string matmul_says(const Binary& answer) {
  return wrong([&](Check& c) { check_matmul(c, answer); });
}
TEST(Exercises, MatmulMistakesAreNamed) {
  expect_word(matmul_says([](auto& a, auto& b) { return matmul(a, b).T(); }),
              "has shape [4,2], expected [2,4]: transposed?");
  expect_word(matmul_says([](auto& a, auto& b) { return -matmul(a, b); }), "has the wrong sign");
  expect_word(matmul_says([](auto& a, auto& b) { return matmul(a, b) * .5; }),
              "is 0.5 times what it should be");
  expect_word(matmul_says([](auto& a, auto& b) {
                return zeros({a.size(0), b.size(1)});
              }),
              "is zero everywhere");
  expect_word(matmul_says([](auto& a, auto& b) {
                return a[{all, all, newaxis}] * b;
              }),
              "has shape [2,3,4], expected [2,4]: an axis is not summed over");
  expect_word(matmul_says([](auto&, auto&) { return Tensor(); }), "was not set");
  expect_word(matmul_says([](auto& a, auto& b) { return matmul(b, a); }),
              "threw an error: S1 error  matmul (3,4) @ (2,3)");
  expect_word(matmul_says([](auto& a, auto& b) {
                Tensor c = matmul(a, b).clone();
                c.data<float>()[c.size(1)] = 9;
                return c;
              }),
              "differs most at [1,0]: 9, expected ");
}

std::string lin_grad_says(const LinGrad& answer) {
  return wrong([&](Check& c) { check_lin_grad(c, answer); });
}
/// The right gradients, to be spoiled.
void right(const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b) {
  inp.set_grad(matmul(out.grad(), w.T()));
  w.set_grad(matmul(inp.T(), out.grad()));
  b.set_grad(out.grad().sum({0}));
}
TEST(Exercises, LinGradMistakesAreNamed) {
  expect_word(lin_grad_says([](auto& i, auto& o, auto& w, auto& b) {
                right(i, o, w, b);
                w.set_grad(matmul(o.grad().T(), i));
              }),
              "w.g has shape [50,784], expected [784,50]: transposed?");
  expect_word(lin_grad_says([](auto& i, auto& o, auto& w, auto& b) {
                right(i, o, w, b);
                b.set_grad(o.grad().mean({0}));
              }),
              "b.g is 0.125 times what it should be: a mean over the batch where a sum belongs?");
  expect_word(lin_grad_says([](auto& i, auto& o, auto& w, auto& b) {
                right(i, o, w, b);
                b.set_grad(o.grad());
              }),
              "b.g has shape [8,50], expected [50]: an axis is not summed over");
  expect_word(lin_grad_says([](auto& i, auto& o, auto& w, auto& b) {
                right(i, o, w, b);
                b.set_grad(o.grad().sum({0}, true));
              }),
              "b.g has shape [1,50], expected [50]: an axis of size 1 is left over");
  expect_word(lin_grad_says([](auto& i, auto& o, auto& w, auto& b) {
                right(i, o, w, b);
                b.set_grad(o.grad().sum());
              }),
              "b.g has shape [], expected [50]: summed over too many axes?");
  expect_word(lin_grad_says([](auto& i, auto& o, auto& w, auto& b) {
                right(i, o, w, b);
                i.set_grad({});
              }),
              "inp.g was not set");
}

std::string relu_says(const std::function<Tensor(const Tensor&)>& call,
                      const std::function<Tensor(const Tensor& inp, const Tensor& g)>& back) {
  Tensor inp, out;
  return wrong([&](Check& c) {
    check_relu(c, {[&](const Tensor& x, const Tensor&) { return out = call(inp = x); },
                   [&] { inp.set_grad(back(inp, out.grad())); }});
  });
}
TEST(Exercises, ReluMistakesAreNamed) {
  const auto forward = [](const Tensor& x) { return relu(x); };
  expect_word(relu_says(forward, [](auto& x, auto& g) { return (x >= 0).astype(x.dtype()) * g; }),
              "the gradient at exactly 0 is 0: use > and not >=");
  expect_word(relu_says(forward, [](auto& x, auto&) { return (x > 0).astype(x.dtype()); }),
              "multiply by out.g");
  expect_word(relu_says([](const Tensor& x) { return clamp_max(x, 0); },
                        [](auto& x, auto& g) { return (x > 0).astype(x.dtype()) * g; }),
              "relu(inp) differs most at [1,0]: 0, expected 3");
}

std::string mse_says(const Binary& call, const Binary& back) {
  Tensor inp, targ;
  return wrong([&](Check& c) {
    check_mse(c, {[&](const Tensor& x, const Tensor& y) { return call(inp = x, targ = y); },
                  [&] { inp.set_grad(back(inp, targ)); }});
  });
}
TEST(Exercises, MseMistakesAreNamed) {
  const Binary forward = [](auto& x, auto& y) { return square(x[{all, 0}] - y).mean(); };
  const Binary backward = [](auto& x, auto& y) {
    return 2 * (x[{all, 0}] - y)[{all, newaxis}] / y.size(0);
  };
  expect_word(mse_says([](auto& x, auto& y) { return square(x - y).mean(); }, backward),
              "(n,1) with (n) broadcasts to (n,n)");
  expect_word(mse_says(
                  [](auto& x, auto& y) {
                    return square(x[{all, 0}] - y).sum();
                  },
                  backward),
              "is 6 times what it should be: divide by the number of rows");
  expect_word(mse_says(forward,
                       [](auto& x, auto& y) {
                         return 2 * (x.squeeze() - y.squeeze())[{all, newaxis}] / y.size(0);
                       }),
              "Mse::backward threw an error: index(f32[])");
  expect_word(mse_says(forward, [&](auto& x, auto& y) { return backward(x, y) / 2; }),
              "inp.g is 0.5 times what it should be: a factor of 2 is missing");
  expect_word(mse_says(forward, [&](auto& x, auto& y) { return backward(x, y) * y.size(0); }),
              "divide by the number of rows");
  expect_word(mse_says(forward, [&](auto& x, auto& y) { return -backward(x, y); }), "wrong sign");
  expect_word(mse_says(forward,
                       [&](auto& x, auto& y) {
                         return backward(x, y)[{all, 0}];
                       }),
              "inp.g has shape [6], expected [6,1]: an axis of size 1 is missing");
  expect_word(mse_says(forward, [&](auto& x, auto& y) { return 2 * (x - y) / y.size(0); }),
              "inp.g has shape [6,6], expected [6,1]");
}

std::string logsumexp_says(const Unary& answer) {
  return wrong([&](Check& c) { check_logsumexp(c, answer); });
}
std::string log_softmax_says(const Unary& answer) {
  return wrong([&](Check& c) { check_log_softmax(c, answer); });
}
TEST(Exercises, SoftmaxMistakesAreNamed) {
  expect_word(logsumexp_says([](auto& x) { return log(exp(x).sum({-1})); }),
              "near 1000 holds inf at [0], expected 100");
  expect_word(logsumexp_says([](auto& x) { return log(exp(x).sum({-1}, true)); }),
              "has shape [4,1], expected [4]: an axis of size 1 is left over");
  expect_word(logsumexp_says([](auto& x) { return logsumexp(x, {-1}) / std::log(10.); }),
              "a logarithm of base 10?");
  expect_word(logsumexp_says([](auto& x) { return logsumexp(x); }),
              "has shape [], expected [4]: summed over too many axes?");
  expect_word(log_softmax_says([](auto& x) { return softmax(x); }), "the logarithm is missing");
  expect_word(log_softmax_says([](auto& x) { return log_softmax(x, 0); }),
              "sum along the last axis");
  expect_word(log_softmax_says([](auto& x) { return log(exp(x) / exp(x).sum({-1}, true)); }),
              "near 1000 holds nan at [0,0]");
  expect_word(log_softmax_says([](auto& x) { return -log_softmax(x); }), "wrong sign");
}

std::string accuracy_says(const Accuracy& answer) {
  return wrong([&](Check& c) { check_accuracy(c, answer); });
}
TEST(Exercises, AccuracyMistakesAreNamed) {
  const auto hits = [](const Tensor& p, const Tensor& y) {
    return (argmax(p, 1) == y).astype(DType::f64);
  };
  expect_word(accuracy_says([&](auto& p, auto& y) { return hits(p, y).sum().item(); }),
              "divide by the number of rows");
  expect_word(accuracy_says([&](auto& p, auto& y) { return 100 * hits(p, y).mean().item(); }),
              "that is percent");
  expect_word(accuracy_says([&](auto& p, auto& y) { return 1 - hits(p, y).mean().item(); }),
              "the share of wrong rows");
  expect_word(accuracy_says([&](auto& p, auto& y) {
                return (argmin(p, 1) == y).astype(DType::f64).mean().item();
              }),
              "expected 0.6");
  expect_word(accuracy_says([&](auto& p, auto& y) {
                const Tensor last = p.size(1) - 1 - argmax(flip(p, {1}), 1);
                return p.size(0) == 2 ? (last == y[0]).astype(DType::f64).mean().item()
                                      : hits(p, y).mean().item();
              }),
              "with ties: the first counts is 0, expected 0.5");
  expect_word(accuracy_says([&](auto& p, auto& y) {
                return (argmax(p, 0) == y).astype(DType::f64).mean().item();
              }),
              "threw an error: equal(");
}

/// The right loop with switches.
int epoch(nn::Module& net, const Tensor& x, const Tensor& y, std::int64_t bs, double step,
          bool zero = true, bool last = true) {
  int batches = 0;
  for (std::int64_t i = 0; i < x.size(0); i += bs) {
    if (!last && i + bs > x.size(0)) break;
    const Slice rows{i, i + bs};
    cross_entropy(net(x[rows]), y[rows]).backward();
    NoGrad guard;
    for (Tensor p : net.parameters()) p.sub_(p.grad() * step);
    if (zero) net.zero_grad();
    ++batches;
  }
  return batches;
}
std::string loop_says(const TrainEpoch& answer) {
  return wrong([&](Check& c) { check_train_epoch(c, answer); });
}
TEST(Exercises, LoopMistakesAreNamed) {
  expect_word(loop_says([](auto& m, auto& x, auto& y, auto bs, auto lr) {
                return epoch(m, x, y, bs, lr, false);
              }),
              "set them back to zero");
  expect_word(loop_says([](auto& m, auto& x, auto& y, auto bs, auto lr) {
                return epoch(m, x, y, bs, -lr);
              }),
              "subtract the gradient");
  expect_word(loop_says([](auto& m, auto& x, auto& y, auto bs, auto lr) {
                return epoch(m, x, y, bs, lr, true, false) + 1;
              }),
              "the last batch, of 2 rows, was left out");
  expect_word(loop_says([](auto& m, auto& x, auto& y, auto bs, auto lr) {
                return epoch(m, x, y, bs, lr, true, false);
              }),
              "batches of 4 among 10 rows is 2, expected 3");
  expect_word(
      loop_says([](auto& m, auto& x, auto& y, auto bs, auto) { return epoch(m, x, y, bs, 0); }),
      "no weight has moved");
  expect_word(
      loop_says([](auto& m, auto& x, auto& y, auto bs, auto) { return epoch(m, x, y, bs, 1); }),
      "not multiplied by lr");
  expect_word(loop_says([](auto& m, auto& x, auto& y, auto bs, auto lr) {
                return epoch(m, x, y, bs, lr / 3);
              }),
              "differs most at ");
  expect_word(loop_says([](auto& m, auto& x, auto& y, auto bs, auto lr) {
                cross_entropy(m(x[Slice{0, bs}]), y[Slice{0, bs}]).backward();
                for (Tensor p : m.parameters()) p.sub_(p.grad() * lr);
                return 3;
              }),
              "threw an error: sub_(");
}

TEST(Exercises, TheReadmeNamesThemAll) {
  std::ifstream file(GRADUS_SOURCE_DIR "/exercises/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  for (const std::string& name : names()) expect_word(readme, name + ".cpp");
}

}  // namespace
}  // namespace exercises
