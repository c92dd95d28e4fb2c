// The families joined, and the search by name; see registry.h.
#include <gradus/ops/registry.h>

#include <algorithm>

#include <gradus/core/nearest.h>

namespace gradus {
namespace {

std::vector<Op> join_families() {
  std::vector<Op> all;
  for (auto family : {creation_ops,    random_ops,         arithmetic_ops, sign_and_rounding_ops,
                      exponential_ops, activation_ops,     comparison_ops, conversion_ops,
                      reduction_ops,   extremum_ops,       statistics_ops, sorting_ops,
                      movement_ops,    repetition_ops,     joining_ops,    indexing_ops,
                      subscript_ops,   linear_algebra_ops, einsum_ops,     loss_ops}) {
    std::vector<Op> ops = family();
    all.insert(all.end(), ops.begin(), ops.end());
  }
  return all;
}

/// Whether `name` is one of the comma-separated `also` names, whole or after the last dot.
bool is_also(std::string_view also, std::string_view name) {
  while (!also.empty()) {
    const std::size_t comma = std::min(also.find(','), also.size());
    std::string_view one = also.substr(0, comma);
    also.remove_prefix(std::min(comma + 1, also.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one == name || one.substr(one.rfind('.') + 1) == name) return true;
  }
  return false;
}

}  // namespace

const std::vector<Op>& all_ops() {
  static const std::vector<Op> ops = join_families();
  return ops;
}

const Op& find_op(std::string_view name) {
  for (const Op& op : all_ops())
    if (op.name() == name) return op;
  for (const Op& op : all_ops())
    if (is_also(op.card().also, name)) return op;
  std::vector<std::string> names;
  for (const Op& op : all_ops()) names.emplace_back(op.name());
  const std::string near = nearest(name, names);
  throw NameError("there is no operation '" + std::string(name.substr(0, 60)) + "'",
                  (near.empty() ? "" : "did you mean '" + near + "'? ") + "`gradus ops` lists all");
}

}  // namespace gradus
