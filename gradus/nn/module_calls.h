// The calls of modules that run at this moment, with their places, for whoever looks on. module.cpp
// keeps them, see/recorder.h is the user.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <gradus/core/error.h>

namespace gradus::nn {

class Module;

struct ModuleCall {
  Module* module;
  std::shared_ptr<const std::string> path;  ///< "net.lin1"; null for the outermost, which has none
  Place at;                                 ///< where it was called
};

/// Those of this thread, the outermost first; only calls that began while somebody observed.
std::span<const ModuleCall> module_calls();

}  // namespace gradus::nn
