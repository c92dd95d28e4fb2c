// The checks; see checks.h.
#include <exercises/checks.h>

#include <optional>

#include <gradus/core/diagnostic.h>

namespace exercises {

using namespace gradus;

namespace {

/// Own stream: what a learner draws does not change the questions.
Tensor normal(const Ints& shape) {
  static Generator generator(13);
  return randn(shape, DType::f32, &generator);
}

Tensor no_history(const Tensor& x) { return x.detach(); }

}  // namespace

void check_matmul(Check& check, const Binary& matmul) {
  for (const auto& [n, k, m] : {std::array{2, 3, 4}, std::array{5, 784, 10}, std::array{1, 1, 1}}) {
    const Tensor a = normal({n, k}), b = normal({k, m});
    Tensor c;
    const std::string name = "c = " + a.shape().str() + " @ " + b.shape().str() + ":";
    if (!check.attempt("matmul_by_hand", [&] { c = matmul(a, b); })) return;
    check.tensor(name, c, gradus::matmul(a, b), 0, 1e-5);
  }
}

void check_lin_grad(Check& check, const LinGrad& lin_grad) {
  for (const std::int64_t n : {8, 1}) {
    Tensor inp = normal({n, 784}).set_requires_grad(), w = normal({784, 50}).set_requires_grad(),
           b = normal({50}).set_requires_grad();
    const Tensor out = gradus::matmul(inp, w) + b, out_g = normal({n, 50});
    const Tensors expected =
        grad(std::span(&out, 1), std::vector<Tensor>{inp, w, b}, std::span(&out_g, 1));
    const Tensor i = no_history(inp), o = no_history(out), w2 = no_history(w), b2 = no_history(b);
    o.set_grad(out_g);
    if (!check.attempt("lin_grad", [&] { lin_grad(i, o, w2, b2); })) return;
    const std::string batch = n == 1 ? " (batch of 1)" : "";
    check.tensor("inp.g" + batch, i.grad(), expected[0], n);
    check.tensor("w.g" + batch, w2.grad(), expected[1], n);
    check.tensor("b.g" + batch, b2.grad(), expected[2], n);
  }
}

void check_relu(Check& check, const Layer& relu) {
  const Tensor inp = tensor({-1.5, 0., 2., 3., -.25, .5}).reshape({2, 3}),
               out_g = tensor({1., 2., 3., 4., 5., 6.}).reshape({2, 3});
  Tensor out;
  if (!check.attempt("Relu::operator()", [&] { out = relu.call(inp, {}); })) return;
  check.tensor("relu(inp)", out, gradus::relu(inp));
  if (!out.defined()) return;
  out.set_grad(out_g);
  if (!check.attempt("Relu::backward", relu.backward)) return;
  if (!check.tensor("inp.g", inp.grad(), tensor({0., 0., 3., 4., 0., 6.}).reshape({2, 3})) &&
      inp.grad().defined() && inp.grad().shape() == inp.shape()) {
    const std::vector<float> g = inp.grad().to_vector<float>();
    if (g[1] == 2) check.that(false, "", "the gradient at exactly 0 is 0: use > and not >=");
    if (g[2] == 1) check.that(false, "", "the gradient of the output is lost: multiply by out.g");
  }
}

void check_mse(Check& check, const Layer& mse) {
  for (const std::int64_t n : {6, 1}) {
    Tensor inp = normal({n, 1}).set_requires_grad();
    const Tensor targ = normal({n}), x = no_history(inp);
    const Tensor loss = square(inp[{all, 0}] - targ).mean();
    loss.backward();
    const std::string batch = n == 1 ? " (batch of 1)" : "";
    Tensor out;
    if (!check.attempt("Mse::operator()", [&] { out = mse.call(x, targ); })) return;
    const auto crossed_loss = [&] {
      const Allow meant("B2");
      return square(x - targ).mean();  // [n,1] - [n]
    };
    const Tensor crossed = crossed_loss();
    if (out.defined() && n > 1 && out.shape() == crossed.shape() &&
        std::abs(out.item() - crossed.item()) < 1e-6)
      check.that(false, "",
                 "loss is " + to_string(out) +
                     ": (n,1) with (n) broadcasts to (n,n); drop the last axis of inp first");
    else
      check.tensor("loss" + batch, out, no_history(loss), n);
    if (!check.attempt("Mse::backward", mse.backward)) return;
    check.tensor("inp.g" + batch, x.grad(), inp.grad(), n);
  }
}

void check_logsumexp(Check& check, const Unary& logsumexp) {
  const Tensor small = normal({4, 10}), large = normal({3, 5}) + 1000;
  Tensor y;
  if (!check.attempt("logsumexp_by_hand", [&] { y = logsumexp(small); })) return;
  check.tensor("logsumexp of small numbers", y, gradus::logsumexp(small, {-1}));
  if (!check.attempt("logsumexp_by_hand", [&] { y = logsumexp(large); })) return;
  check.tensor("logsumexp of numbers near 1000", y, gradus::logsumexp(large, {-1}));
}

void check_log_softmax(Check& check, const Unary& log_softmax) {
  const Tensor small = normal({4, 10}), large = normal({3, 5}) + 1000;
  Tensor y;
  if (!check.attempt("log_softmax_by_hand", [&] { y = log_softmax(small); })) return;
  const Tensor expected = gradus::log_softmax(small);
  if (y.defined() && y.shape() == expected.shape() &&
      max(abs(y - gradus::softmax(small))).item() < 1e-5)
    check.that(false, "", "log_softmax of small numbers is softmax: the logarithm is missing");
  else if (y.defined() && y.shape() == expected.shape() &&
           max(abs(y - gradus::log_softmax(small, 0))).item() < 1e-5)
    check.that(false, "", "log_softmax of small numbers adds up columns: sum along the last axis");
  else
    check.tensor("log_softmax of small numbers", y, expected);
  if (!check.attempt("log_softmax_by_hand", [&] { y = log_softmax(large); })) return;
  check.tensor("log_softmax of numbers near 1000", y, gradus::log_softmax(large), 0, 1e-4);
}

void check_accuracy(Check& check, const Accuracy& accuracy) {
  const Tensor preds = tensor({9., 1., 2., 0., 5., 3., 1., 2., 7., 4., 6., 5., 8., 0., 1.})
                           .reshape({5, 3}),
               labels = tensor({0, 2, 2, 1, 1});  // rows 0, 2 and 3 are right
  double share = 0;
  if (!check.attempt("accuracy_by_hand", [&] { share = accuracy(preds, labels); })) return;
  const std::string name = "accuracy of 3 right rows in 5";
  if (share == 3)
    check.that(false, "", name + " is 3: that counts; divide by the number of rows");
  else if (share == 60)
    check.that(false, "", name + " is 60: that is percent; a share lies between 0 and 1");
  else if (std::abs(share - .4) < 1e-6)
    check.that(false, "", name + " is 0.4: that is the share of wrong rows");
  else
    check.number(name, share, .6);
  const Tensor tied = tensor({7., 7., 7., 7.}).reshape({2, 2});
  if (!check.attempt("accuracy_by_hand", [&] { share = accuracy(tied, tensor({0, 1})); })) return;
  check.number("accuracy with ties: the first counts", share, .5);
}

namespace {

/// What one epoch does to the weights, right or with one mistake.
enum class Mistake { none, no_zero_grad, wrong_sign, drops_last, no_step, no_lr };

nn::Sequential small_net() {
  nn::Sequential net{nn::Linear(4, 3), nn::ReLU(), nn::Linear(3, 2)};
  Generator generator(7);
  NoGrad guard;
  for (Tensor& p : net.parameters()) p.copy_(randn(p.shape().to_vector(), DType::f32, &generator));
  return net;
}

Tensor weights(nn::Module& net) {
  Tensors flat;
  for (const Tensor& p : net.parameters()) flat.push_back(flatten(no_history(p)));
  return concat(flat).clone();
}

/// The mistakes are made on purpose: the loss may grow, gradients may pile up.
struct Meant {
  Allow gradients_left{"T1"}, too_far{"X1"};
};

Tensor after_epoch(const Tensor& x, const Tensor& y, std::int64_t bs, double lr, Mistake mistake) {
  std::optional<Meant> meant;
  if (mistake != Mistake::none) meant.emplace();
  nn::Sequential net = small_net();
  for (std::int64_t i = 0; i < x.size(0); i += bs) {
    const Slice rows{i, i + bs};
    if (mistake == Mistake::drops_last && i + bs > x.size(0)) break;
    cross_entropy(net(x[rows]), y[rows]).backward();
    NoGrad guard;
    for (Tensor p : net.parameters()) {
      if (mistake != Mistake::no_step)
        p.sub_(p.grad() * (mistake == Mistake::wrong_sign ? -lr
                           : mistake == Mistake::no_lr    ? 1
                                                          : lr));
      if (mistake != Mistake::no_zero_grad) p.zero_grad();
    }
  }
  return weights(net);
}

}  // namespace

void check_train_epoch(Check& check, const TrainEpoch& train_epoch) {
  const Tensor x = normal({10, 4}), y = tensor({0, 1, 1, 0, 1, 0, 0, 1, 0, 1});
  const double lr = .5;
  nn::Sequential net = small_net();
  int batches = 0;
  if (!check.attempt("train_epoch", [&] { batches = train_epoch(net, x, y, 4, lr); })) return;
  check.number("batches of 4 among 10 rows", batches, 3, 0);
  const Tensor here = weights(net);
  const auto is = [&](Mistake mistake) {
    return max(abs(here - after_epoch(x, y, 4, lr, mistake))).item() < 1e-5;
  };
  const std::pair<Mistake, const char*> known[] = {
      {Mistake::no_step, "no weight has moved: p -= lr * p.grad()"},
      {Mistake::no_zero_grad,
       "gradients of earlier batches are still in it: set them back to zero after each step"},
      {Mistake::wrong_sign, "the weights climb: subtract the gradient"},
      {Mistake::drops_last, "the last batch, of 2 rows, was left out"},
      {Mistake::no_lr, "the gradient is not multiplied by lr"}};
  for (const auto& [mistake, message] : known)
    if (is(mistake)) {
      check.that(false, "", std::string("weights after the epoch: ") + message);
      return;
    }
  check.tensor("weights after the epoch", here, after_epoch(x, y, 4, lr, Mistake::none));
}

}  // namespace exercises
