// Why does it not learn? 3: the loss stays where guessing leaves it.
// Pixels go from 0 to 255 here. The first step is so long that no hidden unit is ever above 0
// again.
#include <gradus/gradus.h>

#include <cstdio>
#include <memory>

using namespace gradus;

int main(int words, char**) {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  const auto train = std::make_shared<data::TensorDataset>(
      digits.train, mended ? 256 : 1);  // pixels are divided by it
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  optim::SGD sgd(net.parameters(), {.lr = 0.2});
  int step = 0;
  for (auto [x, y] : data::DataLoader(train, {.batch_size = 100})) {
    const Tensor loss = cross_entropy(net(x), y);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
}
