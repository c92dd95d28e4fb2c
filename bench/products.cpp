// The sweep over matrix products: shapes of nets, squares, remainders, thin and deep ones, in the
// three orders that training needs. A: [m, k], B: [k, n]; N is as it lies, T is transposed.
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/threads.h>
#include <gradus/see/plot.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "bench.h"
#include "blas.h"
#include "progress.h"

namespace bench {
namespace {

using namespace gradus;
using Index = std::int64_t;

struct Product {
  Index m, n, k;
  auto operator<=>(const Product&) const = default;
  double flop() const { return 2.0 * static_cast<double>(m * n * k); }
  std::string str() const {
    return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  }
};

std::vector<Product> shapes() {
  std::set<Product> all;
  for (const Index n : {8,   16,  24,  32,  48,  64,  80,   96,   128,  160, 192,
                        256, 320, 384, 512, 640, 768, 1024, 1280, 1536, 2048})
    all.insert({n, n, n});
  for (const Index n : {7, 17, 33, 49, 65, 97, 127, 129, 255, 257, 511, 513, 1023, 1025})
    all.insert({n, n, n});
  const std::vector<std::pair<Index, Index>> layers{
      {10, 50},   {50, 784},  {100, 784},   {10, 512},   {512, 784}, {512, 512},
      {128, 128}, {256, 256}, {1024, 1024}, {4096, 784}, {10, 4096}, {4096, 4096}};
  for (const auto& [out, in] : layers)
    for (const Index batch : {1, 4, 16, 64, 128, 512, 1024}) {
      all.insert({batch, out, in});                   // forward
      if (batch >= 16) all.insert({out, in, batch});  // gradient of the weight
      if (batch >= 64) all.insert({batch, in, out});  // gradient of the input
    }
  for (const Index m : {64, 256, 1024})
    for (const Index n : {64, 256, 1024})
      for (const Index k : {1, 4, 16}) all.insert({m, n, k});
  for (const Index n : {8, 16, 32, 64, 128})
    for (const Index k : {4096, 16384, 65536}) all.insert({n, n, k});
  return {all.begin(), all.end()};
}

/// Buckets for the picture: a factor of 2^(1/2) in the side of a cube with as many products.
double bucket(const Product& p) {
  return std::exp2(std::round(2 * std::log2(std::cbrt(p.flop() / 2))) / 2);
}

double middle(const std::vector<double>& values, double part) {
  std::vector<double> v = values;
  std::sort(v.begin(), v.end());
  return v[static_cast<std::size_t>(part * static_cast<double>(v.size() - 1) + 0.5)];
}

/// Numbers that begin on a cache line, as a tensor's do.
class Operand {
 public:
  void fill(Index count) {
    if (static_cast<Index>(memory_.size()) < count + line) {
      memory_.assign(static_cast<std::size_t>(count + line), 0);
      for (std::size_t i = 0; i < memory_.size(); ++i)
        data()[i % static_cast<std::size_t>(count)] = static_cast<float>(i % 97) / 97.0f - 0.5f;
    }
  }
  float* data() {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    return memory_.data() + (64 - address % 64) % 64 / sizeof(float);
  }

