// Why does it not learn? 1: predictions of shape [100,1], targets of shape [100].
// One output says which digit it is, as a number. The loss compares it with the label.
#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

int main(int words, char**) try {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 1)};
  optim::SGD sgd(net.parameters(), {.lr = 0.02});
  int step = 0;
  for (auto [x, y] : data::DataLoader(digits.train, {.batch_size = 100})) {
    const Tensor target = astype(y, DType::f32), out = net(x);
    const Tensor loss = mse(mended ? out[{all, 0}] : out, target);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
} catch (const Error& error) {
  std::printf("%s\n", error.what());
}
