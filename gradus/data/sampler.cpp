// Orders; see sampler.h.
#include <gradus/core/error.h>
#include <gradus/data/sampler.h>

#include <numeric>

namespace gradus::data {

Ints SequentialSampler::indices() const {
  Ints all(static_cast<std::size_t>(n_));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

RandomSampler::RandomSampler(std::int64_t n, const RandomSamplerOptions& options, Place at)
    : n_(n), options_(options) {
  if (n < 0 || size() < 0 || (n == 0 && size() > 0))
    throw ValueError(std::to_string(size()) + " samples of " + std::to_string(n),
                     "both count; drawing needs a data set that is not empty", at);
}

Ints RandomSampler::indices() const {
  Generator fresh(0);
  Generator* source = options_.generator;
  if (!source) {
    fresh.manual_seed(default_generator().random64());
    source = &fresh;
  }
  const std::int64_t count = size();
  Ints drawn(static_cast<std::size_t>(count));
  if (options_.replacement) {
    if (count > 0) source->fill_integers(drawn.data(), count, 0, n_);
    return drawn;
  }
  // Whole permutations, then one of which the rest is taken: drawn even where the rest is none, as
  // PyTorch does, so that a given generator ends at the same place.
  drawn.clear();
  for (std::int64_t left = count; n_ > 0 && left >= 0; left -= n_) {
    const Ints order = source->permutation(n_);
    drawn.insert(drawn.end(), order.begin(), order.begin() + std::min(left, n_));
  }
  return drawn;
}

Ints SubsetRandomSampler::indices() const {
  Ints drawn;
  for (std::int64_t i : (generator_ ? *generator_ : default_generator()).permutation(size()))
    drawn.push_back(indices_[static_cast<std::size_t>(i)]);
  return drawn;
}

BatchSampler::BatchSampler(std::shared_ptr<const Sampler> sampler, std::int64_t batch_size,
                           bool drop_last, Place at)
    : sampler_(std::move(sampler)), batch_size_(batch_size), drop_last_(drop_last) {
  if (batch_size < 1)
    throw ValueError("batch_size is " + std::to_string(batch_size), "it counts samples: 1 or more",
                     at);
}

std::int64_t BatchSampler::size() const {
  const std::int64_t whole = sampler_->size() / batch_size_;
  return whole + (!drop_last_ && sampler_->size() % batch_size_ > 0 ? 1 : 0);
}

std::vector<Ints> BatchSampler::batches() const {
  const Ints order = sampler_->indices();
  std::vector<Ints> cut;
  for (std::size_t begin = 0; begin < order.size();) {
    const std::size_t end =
        begin + std::min(static_cast<std::size_t>(batch_size_), order.size() - begin);
    if (drop_last_ && end - begin < static_cast<std::size_t>(batch_size_)) break;
    cut.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                     order.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
  }
  return cut;
}

}  // namespace gradus::data
