// Which data set a saved model belongs to: gradus train writes its name into the model, gradus eval
// goes by it.
#pragma once

#include <gradus/gradus.h>
#include <gradus/train/model_file.h>

namespace gradus::app {

/// The name under which data::load finds the set again, for the model's metadata "gradus.data":
/// "digits", or that of the folder. No path: equal runs give equal files everywhere.
std::string name_for_later(const data::ImageData& data);

/// What `asked` names; where it is empty, the set that the model was trained on, and for a model
/// that does not say so the default. Says on stderr when a model is asked about other data than its
/// own. Throws IoError where its own is not here.
data::ImageData data_of_model(const ModelFile& model, const std::string& path,
                              const std::string& asked);

/// Throws ShapeError unless the model takes images of that size, and DataError where it gives fewer
/// classes than the set has. `set` is a name for messages.
void check_fits(nn::Sequential& net, const Tensor& images, const std::string& set,
                std::int64_t classes = 0);

}  // namespace gradus::app
