// What one operation costs before it computes: eager calls on tensors of one element, without and
// with recording. What is made is let go within the reading.
#include <gradus/gradus.h>

#include <cstdio>

#include "bench.h"

namespace bench {

using namespace gradus;

Json run_operations(const Options& options) {
  const Tensor a = full({1}, 1.5), b = full({1}, 2.5);
  const Tensor p = full({1}, 1.5).set_requires_grad();
  Tensor target = full({1}, 0.0);
  struct Case {
    const char* name;
    std::function<void()> plain, recorded;
    Readings plain_ns{}, recorded_ns{};
  };
  std::vector<Case> cases;
  cases.push_back({"a + b", [&] { a + b; }, [&] { p + b; }});
  cases.push_back({"a * b", [&] { a* b; }, [&] { p* b; }});
  cases.push_back({"relu(a)", [&] { relu(a); }, [&] { relu(p); }});
  cases.push_back({"exp(a)", [&] { exp(a); }, [&] { exp(p); }});
  cases.push_back({"sum(a)", [&] { sum(a); }, [&] { sum(p); }});
  cases.push_back({"reshape(a)", [&] { reshape(a, {1, 1}); }, [&] { reshape(p, {1, 1}); }});
  cases.push_back({"a.add_(b)", [&] { target.add_(b); }, {}});
  for (int round = 0; round < options.rounds; ++round)
    for (Case& c : cases) {
      c.plain_ns.add(1e9 * seconds_of(0.02, c.plain));
      if (c.recorded) c.recorded_ns.add(1e9 * seconds_of(0.02, c.recorded));
    }
  Json out = Json::array();
  std::vector<std::vector<std::string>> rows{
      {"one element, eager", "ns", "median", "recorded ns", "median"}};
  for (const Case& c : cases) {
    const bool both = !c.recorded_ns.values.empty();
    rows.push_back({c.name, fixed(c.plain_ns.least(), 0), fixed(c.plain_ns.median(), 0),
                    both ? fixed(c.recorded_ns.least(), 0) : "-",
                    both ? fixed(c.recorded_ns.median(), 0) : "-"});
    out.push_back({{"operation", c.name},
                   {"ns", c.plain_ns.least()},
                   {"median_ns", c.plain_ns.median()},
                   {"recorded_ns", both ? Json(c.recorded_ns.least()) : Json()},
                   {"recorded_median_ns", both ? Json(c.recorded_ns.median()) : Json()}});
  }
  print_table(rows);
  return out;
}

}  // namespace bench
