// The smallest program of a stranger: the slope of x^2 at 3, through the installed headers.
#include <gradus/gradus.h>

int main() {
  gradus::Tensor x = gradus::full({1}, 3.0);
  x.set_requires_grad(true);
  gradus::sum(gradus::square(x)).backward();
  return x.grad().item<float>() == 6.0F ? 0 : 1;
}
