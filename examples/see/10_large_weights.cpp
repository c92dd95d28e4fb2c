// Why does it not learn? 10: the first loss is far above that of guessing.
// Weights from a normal distribution of width 1, though each unit adds up 784 inputs.
#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

int main(int words, char**) {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  if (!mended)
    no_grad([&] {
      for (Tensor& p : net.parameters()) p.copy_(randn(p.shape().to_vector()));
    });
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  int step = 0;
  for (auto [x, y] : data::DataLoader(digits.train, {.batch_size = 100})) {
    const Tensor loss = cross_entropy(net(x), y);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
}
