// The default generator against PyTorch's own draws (tools/golden/rng.py wrote rng.json). Uniforms
// and integers (and multinomial, which is made of them) agree bit for bit; Box-Muller in blocks
// differs by the last bits of cos and log.
#include <cmath>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>

namespace gradus {
namespace {

using nlohmann::json;

template <class T>
void expect_values(const json& step, const std::vector<T>& got, bool exact) {
  const json& want = step["values"];
  ASSERT_EQ(want.size(), got.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double w = std::strtod(want[i].get<std::string>().c_str(), nullptr);
    const double v = static_cast<double>(got[i]);
    if (exact)
      EXPECT_EQ(w, v) << step["arguments"] << " at " << i;
    else
      EXPECT_NEAR(w, v, (sizeof(T) == 4 ? 2e-6 : 4e-15) * std::max(1.0, std::abs(w)))
          << step["arguments"] << " at " << i;
  }
}

template <class T>
void check_floats(Generator& g, const json& step) {
  const json& a = step["arguments"];
  const std::string call = step["call"];
  std::vector<T> v(a["n"].get<std::size_t>());
  const auto n = static_cast<std::int64_t>(v.size());
  if (call == "rand") g.fill_uniform(v.data(), n);
  if (call == "uniform") g.fill_uniform(v.data(), n, a["low"], a["high"]);
  if (call == "randn") g.fill_normal(v.data(), n);
  if (call == "normal") g.fill_normal(v.data(), n, a["mean"], a["std"]);
  expect_values(step, v, call == "rand" || call == "uniform" || n < 16);
}

json multinomial_of(Generator& g, const json& a) {
  json rows = a["weights"];
  const bool many = rows[0].is_array();
  if (!many) rows = json::array({rows});
  Tensors weights;
  for (const json& row : rows) {
    Tensor w = Tensor::empty({static_cast<std::int64_t>(row.size())}, DType::f64);
    for (std::size_t i = 0; i < row.size(); ++i) w.data<double>()[i] = row[i];
    weights.push_back(astype(w, a["dtype"] == "f32" ? DType::f32 : DType::f64));
  }
  const Tensor drawn =
      multinomial(many ? stack(weights, 0) : weights[0], a["n"], a["replacement"], &g);
  if (!many) return drawn.to_vector<std::int64_t>();
  json result;
  for (std::int64_t r = 0; r < drawn.size(0); ++r)
    result.push_back(drawn[r].to_vector<std::int64_t>());
  return result;
}

TEST(Golden, GeneratorIsPyTorchs) {
  std::ifstream file(GRADUS_SOURCE_DIR "/tests/golden/rng.json");
  const json recorded = json::parse(file);
  int checked = 0;
  for (const json& c : recorded["cases"]) {
    Generator g(std::strtoull(c["seed_u64"].get<std::string>().c_str(), nullptr, 10));
    SCOPED_TRACE("seed " + c["seed"].get<std::string>());
    for (const json& step : c["steps"]) {
      const json& a = step["arguments"];
      const std::string call = step["call"];
      ++checked;
      if (call == "multinomial") {
        EXPECT_EQ(step["values"], multinomial_of(g, a)) << a;
      } else if (call == "bernoulli") {  // no operation of its own: rand() < p
        const Tensor drawn =
            less(rand({a["n"].get<std::int64_t>()}, DType::f32, &g), a["p"].get<float>());
        EXPECT_EQ(step["values"], json(astype(drawn, DType::i64).to_vector<std::int64_t>())) << a;
      } else if (call == "randint") {
        std::vector<std::int64_t> v(a["n"].get<std::size_t>());
        g.fill_integers(v.data(), static_cast<std::int64_t>(v.size()), a["low"], a["high"]);
        EXPECT_EQ(step["values"], json(v)) << a;
      } else if (call == "randperm") {
        EXPECT_EQ(step["values"], json(g.permutation(a["n"]))) << a;
      } else if (call == "random") {
        for (const json& want : step["values"])
          EXPECT_EQ(want.get<std::uint64_t>(), g.random64() & ~(1ull << 63));
      } else if (call == "linear") {
        const std::int64_t in = a["in"], out = a["out"];
        const double bound = 1 / std::sqrt(static_cast<double>(in));
        std::vector<float> w(static_cast<std::size_t>(in * out)), b(static_cast<std::size_t>(out));
        g.fill_uniform(w.data(), in * out, -bound, bound);
        g.fill_uniform(b.data(), out, -bound, bound);
        const json& want = step["values"];
        expect_values({{"values", want["weight_head"]}, {"arguments", a}},
                      std::vector<float>(w.begin(), w.begin() + 8), true);
        expect_values({{"values", want["bias"]}, {"arguments", a}}, b, true);
      } else if (call == "epoch_order") {
        g.random64();
        const auto order = Generator(g.random64()).permutation(a["n"]);
        EXPECT_EQ(step["values"]["head"],
                  json(std::vector<std::int64_t>(order.begin(), order.begin() + 20)));
      } else if (call == "valid_pass") {
        g.random64();
      } else if (a["dtype"] == "f32") {
        check_floats<float>(g, step);
      } else {
        check_floats<double>(g, step);
      }
    }
  }
  EXPECT_GT(checked, 800);
}

}  // namespace
}  // namespace gradus
