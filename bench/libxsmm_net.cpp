#include "libxsmm_net.h"

#ifdef GRADUS_LIBXSMM

#include <immintrin.h>
#include <libxsmm.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <thread>

namespace bench {
namespace {

using Index = std::int64_t;

void check(libxsmm_dnn_err_t status) {
  if (status != LIBXSMM_DNN_SUCCESS)
    throw std::runtime_error(std::string("libxsmm: ") + libxsmm_dnn_get_error(status));
}

/// Memory on a cache line's boundary, zero at first.
class Buffer {
 public:
  explicit Buffer(std::size_t floats)
      : data_(static_cast<float*>(libxsmm_aligned_malloc(floats * sizeof(float), 64))) {
    if (data_ == nullptr) throw std::bad_alloc();
    std::fill_n(data_.get(), floats, 0.0F);
  }
  float* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* data) const { libxsmm_free(data); }
  };
  std::unique_ptr<float, Free> data_;
};

std::size_t sized(Index n) { return static_cast<std::size_t>(n); }

/// How many samples, inputs and outputs a block holds: no more than these, and a divisor.
struct Blocking {
  int samples, inputs, outputs;
};

int divisor(Index size, int most) {
  int block = static_cast<int>(std::min<Index>(size, most));
  while (size % block != 0) --block;
  return block;
}

/// Where an element of a [rows, columns] matrix lies, [rows/r][columns/c][r][c].
Index packed(Index row, Index column, Index r, Index c, Index columns) {
  return (((row / r) * (columns / c) + column / c) * r + row % r) * c + column % c;
}

/// One layer's weight in blocks, [out/bk][in/bc][bc][bk], its bias, and their gradients. Shared by
/// the steps of whole batches and of the last, smaller one. A block of inputs is one of the layer
/// before.
struct Weights {
  Weights(Index in, Index out, int block_of_inputs, Blocking most)
      : inputs(in),
        outputs(out),
        bc(block_of_inputs),
        bk(divisor(out, most.outputs)),
        w(sized(in * out)),
        dw(sized(in * out)),
        b(sized(out)),
        db(sized(out)) {}

  Index place(Index out, Index in) const {
    return (((out / bk) * (inputs / bc) + in / bc) * bc + in % bc) * bk + out % bk;
  }

  Index inputs, outputs;
  int bc, bk;
  Buffer w, dw, b, db;
};

/// Threads meet here; they spin, as libxsmm's own barriers do.
class Meeting {
 public:
  explicit Meeting(int threads) : threads_(threads) {}
  void wait() {
    const int round = round_.load();
    if (arrived_.fetch_add(1) + 1 == threads_) {
      arrived_ = 0;
      round_ = round + 1;
    } else {
      while (round_.load() == round) _mm_pause();
    }
  }

 private:
  int threads_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<int> round_{0};
};

/// The layers' handles for one size of batch.
class Step {
 public:
  Step(std::vector<Weights>& layers, Index batch, Blocking most, double lr, int threads)
      : batch_(batch),
        bn_(divisor(batch, most.samples)),
        rate_(static_cast<float>(lr)),
        threads_(threads),
        layers_(layers) {
    for (std::size_t i = 0; i <= layers.size(); ++i) {
      const Index width = i == 0 ? layers[0].inputs : layers[i - 1].outputs;
      values_.emplace_back(sized(batch * width));
      gradients_.emplace_back(sized(batch * width));
    }
    for (std::size_t i = 0; i < layers.size(); ++i) add_layer(i);
    add_loss();
    scratch_.emplace(scratch_bytes_ / sizeof(float) + 16);
    for (auto* layer : handles_)
      check(libxsmm_dnn_fullyconnected_bind_scratch(layer, scratch_->get()));
    check(libxsmm_dnn_softmaxloss_bind_scratch(loss_, scratch_->get()));
  }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  ~Step() {
    for (auto* layer : handles_) libxsmm_dnn_destroy_fullyconnected(layer);
    if (loss_ != nullptr) libxsmm_dnn_destroy_softmaxloss(loss_);
    for (auto* tensor : tensors_) libxsmm_dnn_destroy_tensor(tensor);
  }

