// What gdb looks at in its test: session.gdb stops in `look`.
#include <gradus/gradus.h>

using namespace gradus;

struct Net : nn::Module {
  nn::Linear lin1{2, 3};
  nn::ReLU act;
  nn::Sequential rest{nn::Linear(3, 2), nn::ReLU()};
  Tensor scale = full({2}, .5).set_requires_grad();
  GRADUS_FIELDS(lin1, act, rest, scale)
  Tensor forward(const Tensor& x) override { return rest(act(lin1(x))) * scale; }
};

[[gnu::noinline]] static void look(const Tensor& x, const Tensor& y, const Net& net) {
  asm volatile("" : : "r"(&x), "r"(&y), "r"(&net) : "memory");
}

int main() {
  Tensor x = tensor({1., 2., 3., 4., 5., 6.}).reshape({3, 2}).set_name("images");
  Tensor w = tensor({.5, -1.5}).set_requires_grad();
  Tensor column = x[{all, 1}], labels = tensor({7, 8, 9}), mask = x[0] > 1, nothing;
  Tensor sum_of = (w * w).sum();
  sum_of.backward();
  Tensor huge = mul(expand_dims(ones({3000, 1}), -1), ones({1, 1, 4000}));
  Storage storage = x.storage();
  Layout layout = column.layout();
  Shape shape = x.shape();
  Net net;
  net.eval();
  NoGrad guard;
  for (Tensor& p : net.parameters()) p.fill_(.25);
  look(x, w, net);
  return huge.ndim() + int(layout.offset) + shape.rank() + labels.ndim() + mask.ndim() +
                     nothing.defined() + int(storage.bytes()) >
                 0
             ? 0
             : 1;
}