 private:
  static constexpr Index line = 64 / sizeof(float);
  std::vector<float> memory_;
};

struct Reading {
  double share;
  std::string what;
  /// Seconds of each library over ours; infinity where it has no such product.
  std::vector<double> against{};
};
using ReadingsByOrder = std::map<std::pair<int, std::string>, std::vector<Reading>>;

std::vector<std::string> comparison(const std::string& order, const std::string& whom,
                                    const std::vector<std::pair<double, std::string>>& ratios) {
  std::vector<double> values;
  for (const auto& [ratio, what] : ratios) values.push_back(ratio);
  const auto losses =
      std::count_if(values.begin(), values.end(), [](double r) { return r < 0.95; });
  const auto& [least, worst] = *std::min_element(ratios.begin(), ratios.end());
  return {order,
          whom,
          fixed(middle(values, .1), 2),
          fixed(middle(values, .5), 2),
          fixed(middle(values, .9), 2),
          std::to_string(losses) + " of " + std::to_string(values.size()),
          worst + " (" + fixed(least, 2) + ")"};
}

/// Against each library, and against the best of them for each shape.
void print_comparison(const std::vector<Blas>& libraries, const ReadingsByOrder& readings) {
  std::printf(
      "beside other libraries on one thread, in the same turns; above 1 gradus is faster\n");
  std::vector<std::vector<std::string>> rows{
      {"order", "against", "1st decile", "median", "9th decile", "slower by > 5 %", "slowest"}};
  for (const auto& [key, list] : readings) {
    if (key.first != 1) continue;
    std::vector<std::vector<std::pair<double, std::string>>> ratios(libraries.size() + 1);
    for (const Reading& r : list) {
      for (std::size_t i = 0; i < libraries.size(); ++i)
        if (std::isfinite(r.against[i])) ratios[i].emplace_back(r.against[i], r.what);
      ratios.back().emplace_back(*std::min_element(r.against.begin(), r.against.end()), r.what);
    }
    for (std::size_t i = 0; i < libraries.size(); ++i)
      if (!ratios[i].empty()) rows.push_back(comparison(key.second, libraries[i].name, ratios[i]));
    if (libraries.size() > 1)
      rows.push_back(comparison(key.second, "the best of them", ratios.back()));
  }
  print_table(rows);
}

}  // namespace

Json run_products(const Options& options, Peak& peak) {
  const std::vector<Blas> libraries = find_blas(options.blas);
  const std::vector<Product> all = shapes();
  Operand a, b, c;
  Json out = Json::array();
  ReadingsByOrder readings;
  std::size_t done = 0;
  for (const Product& p : all) {
    a.fill(p.m * p.k), b.fill(p.k * p.n), c.fill(p.m * p.n);
    for (const char* order : {"NN", "NT", "TN"}) {
      const bool a_t = order[0] == 'T', b_t = order[1] == 'T';
      const kernels::Matrix<const float> A{a.data(), a_t ? 1 : p.k, a_t ? p.m : 1},
          B{b.data(), b_t ? 1 : p.n, b_t ? p.k : 1};
      for (const int threads : options.threads) {
        Readings own;
        std::vector<Blas::Multiply> multiply;
        if (threads == 1)
          for (const Blas& library : libraries)
            multiply.push_back(library.product(p.m, p.n, p.k, a_t, b_t));
        std::vector<Readings> other(multiply.size());
        for (int turn = 0; turn < 3; ++turn) {
          kernels::set_num_threads(threads);
          own.add(seconds_of(0.004, [&] {
            kernels::gemm<float>(p.m, p.n, p.k, A, B, {c.data(), p.n, 1}, false);
          }));
          for (std::size_t i = 0; i < multiply.size(); ++i)
            if (multiply[i])
              other[i].add(seconds_of(0.004, [&] { multiply[i](a.data(), b.data(), c.data()); }));
        }
        if (done % 50 == 0) peak.read(threads, 0.01);
        const double rate = p.flop() / own.least(), share = rate / peak(threads);
        Json one{{"m", p.m},
                 {"n", p.n},
                 {"k", p.k},
                 {"order", order},
                 {"threads", threads},
                 {"us", own.least() * 1e6},
                 {"gflops", rate * 1e-9},
                 {"share_of_peak", share}};
        Reading reading{share, p.str()};
        for (std::size_t i = 0; i < multiply.size(); ++i) {
          reading.against.push_back(multiply[i] ? other[i].least() / own.least() : INFINITY);
          if (multiply[i]) one["times_as_fast_as"][libraries[i].name] = reading.against.back();
        }
        out.push_back(std::move(one));
        readings[{threads, order}].push_back(std::move(reading));
      }
    }
    if (++done % 10 == 0)
      show_progress("products: " + std::to_string(done) + " of " + std::to_string(all.size()));
  }
  show_progress("");
  kernels::set_num_threads(0);

  std::printf(
      "matrix products, f32: %zu shapes in 3 orders, operands in the cache where they fit; "
      "share of peak\n",
      all.size());
  std::vector<std::vector<std::string>> rows{
      {"order", "threads", "1st decile", "median", "9th decile", "best", "the best is"}};
  for (auto& [key, list] : readings) {
    std::vector<double> values;
    for (const Reading& r : list) values.push_back(r.share);
    const auto best = std::max_element(list.begin(), list.end(),
                                       [](auto& x, auto& y) { return x.share < y.share; });
    rows.push_back(
        {key.second, std::to_string(key.first), fixed(100 * middle(values, .1), 0) + " %",
         fixed(100 * middle(values, .5), 0) + " %", fixed(100 * middle(values, .9), 0) + " %",
         fixed(100 * best->share, 0) + " %", best->what});
  }
  print_table(rows);

  std::vector<std::vector<std::string>> named{{"m x n x k", "order", "threads", "us", "% of peak"}};
  const std::set<Product> shown{{64, 50, 784},     {50, 784, 64},   {128, 512, 784},
                                {128, 512, 512},   {512, 512, 128}, {1024, 4096, 4096},
                                {4096, 4096, 1024}};
  for (const Json& one : out)
    if (shown.contains({one["m"], one["n"], one["k"]}))
      named.push_back({Product{one["m"], one["n"], one["k"]}.str(), one["order"].get<std::string>(),
                       std::to_string(one["threads"].get<int>()), fixed(one["us"], 1),
                       fixed(100 * one["share_of_peak"].get<double>(), 1)});
  std::printf("those of the three nets\n");
  print_table(named);

  if (!libraries.empty()) print_comparison(libraries, readings);
  return out;
}

std::string products_picture(const Json& products) {
  see::LinePlot plot{.title = "Matrix products, f32: share of the measured peak",
                     .x = {"side of a cube with as many products, (m n k)^(1/3)", true},
                     .y = {"% of peak, median of the shapes of a size"}};
  plot.guides = {{90, "90 %"}, {75, "75 %"}};
  std::map<std::pair<int, std::string>, std::map<double, std::vector<double>>> sizes;
  for (const Json& one : products)
    sizes[{one["threads"], one["order"]}][bucket({one["m"], one["n"], one["k"]})].push_back(
        100 * one["share_of_peak"].get<double>());
  const std::map<std::string, int> colours{{"NN", 0}, {"NT", 1}, {"TN", 2}};
  for (const auto& [key, by_size] : sizes) {
    see::Series line{.name = key.second + ", " + std::to_string(key.first) +
                             (key.first == 1 ? " thread" : " threads"),
                     .colour = colours.at(key.second),
                     .dashed = key.first > 1};
    for (const auto& [size, values] : by_size) {
      line.x.push_back(size);
      line.y.push_back(middle(values, .5));
    }
    plot.series.push_back(std::move(line));
  }
  return see::svg(plot);
}

}  // namespace bench
