// What callgrind counts: one thing of the list, done so many times. tools/instructions.py runs it
// twice with different numbers, so that what comes before and after falls out of the difference.
#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>
#include <gradus/see/recorder.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>

using namespace gradus;

namespace {

/// The lesson's net and step: 784-50-10, batch 64, cross-entropy, SGD.
class Lesson {
 public:
  Lesson()
      : net_(nn::make_layers("Linear(784, 50); ReLU(); Linear(50, 10)")),
        sgd_(net_.parameters(), {.lr = 0.1}),
        batch_{rand({64, 784}), randint(0, 10, {64})} {}

  void eager_step() {
    const Tensor loss = cross_entropy(net_(batch_.x), batch_.y);
    loss.backward();
    sgd_.step();
    sgd_.zero_grad();
  }
  void compiled_step() {
    if (!compiled_)
      compiled_ = std::make_unique<CompiledStep>(
          net_, sgd_,
          [](const Tensor& output, const Tensor& y) { return cross_entropy(output, y); }, [] {});
    (*compiled_)(batch_, false);
  }

 private:
  nn::Sequential net_;
  optim::SGD sgd_;
  data::Batch batch_;
  std::unique_ptr<CompiledStep> compiled_{};
};

/// Lesson 13's own step, all rows at once: 784-50-1, mean squared error.
class Regression {
 public:
  void step() {
    sgd_.zero_grad();
    const Tensor out = matmul(relu(matmul(x_, w1_) + b1_), w2_) + b2_;
    mse(squeeze(out, {-1}), y_).backward();
    sgd_.step();
  }
  void recorded_step() {
    if (!recorder_) recorder_ = std::make_unique<see::Recorder>();
    step();
  }

 private:
  Tensor x_ = rand({1000, 784}), y_ = rand({1000});
  Tensor w1_ = randn({784, 50}).set_requires_grad(), b1_ = zeros({50}).set_requires_grad(),
         w2_ = randn({50, 1}).set_requires_grad(), b2_ = zeros({1}).set_requires_grad();
  optim::SGD sgd_{{w1_, b1_, w2_, b2_}, {.lr = 1e-6}};
  std::unique_ptr<see::Recorder> recorder_{};  // statistics
};

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  manual_seed(1);
  kernels::set_num_threads(1);
  Lesson lesson;
  const std::string word = words[1];
  if (word.starts_with("lesson 13")) {  // for `tools/instructions.py hooks` alone
    Regression regression;
    for (int left = std::atoi(words[2]); left > 0; --left)
      word.ends_with("recorded") ? regression.recorded_step() : regression.step();
    return 0;
  }
  const Tensor a = full({1}, 1.5), b = full({1}, 2.5), p = full({1}, 1.5).set_requires_grad();
  const std::map<std::string, std::function<void()>> things{
      {"lesson step, compiled", [&] { lesson.compiled_step(); }},
      {"lesson step, eager", [&] { lesson.eager_step(); }},
      {"a + b on one element", [&] { a + b; }},
      {"a + b on one element, recorded", [&] { p + b; }},
  };
  const auto thing = things.find(words[1]);
  if (thing == things.end()) {
    for (const auto& [name, f] : things) std::printf("%s\n", name.c_str());
    return 2;
  }
  for (int left = std::atoi(words[2]); left > 0; --left) thing->second();
  return 0;
}
