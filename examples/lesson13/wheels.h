// The library draws wheels, `see::Gears`; what they are made of is said here.
#pragma once

#include <gradus/gradus.h>
#include <gradus/see/gears.h>

#include <string>
#include <vector>

namespace lesson {
using namespace gradus;

/// The slope of a formula, derived on paper, at a place.
inline double slope_at(const std::string& f, const std::string& by, double place) {
  return symbolic::evaluate(symbolic::derivative(symbolic::parse(f), by), {{by, place}});
}

/// A chain as a train of wheels, one for each factor.
inline see::Gears train(const std::string& title, const std::vector<see::Factor>& factors) {
  see::Gears gears;
  gears.title = title;
  gears.wheels = factors;
  gears.value = gears.product();
  return gears;
}

}  // namespace lesson
