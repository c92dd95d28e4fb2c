// DataLoader: batches of a data set, in order or shuffled, for a range-for:
//   for (auto [x, y] : DataLoader(set, {.batch_size = 64})) ...
#pragma once

#include <memory>

#include <gradus/core/generator.h>
#include <gradus/data/mnist.h>

namespace gradus::data {

struct Batch {
  Tensor x, y;
};

/// Something with numbered samples. get() is called from worker threads, several at a time, when
/// prefetching: it must not change the data set.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// The samples at `indices`, stacked.
  virtual Batch get(std::span<const std::int64_t> indices) const = 0;
};

/// Rows of two tensors. Bytes (u8) come out as f32 divided by `scale`, which is folded into the
/// copy; other dtypes as they are. Each sample is flattened when `flat`.
/// (torch.utils.data.TensorDataset)
class TensorDataset : public Dataset {
 public:
  TensorDataset(Tensor x, Tensor y, double scale = 256, bool flat = true);
  TensorDataset(const ImageSet& set, double scale = 256)
      : TensorDataset(set.images, set.labels, scale) {}
  std::int64_t size() const override { return x_.size(0); }
  Batch get(std::span<const std::int64_t> indices) const override;

 private:
  Tensor x_, y_;
  bool flat_;
  std::vector<float> bytes_;  // what each byte becomes
};

struct LoaderOptions {
  std::int64_t batch_size = 64;
  bool shuffle = false;
  bool drop_last = false;
  /// Batches made ahead on worker threads; 0 makes them when asked. Neither the order nor the
  /// batches depend on it, nor on the number of workers.
  int prefetch = 0;
  /// Threads that make batches when prefetching; more than `prefetch` have nothing to do.
  int workers = 1;
  /// Where seeds are drawn; the default generator when null.
  Generator* generator = nullptr;
};

/// Each pass draws from the generator as PyTorch's DataLoader does: one 64-bit base seed, then,
/// when shuffling, one 64-bit seed of a fresh generator that makes the permutation.
class DataLoader {
 public:
  /// Throws ValueError for a batch size below 1, and for prefetching without a worker.
  DataLoader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options);
  DataLoader(const ImageSet& set, const LoaderOptions& options)
      : DataLoader(std::make_shared<TensorDataset>(set), options) {}

  /// Number of batches in a pass, and of samples in the data set.
  std::int64_t batches() const;
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
};

/// The two loaders of a training run.
struct Loaders {
  DataLoader train, valid;
};
/// A loader that shuffles the training set, and one that walks the validation set in order with
/// twice the batch size: without gradients there is room for it. `options` gives the rest
/// (prefetch, workers, generator). (get_dls of fast.ai's miniai)
Loaders get_dls(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> valid,
                std::int64_t batch_size, LoaderOptions options = {});

}  // namespace gradus::data
