// Card: what an operation says of itself to people. `gradus ops`, docs/ops.md, error messages and
// explain are made from it.
#pragma once

#include <string_view>

namespace gradus {

struct Card {
  std::string_view name;     ///< "softmax"; the name in registry, programs and messages
  std::string_view also;     ///< names elsewhere, comma-separated: "torch.softmax, tf.nn.softmax"
  std::string_view onnx;     ///< operator of ONNX with the same meaning, or empty
  std::string_view formula;  ///< LaTeX
  std::string_view doc;      ///< one sentence, with attributes in backquotes
  std::string_view shapes;   ///< "x [..., n] -> [..., n]"
};

}  // namespace gradus
