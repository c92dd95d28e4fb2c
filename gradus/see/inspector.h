// Inspector: stops a running program, shows the tensors at hand, and takes commands, like the
// debugger of the lesson. In user code it stops where a line says so:
//
//   see::Inspector inspector(std::cin, std::cout);
//   ...
//   GRADUS_BREAKPOINT(inp, w, b, out);      // anywhere below; nothing happens without inspector
//
// and inside the library by a filter, because every operation passes one door:
//
//   inspector.stop_at("lin2").stop_at("matmul").stop_at("*.backward");
//
// What can be typed after `p` is in expression.h.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::see {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct InspectorOptions {
  std::string prompt = "(gradus) ";
  /// Write each command after the prompt: for commands from a file, so that the output reads like a
  /// session.
  bool echo = false;
};

/// The inspector of its thread while it lives; a later one takes over until it ends. Commands come
/// from `in`, one a line; everything is written to `out`; both must live as long. When `in` ends,
/// the program runs on without stopping, as after `q`.
class Inspector {
 public:
  Inspector(std::istream& in, std::ostream& out, InspectorOptions options = {});
  ~Inspector();
  Inspector(const Inspector&) = delete;
  Inspector& operator=(const Inspector&) = delete;

  /// Stops after calls that `pattern` names; `*` stands for any characters. A pattern may name an
  /// operation (`matmul`), a module or Scope (`lin2`, `net.lin2`: at its first call each time it is
  /// entered), or in a backward pass the call that is being differentiated (`matmul.backward`,
  /// `lin2.backward`, `*.backward`: at its first call).
  Inspector& stop_at(std::string pattern);
  /// How often it stopped.
  int stops() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Stops here where this thread has an inspector; see GRADUS_BREAKPOINT.
void breakpoint(std::vector<NamedTensor> tensors, Place at = Place::current());
/// Whether this thread has an inspector.
bool is_inspected();

/// "f32[2,3] strides [3,1]: 1 2 3 ...  min 1 max 6 mean 3.5 std 1.7", one line; the elements of a
/// deferred product are not computed for it.
std::string describe(const Tensor& x);

namespace detail {
/// Tensors with the names that stand in "a, b".
std::vector<NamedTensor> name_all(std::string_view names, std::initializer_list<Tensor> tensors);
}  // namespace detail

/// Stops with these tensors, under their names in the source.
#define GRADUS_BREAKPOINT(...)                                                                   \
  (::gradus::see::is_inspected()                                                                 \
       ? ::gradus::see::breakpoint(::gradus::see::detail::name_all(#__VA_ARGS__, {__VA_ARGS__})) \
       : void())

}  // namespace gradus::see
