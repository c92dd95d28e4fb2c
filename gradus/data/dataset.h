// Datasets: numbered samples, and the ways to take a part of one. From here: sampler.h (in which
// order), loader.h (in batches).
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
/// copy; other dtypes as they are. Each sample is flattened when `flat`. Throws ShapeError unless
/// both are contiguous with a first axis of one size; get() throws IndexError for an index outside.
/// (torch.utils.data.TensorDataset)
class TensorDataset : public Dataset {
 public:
  TensorDataset(Tensor x, Tensor y, double scale = 256, bool flat = true,
                Place at = Place::current());
  TensorDataset(const ImageSet& set, double scale = 256, Place at = Place::current())
      : TensorDataset(set.images, set.labels, scale, true, at) {}
  std::int64_t size() const override { return x_.size(0); }
  Batch get(std::span<const std::int64_t> indices) const override;

 private:
  Tensor x_, y_;
  bool flat_;
  float scale_;  // bytes are divided by it
};

/// Chosen samples of a data set, in the order of `indices`. (torch.utils.data.Subset)
class Subset : public Dataset {
 public:
  /// Throws IndexError for an index outside the data set.
  Subset(std::shared_ptr<const Dataset> dataset, Ints indices, Place at = Place::current());
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Batch get(std::span<const std::int64_t> indices) const override;
  const Ints& indices() const { return indices_; }

 private:
  std::shared_ptr<const Dataset> dataset_;
  Ints indices_;
};
std::shared_ptr<const Subset> subset(std::shared_ptr<const Dataset> dataset, Ints indices,
                                     Place at = Place::current());

/// Parts of the given sizes without common samples, chosen by one permutation of the default
/// generator or of `generator`. Throws ValueError unless the sizes are 0 or more and add up to the
/// data set. (torch.utils.data.random_split)
std::vector<std::shared_ptr<const Subset>> random_split(std::shared_ptr<const Dataset> dataset,
                                                        const Ints& sizes,
                                                        Generator* generator = nullptr,
                                                        Place at = Place::current());
/// Sizes of the parts of n samples by share: n * share rounded down, what is left one by one to the
/// first parts. {.8, .2} of 11 are 9 and 2. Throws ValueError unless the shares add up to 1.
Ints split_sizes(std::int64_t n, std::span<const double> shares, Place at = Place::current());
inline Ints split_sizes(std::int64_t n, std::initializer_list<double> shares,
                        Place at = Place::current()) {
  return split_sizes(n, std::span(shares.begin(), shares.size()), at);
}

}  // namespace gradus::data
