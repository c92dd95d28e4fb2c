// F1: columns of the data that are 0 in every row a layer was given. What one tape shows of that
// may be little, so that several tapes of one run can be put together.
#pragma once

#include <map>

#include <gradus/core/diagnostic.h>
#include <gradus/see/tape.h>

namespace gradus::see {

class SilentInputs {
 public:
  /// Adds what the layers of a tape were given; elements that were not kept say nothing.
  void see(const Tape& tape);
  /// F1 for each layer with columns that were 0 in all rows so far.
  std::vector<Diagnostic> found() const;

 private:
  struct Layer {
    std::string who, place;
    std::vector<bool> silent;
    std::int64_t rows = 0, outputs = 0;
  };
  std::map<std::string, Layer> layers_;
};

}  // namespace gradus::see
