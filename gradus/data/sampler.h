// Samplers: in which order a pass takes the samples, and how they fall into batches. The draws are
// PyTorch's. From here: loader.h.
#pragma once

#include <memory>
#include <optional>

#include <gradus/core/error.h>
#include <gradus/core/generator.h>
#include <gradus/core/shape.h>

namespace gradus::data {

/// The indices of one pass. A sampler draws when asked, each pass anew.
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// How many indices a pass has.
  virtual std::int64_t size() const = 0;
  virtual Ints indices() const = 0;
};

/// 0, 1, ... n-1. (torch.utils.data.SequentialSampler)
class SequentialSampler : public Sampler {
 public:
  explicit SequentialSampler(std::int64_t n) : n_(n) {}
  std::int64_t size() const override { return n_; }
  Ints indices() const override;

 private:
  std::int64_t n_;
};

struct RandomSamplerOptions {
  bool replacement = false;
  std::optional<std::int64_t> num_samples{};  ///< of a pass; n by default
  /// Where the indices are drawn. When null, the default generator gives one 64-bit seed to a fresh
  /// generator that draws them.
  Generator* generator = nullptr;
};
/// Indices below n in random order: permutations one after the other, or independent draws with
/// replacement. (torch.utils.data.RandomSampler)
class RandomSampler : public Sampler {
 public:
  /// Throws ValueError when n or num_samples is negative, or n is 0 and samples are asked for.
  explicit RandomSampler(std::int64_t n, const RandomSamplerOptions& options = {},
                         Place at = Place::current());
  std::int64_t size() const override { return options_.num_samples.value_or(n_); }
  Ints indices() const override;

 private:
  std::int64_t n_;
  RandomSamplerOptions options_;
};

/// The given indices in random order, drawn from `generator`, or else from the default one.
/// (torch.utils.data.SubsetRandomSampler)
class SubsetRandomSampler : public Sampler {
 public:
  explicit SubsetRandomSampler(Ints indices, Generator* generator = nullptr)
      : indices_(std::move(indices)), generator_(generator) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Ints indices() const override;

 private:
  Ints indices_;
  Generator* generator_;
};

/// Cuts a sampler's pass into batches; the last one may be smaller, unless `drop_last`.
/// (torch.utils.data.BatchSampler)
class BatchSampler {
 public:
  /// Throws ValueError for a batch size below 1.
  BatchSampler(std::shared_ptr<const Sampler> sampler, std::int64_t batch_size,
               bool drop_last = false, Place at = Place::current());
  /// Number of batches in a pass.
  std::int64_t size() const;
  /// The batches of one pass, drawn anew.
  std::vector<Ints> batches() const;

 private:
  std::shared_ptr<const Sampler> sampler_;
  std::int64_t batch_size_;
  bool drop_last_;
};

}  // namespace gradus::data
