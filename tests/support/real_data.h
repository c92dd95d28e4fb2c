// The real data sets, where they are at hand: GRADUS_DATA (its folder or the folder above), or
// shared/data beside the source tree.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace gradus {

/// The folder of "mnist" or "fashion-mnist", or nothing.
inline std::optional<std::string> real_data(const std::string& name) {
  std::string roots[2] = {std::string(GRADUS_SOURCE_DIR) + "/../shared/data", ""};
  if (const char* given = std::getenv("GRADUS_DATA")) roots[1] = given;
  for (const std::string& root : roots)
    for (const std::string& folder : {root + "/" + name, root}) {
      struct stat status {};
      if (folder.ends_with(name) &&
          ::stat((folder + "/train-images-idx3-ubyte.gz").c_str(), &status) == 0)
        return folder;
    }
  return {};
}

}  // namespace gradus

/// Names the folder, or skips the test and says what is missing.
#define GRADUS_REAL_DATA(variable, name)                                 \
  const std::optional<std::string> variable = ::gradus::real_data(name); \
  if (!variable)                                                         \
  GTEST_SKIP() << "real " name " is not at hand: set GRADUS_DATA to the folder above it"
