// What health says of a program, for its tests.
#pragma once

#include <gradus/see/health.h>
#include <gradus/see/recorder.h>

namespace gradus::test {

/// The diagnostics of the program f, all of them, as lines without places.
template <class F>
std::string health_of(F&& f, const see::HealthOptions& options = {}) {
  see::Recorder recorder({.level = see::TapeLevel::full});
  f();
  recorder.finish();
  std::string text;
  for (const Diagnostic& d : see::health(recorder.tape(), options)) text += d.str() + "\n";
  return text;
}

}  // namespace gradus::test
