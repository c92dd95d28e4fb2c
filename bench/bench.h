// What the parts of `./dev bench` share: options, the clock, rounds, and the sheet that becomes a
// table on the screen and JSON in a file. One idea: everything that is compared is measured in
// turns (A B C, A B C ...), so that a neighbour on the machine disturbs all alike.
// From here: main.cpp (the order of the parts), probe.cpp, steps.cpp, products.cpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bench {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> parts{};
  int rounds = 7;
  std::vector<int> threads{1, 2};
  std::string data{};         ///< folder of MNIST; empty: bytes of the same density are made up
  std::string command{};      ///< the gradus command, for the process part
  std::string blas = "auto";  ///< which libraries products are compared with; see blas.h
};

/// Seconds on the monotonic clock.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds of one call of f: the least of many short readings in `slice` seconds, each of a
/// millisecond or one call. A neighbour who takes the processor away spoils some of them only; the
/// peak is read in the same way.
template <class F>
double seconds_of(double slice, F&& f) {
  std::int64_t calls = 1;
  double least = 1e9;
  for (const double end = now() + slice;;) {
    const double start = now();
    for (std::int64_t i = 0; i < calls; ++i) f();
    const double stop = now(), each = (stop - start) / static_cast<double>(calls);
    if (stop - start >= 5e-4)
      least = std::min(least, each);
    else
      calls = std::max(2 * calls, static_cast<std::int64_t>(1e-3 / std::max(each, 1e-10)) / 2);
    if (stop > end && least < 1e9) return least;
  }
}

/// Readings of one thing, one a round.
struct Readings {
  std::vector<double> values{};
  void add(double value) { values.push_back(value); }
  double least() const { return *std::min_element(values.begin(), values.end()); }
  double most() const { return *std::max_element(values.begin(), values.end()); }
  double median() const {
    std::vector<double> v = values;
    std::sort(v.begin(), v.end());
    const std::size_t half = v.size() / 2;
    return v.size() % 2 ? v[half] : (v[half - 1] + v[half]) / 2;
  }
};

/// A fixed number of digits after the point.
std::string fixed(double value, int digits);
/// A table of text: the first row names the columns, numbers stand to the right.
void print_table(const std::vector<std::vector<std::string>>& rows);

// probe.cpp ---------------------------------------------------------------------------------------
/// FLOP/s of fused multiply-adds in registers, on `threads` threads at once.
double fma_peak(int threads, double slice);
/// Bytes read and written each second by copies of 64 MB, on `threads` threads at once.
double copy_rate(int threads, double slice);
/// What the probe, like the kernels, runs on: "AVX3" is Highway's name of AVX-512.
std::string instruction_set();
/// Seconds in which the pool hands work to its threads and gets it back.
double handover(int threads, double slice);

/// The machine's peak as seen in all readings so far, for each number of threads. Readings are
/// taken beside every measurement; the largest is the peak, since neighbours only take away.
class Peak {
 public:
  double read(int threads, double slice = 0.02);
  double operator()(int threads) const;
  Json json() const;

 private:
  std::vector<std::pair<int, Readings>> readings_;
};

// allocations.cpp ---------------------------------------------------------------------------------
/// Calls of operator new during f, on all threads.
std::int64_t allocations_of(const std::function<void()>& f);

// The parts: each prints its tables and returns its JSON.
// -------------------------------------------
Json run_probes(const Options& options, Peak& peak, const char* when);
Json run_steps(const Options& options, Peak& peak);
Json run_products(const Options& options, Peak& peak);
Json run_ladder(const Options& options, Peak& peak);
Json run_operations(const Options& options);
Json run_process(const Options& options);
Json run_memory(const Options& options);
/// Share of the peak against size, of what run_products returned, as an SVG.
std::string products_picture(const Json& products);
/// One net on the other end of a pipe, for bench/peers. Returns the exit code.
int run_worker(const std::vector<std::string>& arguments);
/// Trains one net for a few steps and writes what it took as JSON: the child of run_memory.
int run_memory_child(const std::string& net, bool compiled);

}  // namespace bench
