// N3: a where() that hides what is not finite, and how to write it so that backward is finite too;
// see health.h.
#include <gradus/see/health_rules.h>

#include <algorithm>

namespace gradus::see {
namespace {

/// An argument of a call that is to be written otherwise.
struct Replaced {
  TapeIndex event = none;
  std::size_t input = 0;
  std::string text;
  bool was_met = false;
};

const char* sign_of(const std::string& op) {
  for (const auto& [name, sign] : {std::pair{"greater", " > "},
                                   {"greater_equal", " >= "},
                                   {"less", " < "},
                                   {"less_equal", " <= "},
                                   {"equal", " == "},
                                   {"not_equal", " != "},
                                   {"div", " / "},
                                   {"mul", " * "},
                                   {"add", " + "},
                                   {"sub", " - "}})
    if (op == name) return sign;
  return nullptr;
}

/// "x > 0", "log(x)", "0": how a user may have written a value.
std::string written(const HealthReport& r, TapeIndex v, Replaced* replaced = nullptr,
                    bool beside_sign = false, int depth = 0) {
  constexpr int deep = 4;
  const TapeValue& value = r.value(v);
  if (!value.name.empty()) return value.name;
  const bool is_made = value.made_by != none && !r.event(value.made_by).inputs.empty();
  if (!is_made && value.statistics && value.statistics->bad() == 0 &&
      value.statistics->min == value.statistics->max)
    return element_text(value.statistics->min);
  if (!is_made || depth > deep) return r.name(v);
  const TapeEvent& event = r.event(value.made_by);
  const char* sign = event.inputs.size() == 2 ? sign_of(event.op) : nullptr;
  std::string text;
  for (std::size_t i = 0; i < event.inputs.size(); ++i) {
    if (i) text += sign ? sign : ", ";
    if (replaced && replaced->event == value.made_by && replaced->input == i) {
      replaced->was_met = true;
      text += replaced->text;
    } else {
      text += written(r, event.inputs[i], replaced, sign != nullptr, depth + 1);
    }
  }
  if (sign) return beside_sign ? "(" + text + ")" : text;
  return event.op + "(" + text + ")";
}

bool has_bad(const HealthReport& r, TapeIndex v) {
  return r.value(v).statistics && r.value(v).statistics->bad() > 0;
}

/// From a value that is not finite back to the call that made it so, which is the last.
std::vector<TapeIndex> chain_to_origin(const HealthReport& r, TapeIndex v) {
  std::vector<TapeIndex> chain;
  while (r.value(v).made_by != none) {
    const TapeEvent& made = r.event(chain.emplace_back(r.value(v).made_by));
    const auto before = std::find_if(made.inputs.begin(), made.inputs.end(),
                                     [&](TapeIndex input) { return has_bad(r, input); });
    if (before == made.inputs.end() || *before == v) break;
    v = *before;
  }
  return chain;
}

/// Whether what differentiated one of the calls gave a NaN or an infinity.
bool returns_in_backward(const HealthReport& r, const std::vector<TapeIndex>& chain) {
  return std::any_of(chain.begin(), chain.end(), [&](TapeIndex e) {
    const std::vector<TapeIndex>& backward = r.event(e).backward;
    return std::any_of(backward.begin(), backward.end(), [&](TapeIndex b) {
      const std::vector<TapeIndex>& outputs = r.event(b).outputs;
      return std::any_of(outputs.begin(), outputs.end(),
                         [&](TapeIndex v) { return has_bad(r, v); });
    });
  });
}

}  // namespace

std::set<TapeIndex> find_hidden_numbers(HealthReport& r) {
  std::set<TapeIndex> hidden;
  for (TapeIndex e = 0; e < r.count(); ++e) {
    const TapeEvent& event = r.event(e);
    if (event.op != "where" || event.inputs.size() != 3 || event.outputs.empty() ||
        event.phase != Phase::forward || has_bad(r, event.outputs[0]))
      continue;
    for (const std::size_t branch : {std::size_t{1}, std::size_t{2}}) {
      if (!has_bad(r, event.inputs[branch])) continue;
      const std::vector<TapeIndex> chain = chain_to_origin(r, event.inputs[branch]);
      hidden.insert(chain.begin(), chain.end());
      if (chain.empty() || r.event(chain.back()).inputs.empty() || event.backward.empty() ||
          !returns_in_backward(r, chain))
        continue;
      const TapeEvent& origin = r.event(chain.back());
      const std::string condition = written(r, event.inputs[0]),
                        other = written(r, event.inputs[3 - branch]);
      const auto choose = [&](const std::string& a, const std::string& b) {
        return "where(" + condition + ", " + (branch == 1 ? a + ", " + b : b + ", " + a) + ")";
      };
      const std::size_t unsafe = origin.op == "div" ? 1 : 0;
      Replaced safe{chain.back(), unsafe, choose(written(r, origin.inputs[unsafe]), "1")};
      std::string mended = written(r, event.inputs[branch], &safe);
      mended = safe.was_met ? choose(mended, other)
                            : "give " + origin.op + " " + safe.text + " in the place of " +
                                  written(r, origin.inputs[unsafe]);
      r.tell("N3", &event, "where",
             choose(written(r, event.inputs[branch]), other) +
                 ": the NaN is hidden forward but returns in backward (0 * inf). Make the input "
                 "safe first: " +
                 mended + ".");
    }
  }
  return hidden;
}

}  // namespace gradus::see
