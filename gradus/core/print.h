// Tensors as text: to_string(x), std::cout << x, and the options of the lesson's notebooks.
#pragma once

#include <iosfwd>

#include <gradus/core/tensor.h>

namespace gradus {

/// How tensors are printed. (torch.set_printoptions, numpy.set_printoptions)
struct PrintOptions {
  int precision = 4;       ///< digits after the point
  int linewidth = 80;      ///< characters in a line, closing brackets and commas included
  int edge_items = 3;      ///< items kept at each end of a summarised axis
  int threshold = 1000;    ///< more elements than this are summarised with "..."
  bool scientific = true;  ///< allow 1.5e-05 where fixed notation would need too many digits
};

/// The default options, a setting of the process; not synchronised: set them before other threads
/// print.
PrintOptions& print_options();

/// Nested brackets, one row a line, columns aligned, "..." where summarised; the notation is chosen
/// from the elements shown. A scalar is its number, a tensor without elements "[]". Whole numbers
/// up to 1e8 stay fixed ("[1., 10000.]"), where NumPy and PyTorch may turn to powers of ten.
std::string to_string(const Tensor& x, const PrintOptions& options = print_options());
/// One line for messages and tables: "f32[2,3] -1.25..3.5 mean 0.5" (plus nan/inf counts if any).
std::string summary(const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Tensor& x);
/// "[50000,784]"
std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace gradus
