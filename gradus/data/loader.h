// DataLoader: batches of a data set, in order or shuffled, for a range-for:
//   for (auto [x, y] : DataLoader(set, {.batch_size = 64})) ...
#pragma once

#include <gradus/data/dataset.h>
#include <gradus/data/sampler.h>

namespace gradus::data {

struct LoaderOptions {
  std::int64_t batch_size = 64;
  bool shuffle = false;
  bool drop_last = false;
  /// Batches made ahead on worker threads; 0 makes them when asked. Neither the order nor the
  /// batches depend on it, nor on the number of workers.
  int prefetch = 0;
  /// Threads that make batches when prefetching; more than `prefetch` have nothing to do.
  int workers = 1;
  /// Where the draws come from; the default generator when null.
  Generator* generator = nullptr;
  /// The order of a pass, in place of `shuffle`.
  std::shared_ptr<const Sampler> sampler{};
};

/// Each pass draws as PyTorch's DataLoader does: one 64-bit base seed from the generator; then,
/// when shuffling, one 64-bit seed of a fresh generator that makes the permutation, or, where
/// options.generator is given, the permutation from that one. (torch.utils.data.DataLoader)
class DataLoader {
 public:
  /// Throws ValueError for no data set (nullptr), a batch size below 1, for prefetching without a
  /// worker, and for both a sampler and `shuffle`. Errors of the data set in a pass that know no
  /// place name `at`.
  DataLoader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options,
             Place at = Place::current());
  DataLoader(const ImageSet& set, const LoaderOptions& options, Place at = Place::current())
      : DataLoader(std::make_shared<TensorDataset>(set, 256, at), options, at) {}

  /// Number of batches in a pass, and of samples in the data set.
  std::int64_t batches() const { return batches_.size(); }
  std::int64_t samples() const { return dataset_->size(); }

  class Pass;
  class Iterator {
   public:
    explicit Iterator(std::shared_ptr<Pass> pass) : pass_(std::move(pass)) {}
    Batch operator*() const;
    Iterator& operator++();
    bool operator!=(const Iterator& end) const;

   private:
    std::shared_ptr<Pass> pass_;
  };
  Iterator begin() const;
  Iterator end() const { return Iterator(nullptr); }

 private:
  std::shared_ptr<const Dataset> dataset_;
  LoaderOptions options_;
  BatchSampler batches_;
  Place at_;
};

/// The two loaders of a training run.
struct Loaders {
  DataLoader train, valid;
};
/// A loader that shuffles the training set, and one that walks the validation set in order with
/// twice the batch size: without gradients there is room for it. `options` gives the rest
/// (prefetch, workers, generator). (get_dls of fast.ai's miniai)
Loaders get_dls(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> valid,
                std::int64_t batch_size, LoaderOptions options = {}, Place at = Place::current());

}  // namespace gradus::data
