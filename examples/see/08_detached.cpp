// Why does it not learn? 8: half of the net learns.
// A detach(), left over from looking at the hidden values, cuts the way of the gradient.
#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

struct Net : nn::Module {
  nn::Linear lin1{784, 50}, lin2{50, 10};
  bool mended = false;
  GRADUS_FIELDS(lin1, lin2)
  Tensor forward(const Tensor& x) override {
    const Tensor hidden = relu(lin1(x));
    return lin2(mended ? hidden : hidden.detach());
  }
};

int main(int words, char**) {
  manual_seed(1);
  const data::ImageData digits = data::digits({.train = 2500, .valid = 1, .test = 1});
  Net net;
  net.mended = words > 1;  // any word behind the program's name mends it
  optim::SGD sgd(net.parameters(), {.lr = 0.2});
  int step = 0;
  for (auto [x, y] : data::DataLoader(digits.train, {.batch_size = 100})) {
    const Tensor loss = cross_entropy(net(x), y);
    if (++step % 5 == 0) std::printf("step %d  loss %.3f\n", step, loss.item());
    loss.backward();
    sgd.step();
    sgd.zero_grad();
  }
}
