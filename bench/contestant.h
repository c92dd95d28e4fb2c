// What bench/peers asks of a net at the other end of a pipe, and the files it hands over.
// From here: worker.cpp.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

class Contestant {
 public:
  virtual ~Contestant() = default;
  /// Losses of the first `steps` steps from the first weights; the weights afterwards go to `out`,
  /// f32, layer by layer, W [out, in] before b.
  virtual std::vector<double> gate(int steps, const std::string& out) = 0;
  /// Seconds of `steps` steps, which go on through the epoch.
  virtual double time(int steps) = 0;
};

/// All values of a file without a header.
template <class T>
std::vector<T> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::vector<T> values(static_cast<std::size_t>(in.tellg()) / sizeof(T));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(values.data()),
          static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

}  // namespace bench