  /// One thread's part of a step; all threads come through here together.
  void run(const float* images, const int* labels, int thread, Meeting& meeting) {
    if (thread == 0) {
      libxsmm_dnn_set_tensor_data_ptr(first_, images);
      libxsmm_dnn_set_tensor_data_ptr(labels_, labels);
    }
    meeting.wait();
    for (auto* layer : handles_)
      libxsmm_dnn_fullyconnected_execute_st(layer, LIBXSMM_DNN_COMPUTE_KIND_FWD, 0, thread);
    libxsmm_dnn_softmaxloss_execute_st(loss_, LIBXSMM_DNN_COMPUTE_KIND_FWD, 0, thread);
    libxsmm_dnn_softmaxloss_execute_st(loss_, LIBXSMM_DNN_COMPUTE_KIND_BWD, 0, thread);
    for (std::size_t i = handles_.size(); i-- > 0;) {
      libxsmm_dnn_fullyconnected_execute_st(
          handles_[i], i == 0 ? LIBXSMM_DNN_COMPUTE_KIND_UPD : LIBXSMM_DNN_COMPUTE_KIND_BWDUPD, 0,
          thread);
      const Weights& layer = layers_[i];
      update(layer.w.get(), layer.dw.get(), layer.inputs * layer.outputs, thread);
      update(layer.b.get(), layer.db.get(), layer.outputs, thread);
    }
    meeting.wait();
  }

  /// After a step, the mean loss of its batch, of the chances. (What libxsmm tells as the loss is
  /// not the mean of their logarithms; its gradients are right.)
  double loss(const int* labels) const {
    const Index classes = layers_.back().outputs, bk = layers_.back().bk;
    double sum = 0;
    for (Index row = 0; row < batch_; ++row)
      sum -= std::log(
          static_cast<double>(chances_->get()[packed(row, labels[row], bn_, bk, classes)]));
    return sum / static_cast<double>(batch_);
  }

  /// Where number `column` of sample `row` lies in the first layer's input.
  Index place(Index row, Index column) const {
    return packed(row, column, bn_, layers_[0].bc, layers_[0].inputs);
  }

 private:
  /// A share of whole cache lines for each thread.
  void update(float* w, const float* dw, Index count, int thread) const {
    const Index share = (count / threads_ + 15) / 16 * 16;
    const Index end = std::min(count, share * (thread + 1));
    for (Index i = std::min(count, share * thread); i < end; ++i) w[i] -= rate_ * dw[i];
  }

  template <class Handle, class Layout, class Bind>
  libxsmm_dnn_tensor* bind(Handle* handle, Layout layout_of, Bind bind_to,
                           libxsmm_dnn_tensor_type type, const void* data) {
    libxsmm_dnn_err_t status{};
    libxsmm_dnn_tensor_datalayout* layout = layout_of(handle, type, &status);
    check(status);
    libxsmm_dnn_tensor* tensor = libxsmm_dnn_link_tensor(layout, data, &status);
    libxsmm_dnn_destroy_tensor_datalayout(layout);
    check(status);
    tensors_.push_back(tensor);
    check(bind_to(handle, tensor, type));
    return tensor;
  }

  void add_layer(std::size_t i) {
    const Weights& layer = layers_[i];
    const bool last = i + 1 == layers_.size();
    libxsmm_dnn_fullyconnected_desc wanted{};
    wanted.N = static_cast<int>(batch_);
    wanted.C = static_cast<int>(layer.inputs);
    wanted.K = static_cast<int>(layer.outputs);
    wanted.bn = bn_;
    wanted.bc = layer.bc;
    wanted.bk = layer.bk;
    wanted.threads = threads_;
    wanted.datatype_in = wanted.datatype_out = LIBXSMM_DNN_DATATYPE_F32;
    wanted.buffer_format = LIBXSMM_DNN_TENSOR_FORMAT_NCPACKED;
    wanted.filter_format = LIBXSMM_DNN_TENSOR_FORMAT_CKPACKED;
    wanted.fuse_ops =
        last ? LIBXSMM_DNN_FULLYCONNECTED_FUSE_BIAS : LIBXSMM_DNN_FULLYCONNECTED_FUSE_BIAS_RELU;
    libxsmm_dnn_err_t status{};
    auto* handle = libxsmm_dnn_create_fullyconnected(wanted, &status);
    check(status);
    handles_.push_back(handle);
    masks_.emplace_back(sized(batch_ * layer.outputs));  // bytes would do
    const auto put = [&](libxsmm_dnn_tensor_type type, const void* data) {
      return bind(handle, libxsmm_dnn_fullyconnected_create_tensor_datalayout,
                  libxsmm_dnn_fullyconnected_bind_tensor, type, data);
    };
    auto* input = put(LIBXSMM_DNN_REGULAR_INPUT, values_[i].get());
    if (i == 0) first_ = input;
    put(LIBXSMM_DNN_GRADIENT_INPUT, gradients_[i].get());
    put(LIBXSMM_DNN_REGULAR_OUTPUT, values_[i + 1].get());
    put(LIBXSMM_DNN_GRADIENT_OUTPUT, gradients_[i + 1].get());
    put(LIBXSMM_DNN_REGULAR_FILTER, layer.w.get());
    put(LIBXSMM_DNN_GRADIENT_FILTER, layer.dw.get());
    put(LIBXSMM_DNN_REGULAR_CHANNEL_BIAS, layer.b.get());
    put(LIBXSMM_DNN_GRADIENT_CHANNEL_BIAS, layer.db.get());
    put(LIBXSMM_DNN_RELU_MASK, masks_.back().get());
    scratch_bytes_ =
        std::max(scratch_bytes_, libxsmm_dnn_fullyconnected_get_scratch_size(handle, &status));
    check(status);
  }

