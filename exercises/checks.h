// What each exercise is held against. Each takes what the learner wrote; the expected values come
// from the library's own operations and its automatic gradients, never from a solution.
#pragma once

#include <exercises/exercise.h>

namespace exercises {

using gradus::Tensor;
using Unary = std::function<Tensor(const Tensor&)>;
using Binary = std::function<Tensor(const Tensor&, const Tensor&)>;

/// 1. [n,k] and [k,m] -> [n,m].
void check_matmul(Check& check, const Binary& matmul);

/// 2. Sets the gradients of inp [n,in], w [in,out], b [out] from that of out [n,out].
using LinGrad =
    std::function<void(const Tensor& inp, const Tensor& out, const Tensor& w, const Tensor& b)>;
void check_lin_grad(Check& check, const LinGrad& lin_grad);

/// 3. A layer that was called and can go back: what the checks need of Relu and Mse.
struct Layer {
  std::function<Tensor(const Tensor&, const Tensor&)> call;  ///< the second for Mse alone
  std::function<void()> backward;
};
void check_relu(Check& check, const Layer& relu);
void check_mse(Check& check, const Layer& mse);

/// 4. Along the last axis of [n,c]: [n], and [n,c].
void check_logsumexp(Check& check, const Unary& logsumexp);
void check_log_softmax(Check& check, const Unary& log_softmax);

/// 5. Share of rows of preds [n,c] whose largest number stands at the label [n].
using Accuracy = std::function<double(const Tensor& preds, const Tensor& labels)>;
void check_accuracy(Check& check, const Accuracy& accuracy);

/// 6. One epoch of batches of `bs` rows with steps of `lr`; returns how many batches there were.
using TrainEpoch = std::function<int(gradus::nn::Module& model, const Tensor& x, const Tensor& y,
                                     std::int64_t bs, double lr)>;
void check_train_epoch(Check& check, const TrainEpoch& train_epoch);

}  // namespace exercises
