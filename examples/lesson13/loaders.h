// A data set and three loaders of one's own.
#pragma once

#include <gradus/gradus.h>

#include <algorithm>
#include <deque>
#include <future>
#include <numeric>
#include <random>

namespace lesson {
using namespace gradus;
using gradus::data::Batch;
using Numbers = std::vector<std::int64_t>;

// **A data set: so many pairs, and pair i.**
// `i` is a number, a slice or a list of numbers: whatever indexes a tensor.
struct Pairs {
  Tensor x, y;
  std::int64_t size() const { return x.size(0); }
  Batch operator[](const Index& i) const { return {x[i], y[i]}; }
};

// **A loader, version 1: slices in order.**
// A loader hands its batches to a function, `use`, one after the other.
struct SliceLoader {
  const Pairs& set;
  std::int64_t bs;
  template <class Use>
  void each(Use use) const {
    for (std::int64_t i = 0; i < set.size(); i += bs) use(set[Slice{i, i + bs}]);
  }
};

// **Version 2: who says which, who groups, who stacks.**
// A sampler is an order of indices, a batch sampler groups it, `collate` stacks single pairs.
inline Numbers sampler(std::int64_t n, bool shuffle, std::mt19937& random) {
  Numbers order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  if (shuffle) std::shuffle(order.begin(), order.end(), random);
  return order;
}
inline std::vector<Numbers> batch_sampler(const Numbers& order, std::size_t bs, bool drop_last) {
  std::vector<Numbers> batches;
  for (std::int64_t i : order) {
    if (batches.empty() || batches.back().size() == bs) batches.emplace_back();
    batches.back().push_back(i);
  }
  if (drop_last && !batches.empty() && batches.back().size() < bs) batches.pop_back();
  return batches;
}
inline Batch collate(const std::vector<Batch>& pairs) {
  Tensors xs, ys;
  for (const Batch& pair : pairs) {
    xs.push_back(pair.x);
    ys.push_back(pair.y);
  }
  return {stack(xs), stack(ys)};
}
struct SampledLoader {
  const Pairs& set;
  std::size_t bs;
  bool shuffle;
  mutable std::mt19937 random{42};
  template <class Use>
  void each(Use use) const {
    for (const Numbers& batch : batch_sampler(sampler(set.size(), shuffle, random), bs, false)) {
      std::vector<Batch> pairs;
      for (std::int64_t i : batch) pairs.push_back(set[i]);
      use(collate(pairs));
    }
  }
};

// **Version 3: workers.**
// While the net learns from one batch, others make the next: here `workers` batches are on their
// way at any time, and they are used in the order in which they were asked for. (Python forks
// processes for this. A forked child repeats its parent's random numbers: each needs its own seed.)
struct WorkerLoader {
  const Pairs& set;
  std::size_t bs, workers;
  template <class Use>
  void each(Use use) const {
    std::mt19937 unused;
    std::deque<std::future<Batch>> on_their_way;
    const auto use_next = [&] {
      use(on_their_way.front().get());
      on_their_way.pop_front();
    };
    for (const Numbers& batch : batch_sampler(sampler(set.size(), false, unused), bs, true)) {
      on_their_way.push_back(std::async(std::launch::async, [this, batch] {
        return set[Tensor::of(batch, {static_cast<std::int64_t>(batch.size())})];
      }));
      if (on_their_way.size() > workers) use_next();
    }
    while (!on_their_way.empty()) use_next();
  }
};

// **What the library's is like.**
// The library's loader is a range of batches; this lets it speak as the others do.
struct LibraryLoader {
  data::DataLoader loader;
  template <class Use>
  void each(Use use) const {
    for (const Batch& batch : loader) use(batch);
  }
};

}  // namespace lesson
