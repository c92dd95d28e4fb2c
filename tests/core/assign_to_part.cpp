// For the compiler alone: it must refuse this, and say what to write instead.
#include <gradus/gradus.h>

void assign(gradus::Tensor& x, const gradus::Tensor& v) {
  x = v;
#ifdef TO_A_PART
  x[{0, 1}] = v;
#endif
}
