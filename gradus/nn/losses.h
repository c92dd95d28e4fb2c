// Losses with their settings, as values to call: loss(output, target). Each calls the function of
// its name; the functions themselves are losses too, Trainer(net, optimizer, cross_entropy).
#pragma once

#include <gradus/ops/ops.h>

namespace gradus::nn {

/// Scores [n,c], class numbers [n] or probabilities [n,c]. (torch.nn.CrossEntropyLoss)
struct CrossEntropyLoss {
  CrossEntropyOptions options{};
  Tensor operator()(const Tensor& scores, const Tensor& target, Place at = Place::current()) const {
    return cross_entropy(scores, target, options, at);
  }
};
/// Log-probabilities [n,c], class numbers [n]. (torch.nn.NLLLoss)
struct NLLLoss {
  CrossEntropyOptions options{};
  Tensor operator()(const Tensor& log_probabilities, const Tensor& target,
                    Place at = Place::current()) const {
    return nll(log_probabilities, target, options, at);
  }
};
/// Equal shapes. (torch.nn.MSELoss)
struct MSELoss {
  std::string reduction = "mean";
  Tensor operator()(const Tensor& output, const Tensor& target, Place at = Place::current()) const {
    return mse(output, target, reduction, at);
  }
};
/// Equal shapes; targets in 0..1. (torch.nn.BCEWithLogitsLoss)
struct BCEWithLogitsLoss {
  std::string reduction = "mean";
  Tensor operator()(const Tensor& logits, const Tensor& target, Place at = Place::current()) const {
    return binary_cross_entropy_with_logits(logits, target, reduction, at);
  }
};

}  // namespace gradus::nn