  void add_loss() {
    const Weights& layer = layers_.back();
    libxsmm_dnn_softmaxloss_desc wanted{};
    wanted.N = static_cast<int>(batch_);
    wanted.C = static_cast<int>(layer.outputs);
    wanted.bn = bn_;
    wanted.bc = layer.bk;
    wanted.loss_weight = 1;
    wanted.threads = threads_;
    wanted.datatype = LIBXSMM_DNN_DATATYPE_F32;
    wanted.buffer_format = LIBXSMM_DNN_TENSOR_FORMAT_NCPACKED;
    libxsmm_dnn_err_t status{};
    loss_ = libxsmm_dnn_create_softmaxloss(wanted, &status);
    check(status);
    chances_.emplace(sized(batch_ * layer.outputs));
    const auto put = [&](libxsmm_dnn_tensor_type type, const void* data) {
      return bind(loss_, libxsmm_dnn_softmaxloss_create_tensor_datalayout,
                  libxsmm_dnn_softmaxloss_bind_tensor, type, data);
    };
    put(LIBXSMM_DNN_REGULAR_INPUT, values_.back().get());
    put(LIBXSMM_DNN_GRADIENT_INPUT, gradients_.back().get());
    put(LIBXSMM_DNN_REGULAR_OUTPUT, chances_->get());
    labels_ = put(LIBXSMM_DNN_LABEL, chances_->get());  // another place at every step
    scratch_bytes_ =
        std::max(scratch_bytes_, libxsmm_dnn_softmaxloss_get_scratch_size(loss_, &status));
    check(status);
  }

  Index batch_;
  int bn_;
  float rate_;
  int threads_;
  std::vector<Weights>& layers_;
  std::vector<Buffer> values_{}, gradients_{}, masks_{};
  std::optional<Buffer> chances_{}, scratch_{};
  std::size_t scratch_bytes_ = 0;
  std::vector<libxsmm_dnn_fullyconnected*> handles_{};
  std::vector<libxsmm_dnn_tensor*> tensors_{};
  libxsmm_dnn_softmaxloss* loss_ = nullptr;
  libxsmm_dnn_tensor *first_ = nullptr, *labels_ = nullptr;
};

/// What an epoch is made of, as read.
struct Epoch {
  explicit Epoch(const std::string& folder)
      : images(read_file<std::uint8_t>(folder + "/x.u8")),
        labels(read_file<Index>(folder + "/y.i64")),
        order(read_file<Index>(folder + "/order.i64")) {}
  std::vector<std::uint8_t> images;
  std::vector<Index> labels, order;
};

class LibxsmmNet : public Contestant {
 public:
  LibxsmmNet(const NetCase& net, int threads, const std::string& folder, const Epoch& epoch,
             Blocking most, Index samples)
      : net_(net), threads_(threads), folder_(folder), samples_(samples) {
    for (std::size_t i = 0; i + 1 < net.widths.size(); ++i)
      layers_.emplace_back(net.widths[i], net.widths[i + 1],
                           i == 0 ? divisor(net.widths[0], most.inputs) : layers_.back().bk, most);
    whole_.emplace(layers_, net.batch, most, net.lr, threads);
    if (samples % net.batch != 0)
      rest_.emplace(layers_, samples % net.batch, most, net.lr, threads);
    lay_out(epoch);
    start_anew();
  }

  std::vector<double> gate(int steps, const std::string& out) override {
    start_anew();
    const std::vector<double> losses = run(steps, true);
    std::ofstream file(out, std::ios::binary);
    for (const Weights& layer : layers_) {
      std::vector<float> plain;
      for (Index k = 0; k < layer.outputs; ++k)
        for (Index c = 0; c < layer.inputs; ++c) plain.push_back(layer.w.get()[layer.place(k, c)]);
      file.write(reinterpret_cast<const char*>(plain.data()),
                 static_cast<std::streamsize>(plain.size() * sizeof(float)));
      file.write(reinterpret_cast<const char*>(layer.b.get()), layer.outputs * 4);
    }
    return losses;
  }

