// Exercise 2. The gradients of a linear layer
//
// out = inp @ w + b. The gradient of the loss with respect to out is known, `out.grad()`. Set those
// of inp, w and b with `x.set_grad(...)`. Shapes lead the way: a gradient has the shape of its
// tensor, and only one product of the two others has it. (Lesson: chapter 11.)
#include <exercises/checks.h>

using namespace gradus;

/// inp [n,in], out [n,out], w [in,out], b [out]
static void lin_grad([[maybe_unused]] const Tensor& inp, [[maybe_unused]] const Tensor& out,
                     [[maybe_unused]] const Tensor& w, [[maybe_unused]] const Tensor& b) {
  exercises::fill_in();
}

static const exercises::Exercise exercise{
    2, "The gradients of a linear layer",
    [](exercises::Check& check) { exercises::check_lin_grad(check, lin_grad); }};
