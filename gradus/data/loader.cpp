// Orders, batches and the workers that make them ahead; see loader.h.
#include <gradus/data/loader.h>

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace gradus::data {

namespace {

BatchSampler batches_of(const Dataset& dataset, const LoaderOptions& options, Place at) {
  std::shared_ptr<const Sampler> sampler = options.sampler;
  if (sampler && options.shuffle)
    throw ValueError("a loader was given a sampler and shuffle",
                     "a sampler is the order: one or the other", at);
  if (!sampler && options.shuffle)
    sampler = std::make_shared<RandomSampler>(
        dataset.size(), RandomSamplerOptions{.generator = options.generator}, at);
  if (!sampler) sampler = std::make_shared<SequentialSampler>(dataset.size());
  return {std::move(sampler), options.batch_size, options.drop_last, at};
}

std::shared_ptr<const Dataset> present(std::shared_ptr<const Dataset> dataset, Place at) {
  if (!dataset)
    throw ValueError("a DataLoader needs a data set, got nullptr",
                     "give one: std::make_shared<TensorDataset>(x, y)", at);
  return dataset;
}

}  // namespace

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options,
                       Place at)
    : dataset_(present(std::move(dataset), at)),
      options_(options),
      batches_(batches_of(*dataset_, options, at)),
      at_(at) {
  if (options.prefetch > 0 && options.workers < 1)
    throw ValueError("prefetch is " + std::to_string(options.prefetch) + " and workers " +
                         std::to_string(options.workers),
                     "batches made ahead need 1 worker or more", at);
}

/// One walk over the data set; owns the workers, which end with it.
class DataLoader::Pass {
 public:
  Pass(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options,
       std::vector<Ints> batches, Place at)
      : dataset_(std::move(dataset)),
        at_(at),
        indices_(std::move(batches)),
        batches_(static_cast<std::int64_t>(indices_.size())),
        ahead_(std::max(options.prefetch, 0)) {
    for (int i = 0; i < std::min<std::int64_t>(options.workers, ahead_); ++i) try {
        workers_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        break;  // the system gives no more threads: fewer do the same work
      }
    if (workers_.empty()) ahead_ = 0;
  }
  ~Pass() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  bool is_done() const { return done_; }
  const Batch& current() const { return current_; }
  void advance() {
    if (next_ == batches_) {
      done_ = true;
      current_ = {};
      return;
    }
    current_ = ahead_ > 0 ? wait_for_batch() : make(next_++);
  }

 private:
  Batch make(std::int64_t number) const {
    return with_place(at_,
                      [&] { return dataset_->get(indices_[static_cast<std::size_t>(number)]); });
  }
  /// Makes batches until it is as far ahead of the reader as it may be; goes on when the reader has
  /// used up half of that, so that it is woken once for several batches.
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (taken_ >= next_ + ahead_) room_.wait(lock, [&] { return stopped_ || has_room(); });
      if (stopped_ || taken_ == batches_) return;
      const std::int64_t number = taken_++;
      lock.unlock();
      Batch batch;
      std::exception_ptr error;
      try {
        batch = make(number);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      ready_[number] = {std::move(batch), error};
      if (number == next_) arrived_.notify_one();
    }
  }
  bool has_room() const { return taken_ <= next_ + ahead_ / 2; }
  Batch wait_for_batch() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return ready_.contains(next_); });
    auto [batch, error] = std::move(ready_.extract(next_++).mapped());
    const bool has_room = this->has_room();
    lock.unlock();
    if (has_room) room_.notify_all();
    if (error) std::rethrow_exception(error);
    return batch;
  }

  std::shared_ptr<const Dataset> dataset_;
  Place at_;
  std::vector<Ints> indices_;  // of each batch
  std::int64_t batches_, next_ = 0, taken_ = 0, ahead_;
  bool done_ = false, stopped_ = false;
  Batch current_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable room_, arrived_;  // what workers wait for, what the reader waits for
  std::map<std::int64_t, std::pair<Batch, std::exception_ptr>> ready_;
};

DataLoader::Iterator DataLoader::begin() const {
  Generator& source = options_.generator ? *options_.generator : default_generator();
  source.random64();  // the base seed of workers, drawn whether there are any or not
  auto pass = std::make_shared<Pass>(dataset_, options_, batches_.batches(), at_);
  pass->advance();  // may throw what the data set throws: the pass is whole by now
  return Iterator(std::move(pass));
}

Batch DataLoader::Iterator::operator*() const { return pass_->current(); }
DataLoader::Iterator& DataLoader::Iterator::operator++() {
  pass_->advance();
  return *this;
}
bool DataLoader::Iterator::operator!=(const Iterator&) const { return pass_ && !pass_->is_done(); }

Loaders get_dls(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> valid,
                std::int64_t batch_size, LoaderOptions options, Place at) {
  options.batch_size = batch_size;
  options.shuffle = options.sampler == nullptr;
  DataLoader train_loader(std::move(train), options, at);
  options.batch_size = 2 * batch_size;
  options.shuffle = false;
  options.sampler = nullptr;
  options.drop_last = false;
  return {std::move(train_loader), DataLoader(std::move(valid), options, at)};
}

}  // namespace gradus::data
