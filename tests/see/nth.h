// The element of a list by its place on the tape, which is signed; a place that is none throws.
#pragma once

#include <gradus/see/tape.h>

namespace gradus::test {

template <class List>
auto& nth(List& list, see::TapeIndex i) {
  return list.at(static_cast<std::size_t>(i));
}

}  // namespace gradus::test
