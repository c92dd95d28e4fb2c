// A solution of exercise 2. Every image of the batch contributes to w and b: their gradients sum
// over the batch, in w's case inside the product.
#include <exercises/checks.h>

using namespace gradus;

static void lin_grad(const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b) {
  inp.set_grad(matmul(out.grad(), w.T()));
  w.set_grad(matmul(inp.T(), out.grad()));
  b.set_grad(out.grad().sum({0}));
}

static const exercises::Exercise exercise{
    2, "The gradients of a linear layer",
    [](exercises::Check& check) { exercises::check_lin_grad(check, lin_grad); }};
