// B2: both sides of an operation stretch, as (n,1) and (n,) do to (n,n). health.h says it of a
// tape, expression.h of what somebody types.
#pragma once

#include <string>

#include <gradus/core/shape.h>
#include <gradus/core/tensor.h>

namespace gradus::see {

/// Whether both differ from their result where one has fewer axes. Written axes are meant: only a
/// missing one surprises.
bool both_stretch(const Shape& a, const Shape& b, const Shape& result);

struct StretchedSide {
  std::string name;
  Spec spec;
};
/// "a - b: both sides stretch, (3,1) and (3,) -> (3,3), 36 B from 24 B. If meant, write the new
/// axis: b[None,:]."
std::string both_stretch_text(const std::string& call, const StretchedSide& a,
                              const StretchedSide& b, const Spec& result);

}  // namespace gradus::see