  double time(int steps) override {
    const double start = now();
    run(steps, false);
    return now() - start;
  }

 private:
  void lay_out(const Epoch& epoch) {
    const Index width = net_.widths[0];
    images_.emplace(sized(samples_ * width));
    for (Index i = 0; i < samples_; ++i) {
      const Index from = epoch.order[sized(i)], start = i / net_.batch * net_.batch;
      const Step& step = start + net_.batch <= samples_ ? *whole_ : *rest_;
      for (Index c = 0; c < width; ++c)
        images_->get()[start * width + step.place(i - start, c)] =
            static_cast<float>(epoch.images[sized(from * width + c)]) / 255.0F;
      labels_.push_back(static_cast<int>(epoch.labels[sized(from)]));
    }
  }

  void start_anew() {
    int number = 0;
    const auto next_file = [&] {
      return read_file<float>(folder_ + "/" + net_.name + "-" + std::to_string(number++) + ".f32");
    };
    for (Weights& layer : layers_) {
      const std::vector<float> w = next_file(), b = next_file();
      for (Index k = 0; k < layer.outputs; ++k)
        for (Index c = 0; c < layer.inputs; ++c)
          layer.w.get()[layer.place(k, c)] = w[sized(k * layer.inputs + c)];
      std::copy(b.begin(), b.end(), layer.b.get());
    }
    next_ = 0;
  }

  /// The threads run all steps together, as its own examples do.
  std::vector<double> run(int steps, bool wants_losses) {
    std::vector<double> losses(sized(steps));
    const Index first = next_;
    Meeting meeting(threads_);
    const auto work = [&](int thread) {
      _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
      _mm_setcsr(_mm_getcsr() | 0x40);  // and subnormal operands
      Index at = first;
      for (double& loss : losses) {
        Step& step = at + net_.batch <= samples_ ? *whole_ : *rest_;
        step.run(images_->get() + at * net_.widths[0], labels_.data() + at, thread, meeting);
        if (thread == 0 && wants_losses) loss = step.loss(labels_.data() + at);
        at = (at + std::min(net_.batch, samples_ - at)) % samples_;
        if (thread == 0) next_ = at;
      }
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads_; ++i) others.emplace_back(work, i);
    work(0);
    for (std::thread& thread : others) thread.join();
    return losses;
  }

  const NetCase& net_;
  int threads_;
  std::string folder_;
  Index samples_;
  std::vector<Weights> layers_{};
  std::optional<Step> whole_{}, rest_{};
  std::optional<Buffer> images_{};
  std::vector<int> labels_{};
  Index next_ = 0;
};

/// The fastest of several blockings on a few steps.
Blocking best_blocking(const NetCase& net, int threads, const std::string& folder,
                       const Epoch& epoch) {
  Blocking best{};
  double least = 1e9;
  const bool large = net.flop() > 1e11;  // where a step takes seconds
  for (const int samples : large ? std::vector{64} : std::vector{64, 32, 16})
    for (const int inputs : large ? std::vector{64} : std::vector{1000, 400, 200, 112, 64, 32, 16})
      for (const int outputs : large ? std::vector{64, 32} : std::vector{128, 64, 32, 16}) {
        const Blocking one{samples, inputs, outputs};
        LibxsmmNet trial(net, threads, folder, epoch, one, large ? net.batch : 4 * net.batch);
        trial.time(1);
        double seconds = 1e9;
        const int steps = static_cast<int>(std::clamp(2e7 / net.flop() * 50, 1.0, 50.0));
        for (int i = 0; i < 5; ++i) {
          seconds = std::min(seconds, trial.time(steps));
          if (large) break;
        }
        if (seconds < least) {
          least = seconds;
          best = one;
        }
      }
  return best;
}

}  // namespace

std::unique_ptr<Contestant> libxsmm_net(const NetCase& net, int threads,
                                        const std::string& folder) {
  const Epoch epoch(folder);
  const Blocking best = best_blocking(net, threads, folder, epoch);
  return std::make_unique<LibxsmmNet>(net, threads, folder, epoch, best, epoch_samples);
}

}  // namespace bench

#else

namespace bench {

std::unique_ptr<Contestant> libxsmm_net(const NetCase&, int, const std::string&) {
  throw std::runtime_error("built without libxsmm");
}

}  // namespace bench

#endif
