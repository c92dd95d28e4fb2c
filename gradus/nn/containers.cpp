// Lists of layers; see containers.h.
#include <gradus/nn/containers.h>

namespace gradus::nn {

Tensor ModuleList::forward(const Tensor&) {
  throw ValueError("a ModuleList does not say in which order its modules run",
                   "call its modules, or use Sequential", called_at());
}

void ModuleList::visit_fields(const FieldVisitor& visitor) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (visitor.copies_pointers) layers_[i].module = layers_[i].copy(*layers_[i].module);
    visitor.module(std::to_string(i), *layers_[i].module);
  }
}

Tensor Sequential::forward(const Tensor& x) {
  const Place at = called_at();
  Tensor y = x;
  for (std::size_t i = 0; i < size(); ++i) {
    Scope scope(std::to_string(i));
    y = (*this)[i](y, at);
  }
  return y;
}

}  // namespace gradus::nn
