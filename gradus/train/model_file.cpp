// Models to files and back; see model_file.h.
#include <gradus/train/model_file.h>

#include <cmath>
#include <set>

#include <gradus/io/safetensors.h>

namespace gradus {
namespace {

std::string shortened(const std::string& text) {
  return text.size() > 200 ? text.substr(0, 200) + "..." : text;
}

/// "0.weight", "0.bias", "2.weight" ... as the text of layers.
std::string guess_layers(const io::SafeTensors& file, const std::string& path) {
  auto fail = [&](const std::string& why) {
    return DataError("'" + path + "' does not hold a model that gradus knows: " + why,
                     "names are 0.weight [out, in], 0.bias [out], 2.weight ..., as in a PyTorch "
                     "Sequential of Linear and ReLU");
  };
  std::string layers;
  std::int64_t width = -1, last = -1;
  std::set<std::string> used;
  for (std::int64_t place = 0; used.size() < file.tensors.size(); ++place) {
    if (place > last + 2 && place > 0) {
      std::string others;
      for (const auto& [name, tensor] : file.tensors)
        if (!used.contains(name)) others += (others.empty() ? "'" : ", '") + name + "'";
      throw fail((layers.empty() ? "it has " : "beside " + layers + " it has ") +
                 shortened(others));
    }
    const Tensor* weight = file.find(std::to_string(place) + ".weight");
    if (!weight) continue;
    if (weight->ndim() != 2)
      throw fail("weight " + std::to_string(place) + " is " + weight->spec().str());
    if (width >= 0 && weight->size(1) != width)
      throw fail("layer " + std::to_string(place) + " takes " + std::to_string(weight->size(1)) +
                 " values, the one before gives " + std::to_string(width));
    if (width >= 0 && place == last + 2) layers += "; ReLU()";
    const Tensor* bias = file.find(std::to_string(place) + ".bias");
    used.insert(std::to_string(place) + ".weight");
    if (bias) used.insert(std::to_string(place) + ".bias");
    layers +=
        (layers.empty() ? "" : "; ") +
        ("Linear(" + std::to_string(weight->size(1)) + ", " + std::to_string(weight->size(0))) +
        (bias ? ")" : ", no bias)");
    width = weight->size(0);
    last = place;
  }
  if (layers.empty()) throw fail("it has no tensors");
  return layers;
}

ModelFile model_in(const io::SafeTensors& file, const std::string& path, Place at) {
  const auto listed = file.metadata.find("gradus.layers");
  const std::string layers =
      listed == file.metadata.end() ? guess_layers(file, path) : listed->second;
  // Drawing initial weights must not move the caller's random stream.
  const std::string random_state = default_generator().state();
  // A file may name huge layers in a few bytes: the tensors it really holds are the bound.
  std::int64_t held = 0;
  for (const auto& [name, tensor] : file.tensors) held += tensor.numel();
  ModelFile model;
  try {
    model.net = nn::make_layers(layers, held, at);
    model.net.load_state_dict(file.tensors, at);
  } catch (...) {
    default_generator().set_state(random_state);
    throw;
  }
  default_generator().set_state(random_state);
  model.metadata = file.metadata;
  if (const auto scale = file.metadata.find("gradus.scale"); scale != file.metadata.end()) {
    model.scale = std::strtod(scale->second.c_str(), nullptr);
    if (!(model.scale > 0) || !std::isfinite(model.scale))
      throw DataError("'" + path + "' has the pixel scale '" + scale->second + "'",
                      "it is 256 or 255");
  }
  return model;
}

}  // namespace

void save_model(const std::string& path, nn::Sequential& net, double scale,
                std::map<std::string, std::string> metadata, Place at) {
  io::SafeTensors file;
  file.tensors = net.state_dict();
  file.metadata = std::move(metadata);
  file.metadata["gradus.layers"] = nn::layer_list(net);
  file.metadata["gradus.scale"] = to_text(scale);
  io::save_safetensors(path, file, at);
}

ModelFile load_model(const std::string& path, Place at) {
  return with_place(at, [&] { return model_in(io::load_safetensors(path, at), path, at); });
}

}  // namespace gradus
