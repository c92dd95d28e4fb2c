// Why does it not learn? 7: the loss is inf, then nan.
// Probabilities first and their logarithm then: a probability may underflow to 0.
#include <gradus/gradus.h>

#include <cstdio>
#include <memory>

using namespace gradus;

int main(int words, char**) {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  const auto train = std::make_shared<data::TensorDataset>(
      digits.train, 1);  // pixels from 0 to 255: large outputs
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  optim::SGD sgd(net.parameters(), {.lr = 0.0007});
  int step = 0;
  for (auto [x, y] : data::DataLoader(train, {.batch_size = 100})) {
    const Tensor out = net(x);
    const Tensor logp = mended ? log_softmax(out, 1) : log(softmax(out, 1));
    const Tensor loss = nll(logp, y);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
}
