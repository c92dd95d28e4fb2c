// See double_stretch.h.
#include <gradus/see/double_stretch.h>
#include <gradus/see/health_rules.h>

namespace gradus::see {

bool both_stretch(const Shape& a, const Shape& b, const Shape& result) {
  return a != result && b != result && a.rank() != b.rank() && a.rank() > 0 && b.rank() > 0;
}

std::string both_stretch_text(const std::string& call, const StretchedSide& a,
                              const StretchedSide& b, const Spec& result) {
  const StretchedSide& less = a.spec.shape.rank() < b.spec.shape.rank() ? a : b;
  std::string axes;
  for (int axis = less.spec.shape.rank(); axis < result.shape.rank(); ++axis) axes += "None,";
  for (int axis = 0; axis < less.spec.shape.rank(); ++axis) axes += axis ? ",:" : ":";
  return call + ": both sides stretch, " + sizes_text(a.spec.shape) + " and " +
         sizes_text(b.spec.shape) + " -> " + sizes_text(result.shape) + ", " +
         bytes_text(bytes_of(result)) + " from " + bytes_text(bytes_of(a.spec) + bytes_of(b.spec)) +
         ". If meant, write the new axis: " + less.name + "[" + axes + "].";
}

}  // namespace gradus::see
