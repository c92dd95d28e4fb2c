// Why does it not learn? 2: the loss rises, though each gradient is right.
// The step adds to gradients that the step before has left.
#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

int main(int words, char**) {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  optim::SGD sgd(net.parameters(), {.lr = 0.5});
  int step = 0;
  for (int epoch = 0; epoch < 3; ++epoch)
    for (auto [x, y] : data::DataLoader(digits.train, {.batch_size = 100})) {
      const Tensor loss = cross_entropy(net(x), y);
      if (++step % 15 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
      loss.backward();
      sgd.step();
      if (mended) sgd.zero_grad();
    }
}
