// Stepper::tell, for the files of its commands; see step.h and step_json.h.
#pragma once

#include <gradus/see/step.h>
#include <gradus/see/step_json.h>

namespace gradus::see {

template <class... What>
void Stepper::tell(const std::string& field, const What&... what) {
  if (options_.json) told_.emplace_back(field, json_text(what...));
}

}  // namespace gradus::see
