// Why does it not learn? 9: a value that the backward pass needs is changed in place.
#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

struct Net : nn::Module {
  nn::Linear lin1{784, 50}, lin2{50, 10};
  bool mended = false;
  GRADUS_FIELDS(lin1, lin2)
  Tensor forward(const Tensor& x) override {
    Tensor hidden = tanh(lin1(x));
    if (mended)
      hidden = hidden * 2;  // a new value
    else
      hidden.mul_(2);  // saves memory, and tanh's gradient needs what was there
    return lin2(hidden);
  }
};

int main(int words, char**) try {
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  Net net;
  net.mended = words > 1;  // any word behind the program's name mends it
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  int step = 0;
  for (auto [x, y] : data::DataLoader(digits.train, {.batch_size = 100})) {
    const Tensor loss = cross_entropy(net(x), y);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
} catch (const Error& error) {
  std::printf("%s\n", error.what());
}
