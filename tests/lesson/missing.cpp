// Layers with a part missing, for the compiler alone: CMakeLists.txt compiles this file once for
// each part, and reads what the compiler says.
#include <examples/lesson13/module.h>

using gradus::Tensor;

struct Own : lesson::Module<Own> {
#ifndef WITHOUT_FORWARD
  Tensor forward(In x) { return 2 * x; }
#endif
#ifndef WITHOUT_BACKWARD
  void backward(In g, In x) { x.set_grad(2 * g); }
#endif
};

struct OwnNn : gradus::nn::Module {
#ifndef WITHOUT_NN_FORWARD
  Tensor forward(const Tensor& x) override { return 2 * x; }
#endif
};

Tensor call(const Tensor& x) {
  Own own;
  OwnNn own_nn;
  return own(x) + own_nn(x);
}
