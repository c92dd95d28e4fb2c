// Why does it not learn? 6: labels that count from 1.
#include <gradus/gradus.h>

#include <cstdio>
#include <memory>

using namespace gradus;

int main(int words, char**) try {
  const bool mended = words > 1;  // any word behind the program's name mends it
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  const Tensor labels = digits.train.labels + 1;  // as a file from elsewhere may have them
  const auto train =
      std::make_shared<data::TensorDataset>(digits.train.images, mended ? labels - 1 : labels);
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
} catch (const Error& error) {
  std::printf("%s\n", error.what());
}
