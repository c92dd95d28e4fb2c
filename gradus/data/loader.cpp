// Orders, batches and the workers that make them ahead; see loader.h.
#include <gradus/data/loader.h>

#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

namespace gradus::data {

TensorDataset::TensorDataset(Tensor x, Tensor y, double scale, bool flat)
    : x_(std::move(x)), y_(std::move(y)), flat_(flat) {
  if (x_.ndim() < 1 || y_.ndim() < 1 || x_.size(0) != y_.size(0))
    throw ShapeError("samples " + x_.spec().str() + " and targets " + y_.spec().str(),
                     "both need a first axis of one size");
  if (!(scale > 0)) throw ValueError("scale is not above 0", "use 256 or 255");
  auto row_major = [](const Tensor& t) {
    if (t.is_contiguous()) return t;
    throw ShapeError("a data set of strided rows", "pass x.contiguous()");
  };
  row_major(x_);
  row_major(y_);
  for (int byte = 0; byte < 256; ++byte) bytes_.push_back(static_cast<float>(byte / scale));
}

Batch TensorDataset::get(std::span<const std::int64_t> indices) const {
  const std::int64_t n = static_cast<std::int64_t>(indices.size()),
                     row = x_.numel() / std::max<std::int64_t>(x_.size(0), 1);
  Ints shape = x_.shape().to_vector();
  shape[0] = n;
  if (flat_) shape = {n, row};
  Ints target_shape = y_.shape().to_vector();
  target_shape[0] = n;
  const bool is_bytes = x_.dtype() == DType::u8;
  Batch batch{Tensor::empty(shape, is_bytes ? DType::f32 : x_.dtype()),
              Tensor::empty(target_shape, y_.dtype())};
  const auto copy_rows = [&](const Tensor& from, const Tensor& to) {
    const std::size_t bytes =
        static_cast<std::size_t>(from.numel() / std::max<std::int64_t>(from.size(0), 1)) *
        dtype_size(from.dtype());
    for (std::size_t i = 0; i < indices.size(); ++i)
      std::memcpy(static_cast<std::byte*>(to.raw_data()) + i * bytes,
                  static_cast<const std::byte*>(from.raw_data()) +
                      static_cast<std::size_t>(indices[i]) * bytes,
                  bytes);
  };
  if (is_bytes) {
    float* out = batch.x.data<float>();
    for (std::int64_t index : indices) {
      const std::uint8_t* in = x_.data<std::uint8_t>() + index * row;
      for (std::int64_t k = 0; k < row; ++k) *out++ = bytes_[in[k]];
    }
  } else {
    copy_rows(x_, batch.x);
  }
  copy_rows(y_, batch.y);
  return batch;
}

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  if (options.batch_size < 1)
    throw ValueError("batch_size is " + std::to_string(options.batch_size),
                     "it counts samples: 1 or more");
  if (options.prefetch > 0 && options.workers < 1)
    throw ValueError("prefetch is " + std::to_string(options.prefetch) + " and workers " +
                         std::to_string(options.workers),
                     "batches made ahead need 1 worker or more");
}

std::int64_t DataLoader::batches() const {
  const std::int64_t n = dataset_->size(), b = options_.batch_size;
  return options_.drop_last ? n / b : (n + b - 1) / b;
}

/// One walk over the data set; owns the workers, which end with it.
class DataLoader::Pass {
 public:
  Pass(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options,
       std::vector<std::int64_t> order, std::int64_t batches)
      : dataset_(std::move(dataset)),
        order_(std::move(order)),
        size_(options.batch_size),
        batches_(batches),
        ahead_(std::max(options.prefetch, 0)) {
    for (int i = 0; i < std::min<std::int64_t>(options.workers, ahead_); ++i)
      workers_.emplace_back([this] { work(); });
  }
  ~Pass() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
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
    const auto begin = static_cast<std::size_t>(number * size_);
    const std::size_t count = std::min(static_cast<std::size_t>(size_), order_.size() - begin);
    return dataset_->get(std::span(order_).subspan(begin, count));
  }
  /// Takes the next number as long as it is not too far ahead of the reader.
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock,
                    [&] { return stopped_ || taken_ == batches_ || taken_ < next_ + ahead_; });
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
      changed_.notify_all();
    }
  }
  Batch wait_for_batch() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_.contains(next_); });
    auto [batch, error] = std::move(ready_.extract(next_++).mapped());
    lock.unlock();
    changed_.notify_all();
    if (error) std::rethrow_exception(error);
    return batch;
  }

  std::shared_ptr<const Dataset> dataset_;
  std::vector<std::int64_t> order_;
  std::int64_t size_, batches_, next_ = 0, taken_ = 0, ahead_;
  bool done_ = false, stopped_ = false;
  Batch current_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, std::pair<Batch, std::exception_ptr>> ready_;
};

DataLoader::Iterator DataLoader::begin() const {
  Generator& source = options_.generator ? *options_.generator : default_generator();
  source.random64();  // the base seed of workers, drawn whether there are any or not
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset_->size()));
  std::iota(order.begin(), order.end(), 0);
  if (options_.shuffle) order = Generator(source.random64()).permutation(dataset_->size());
  auto pass = std::make_shared<Pass>(dataset_, options_, std::move(order), batches());
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
                std::int64_t batch_size, LoaderOptions options) {
  options.batch_size = batch_size;
  options.shuffle = true;
  DataLoader train_loader(std::move(train), options);
  options.batch_size = 2 * batch_size;
  options.shuffle = false;
  options.drop_last = false;
  return {std::move(train_loader), DataLoader(std::move(valid), options)};
}

}  // namespace gradus::data
