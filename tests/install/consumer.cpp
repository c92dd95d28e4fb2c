// Ten lines against the installed library.
#include <gradus/gradus.h>
#include <iostream>
using namespace gradus;

int main() {
  Tensor x = tensor({1.0, 2.0, 3.0}).set_requires_grad();
  Tensor loss = sum(square(x));
  loss.backward();
  std::cout << x.grad() << "\n";
}
