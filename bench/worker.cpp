// A net at the other end of a pipe: bench/peers starts one such process for each contender, asks
// for the losses of the first steps (the gate), and then for times, in turns.
//   gate N      -> N losses from the initial weights; weights afterwards in OUT
//   time N      -> seconds of N steps, which go on through the epoch
//   op          -> ns of one-element a + b, plain and recorded
//   peak N      -> FLOP/s of the machine's fused multiply-adds on N threads
#include <gradus/kernels/threads.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>

#include "contestant.h"
#include "libxsmm_net.h"
#include "nets.h"

namespace bench {

using namespace gradus;

namespace {

class OwnNet : public Contestant {
 public:
  OwnNet(const NetCase& c, const std::string& mode, const std::string& folder)
      : case_(c),
        compiled_(mode != "eager"),
        skips_zeros_(mode == "compiled"),
        folder_(folder),
        x_(Tensor::of(read_file<std::uint8_t>(folder + "/x.u8"), {epoch_samples, 784})),
        y_(Tensor::of(read_file<std::int64_t>(folder + "/y.i64"), {epoch_samples})),
        set_(x_, y_, 255),
        order_(read_file<std::int64_t>(folder + "/order.i64")) {
    start_anew();
  }

  void start_anew() {
    training_.reset();
    training_ = std::make_unique<Training>(case_, compiled_, skips_zeros_);
    int number = 0;
    for (Tensor& p : training_->net().parameters()) {
      const auto values =
          read_file<float>(folder_ + "/" + case_.name + "-" + std::to_string(number++) + ".f32");
      std::copy(values.begin(), values.end(), p.data<float>());
    }
    next_ = 0;
  }

  Tensor step() {
    const std::int64_t count = std::min(case_.batch, epoch_samples - next_);
    const Tensor loss = training_->step(set_.get(std::span(order_).subspan(
        static_cast<std::size_t>(next_), static_cast<std::size_t>(count))));
    next_ = (next_ + count) % epoch_samples;
    return loss;
  }

  std::vector<double> gate(int steps, const std::string& out) override {
    start_anew();
    std::vector<double> losses;
    for (int i = 0; i < steps; ++i) losses.push_back(step().item());
    std::ofstream file(out, std::ios::binary);
    for (const Tensor& p : training_->net().parameters())
      file.write(static_cast<const char*>(p.raw_data()), p.numel() * 4);
    return losses;
  }

  double time(int steps) override {
    const double start = now();
    double last = 0;
    for (int i = 0; i < steps; ++i) last = step().item();
    if (std::isnan(last)) throw std::runtime_error("the loss is not a number");
    return now() - start;
  }

 private:
  const NetCase& case_;
  bool compiled_, skips_zeros_;
  std::string folder_;
  Tensor x_, y_;
  data::TensorDataset set_;
  std::vector<std::int64_t> order_;
  std::unique_ptr<Training> training_;
  std::int64_t next_ = 0;
};

}  // namespace

int run_worker(const std::vector<std::string>& arguments) {
  std::map<std::string, std::string> given;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) given[arguments[i]] = arguments[i + 1];
  const int threads = std::stoi(given.at("--threads"));
  kernels::set_num_threads(threads);
  const NetCase& net = net_case(given.at("--net"));
  const std::string mode = given.at("--mode"), files = given.at("--files");
  const std::unique_ptr<Contestant> contestant = mode == "libxsmm"
                                                     ? libxsmm_net(net, threads, files)
                                                     : std::make_unique<OwnNet>(net, mode, files);
  std::printf("ready\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what, out;
    int count = 0;
    words >> what >> count >> out;
    if (what == "gate") {
      for (const double loss : contestant->gate(count, out)) std::printf("%.9g ", loss);
      std::printf("\n");
    } else if (what == "time")
      std::printf("%.9f\n", contestant->time(count));
    else if (what == "peak") {
      std::printf("%.0f\n", fma_peak(count, 0.05));
      kernels::set_num_threads(threads);
    } else if (what == "op") {
      const Tensor a = full({1}, 1.5), b = full({1}, 2.5), p = full({1}, 1.5).set_requires_grad();
      const double plain = seconds_of(0.02, [&] { a + b; });
      std::printf("%.3f %.3f\n", 1e9 * plain, 1e9 * seconds_of(0.02, [&] { p + b; }));
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace bench
