// Models and their data sets; see model_data.h.
#include <apps/commands/model_data.h>

#include <algorithm>
#include <cstdio>

namespace gradus::app {

std::string name_for_later(const data::ImageData& data) {
  if (data.folder.empty()) return "digits";
  return data.name == "digits" ? "digits/" : data.name;  // a folder of that name is not drawn
}

data::ImageData data_of_model(const ModelFile& model, const std::string& path,
                              const std::string& asked) {
  const auto found = model.metadata.find("gradus.data");
  const std::string own = found == model.metadata.end() ? "" : found->second;
  if (!asked.empty() || own.empty()) {
    data::ImageData data = data::load(asked);
    if (!own.empty() && name_for_later(data) != own)
      std::fprintf(stderr, "gradus: note: %s was trained on %s, not on %s\n", path.c_str(),
                   own.c_str(), data.name.c_str());
    return data;
  }
  try {
    return data::load(own);
  } catch (const IoError&) {
    throw IoError("'" + path + "' was trained on '" + own + "', which is not here",
                  "say where it is: --data DIR; GRADUS_DATA names a default folder");
  }
}

void check_fits(nn::Sequential& net, const Tensor& images, const std::string& set,
                std::int64_t classes) {
  std::int64_t takes = 0, gives = 0;
  for (const auto& [name, x] : net.state_dict())
    if (x.ndim() == 2) {
      if (takes == 0) takes = x.size(1);
      gives = x.size(0);
    }
  const std::int64_t pixels = images.numel() / std::max<std::int64_t>(images.size(0), 1);
  if (pixels != takes)
    throw ShapeError("'" + set + "' has images of " + std::to_string(pixels) +
                         " pixels, the model takes " + std::to_string(takes),
                     takes == 784 ? "give pictures of 28 x 28 pixels"
                                  : "give pictures of the size the model was trained on");
  if (gives < classes)
    throw DataError("the model gives " + std::to_string(gives) + " classes, " + set + " has " +
                        std::to_string(classes),
                    "give the data it was trained on: --data DIR");
}

}  // namespace gradus::app
