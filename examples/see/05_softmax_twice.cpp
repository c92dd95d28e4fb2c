// Why does it not learn? 5: the loss falls, but slowly, and never below 1.46.
// The net ends in a softmax, and cross_entropy has one of its own.
#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

int main(int words, char**) {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  optim::SGD sgd(net.parameters(), {.lr = 0.2});
  int step = 0;
  for (auto [x, y] : data::DataLoader(digits.train, {.batch_size = 100})) {
    const Tensor out = net(x);
    const Tensor loss = cross_entropy(mended ? out : softmax(out, 1), y);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
}
