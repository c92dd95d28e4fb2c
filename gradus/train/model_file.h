// A Sequential in a file: safetensors with PyTorch's names, and the layers in the metadata.
#pragma once

#include <map>
#include <string>

#include <gradus/nn/layers.h>

namespace gradus {

struct ModelFile {
  nn::Sequential net;
  double scale = 256;  ///< pixels are divided by this
  std::map<std::string, std::string> metadata;
};

/// Atomic. Metadata "gradus.layers" holds the layers, "gradus.scale" the scale.
void save_model(const std::string& path, nn::Sequential& net, double scale,
                std::map<std::string, std::string> metadata = {}, Place at = Place::current());
/// Without "gradus.layers" (a file that PyTorch's state_dict went into) the layers are read off the
/// names and shapes: "k.weight" [out, in] is a Linear at place k, and places between are ReLU.
/// Throws what io::load_safetensors throws; DataError where that makes no chain.
ModelFile load_model(const std::string& path, Place at = Place::current());

}  // namespace gradus
