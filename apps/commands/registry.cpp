// gradus ops and gradus apply: the registry on the command line. No operation has code of its own
// here.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include <gradus/gradus.h>
#include <gradus/io/file.h>
#include <gradus/io/safetensors.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

std::string text(std::string_view view) { return std::string(view); }

Json names_elsewhere(std::string_view also) {
  Json list = Json::array();
  while (!also.empty()) {
    const std::size_t comma = std::min(also.find(','), also.size());
    std::string_view one = also.substr(0, comma);
    also.remove_prefix(std::min(comma + 1, also.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    list.push_back(text(one));
  }
  return list;
}

Json attributes_json(const Op& op) {
  Json list = Json::array();
  for (const AttributeInfo& a : op.attributes())
    list.push_back({{"name", text(a.name)},
                    {"type", text(a.type)},
                    {"default", to_text(a.value)},
                    {"doc", text(a.doc)}});
  return list;
}

Json op_json(const Op& op) {
  const Card& card = op.card();
  return {{"name", text(card.name)},
          {"formula", text(card.formula)},
          {"doc", text(card.doc)},
          {"shapes", text(card.shapes)},
          {"also", names_elsewhere(card.also)},
          {"onnx", text(card.onnx)},
          {"attributes", attributes_json(op)},
          {"differentiable", op.has_gradient()},
          {"primitive", op.is_primitive()}};
}

void print_one(const Op& op) {
  const Card& card = op.card();
  const int width = Terminal().width();
  std::printf("%s\n", wrapped(text(card.name) + ": " + text(card.doc), width).c_str());
  std::fputs(two_columns("  shapes", text(card.shapes), 13, width).c_str(), stdout);
  std::printf("  formula    %s\n", text(card.formula).c_str());
  if (!card.also.empty())
    std::fputs(two_columns("  elsewhere", text(card.also), 13, width).c_str(), stdout);
  for (const AttributeInfo& a : op.attributes())
    std::printf("  --attr %s=%s  (%s) %s\n", text(a.name).c_str(), to_text(a.value).c_str(),
                text(a.type).c_str(), text(a.doc).c_str());
  std::printf("  %s, %s\n", op.is_primitive() ? "primitive" : "composite",
              op.has_gradient() ? "differentiable" : "no gradient");
}

void print_markdown() {
  std::printf(
      "# Operations\n\nMade from the cards of the operations by `gradus ops --markdown`; the tests "
      "check that it is fresh.\n"
      "Attributes are shown with their defaults. `gradus apply OP IN.safetensors` runs any of "
      "them.\n\n"
      "| operation | what | shapes | formula | attributes | elsewhere | kind "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const Op& op : all_ops()) {
    const Card& card = op.card();
    std::string attributes;
    for (const AttributeInfo& a : op.attributes())
      attributes +=
          (attributes.empty() ? "`" : ", `") + text(a.name) + "=" + to_text(a.value) + "`";
    std::string formula;
    for (char c : text(card.formula))
      formula += c == '|' ? std::string("\\vert ") : std::string(1, c);
    std::printf("| `%s` | %s | %s | $%s$ | %s | %s | %s%s |\n", text(card.name).c_str(),
                text(card.doc).c_str(), text(card.shapes).c_str(), formula.c_str(),
                attributes.c_str(), text(card.also).c_str(),
                op.is_primitive() ? "primitive" : "composite",
                op.has_gradient() ? "" : ", no gradient");
  }
}

/// Throws UsageError, with the nearest name, where there is none.
const Op& op_named(const std::string& name) {
  return as_usage("", [&]() -> const Op& { return find_op(name); });
}

struct OpsFlags {
  std::string name;
  bool json = false, markdown = false;
};

int ops(const OpsFlags& f) {
  if (f.markdown) {
    print_markdown();
  } else if (f.json) {
    Json list = Json::array();
    if (f.name.empty())
      for (const Op& op : all_ops()) list.push_back(op_json(op));
    else
      list.push_back(op_json(op_named(f.name)));
    std::printf("%s\n", list.dump(1).c_str());
  } else if (!f.name.empty()) {
    print_one(op_named(f.name));
  } else {
    const int width = Terminal().width();
    for (const Op& op : all_ops())
      std::fputs(two_columns(text(op.name()), text(op.card().doc), 35, width).c_str(), stdout);
    std::printf("\n%s\n",
                wrapped(std::to_string(all_ops().size()) +
                            " operations; `gradus ops NAME` tells more, `gradus apply NAME "
                            "IN.safetensors` runs one",
                        width)
                    .c_str());
  }
  return 0;
}

struct ApplyFlags {
  std::string op, input, out;
  std::vector<std::string> attributes;
  bool grad = false, json = false;
};

/// JSON has no NaN and no infinity: they are the strings "NaN", "Infinity" and "-Infinity", as
/// JavaScript writes them and Python's float() and C's strtod() read them.
Json number_json(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

Json values_json(const Tensor& x) {
  if (x.ndim() == 0) {
    if (x.dtype() == DType::boolean) return x.item<double>() != 0;
    return is_floating(x.dtype()) ? number_json(x.item<double>()) : Json(x.item<std::int64_t>());
  }
  Json list = Json::array();
  for (std::int64_t i = 0; i < x.size(0); ++i) list.push_back(values_json(x[i]));
  return list;
}

Op op_with_attributes(const ApplyFlags& f) {
  Op op = op_named(f.op);
  std::set<std::string> given;
  for (const std::string& setting : f.attributes) {
    const std::size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals);
    if (equals == setting.npos)
      throw UsageError("--attr", "'" + setting + "' is not name=value",
                       "write --attr " + (name.empty() ? "axis" : name) + "=1");
    if (!given.insert(name).second) throw UsageError("--attr", name + " is given twice");
    op = as_usage("--attr", [&] { return op.with(name, setting.substr(equals + 1)); });
  }
  return op;
}

/// The number in "12" or, with prefix "g.", in "g.12"; nothing for other names.
std::optional<std::size_t> number_in(std::string_view name, std::string_view prefix = "") {
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  if (name.empty() || name.size() > 4 || (name.size() > 1 && name[0] == '0')) return {};
  std::size_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return {};
    number = 10 * number + static_cast<std::size_t>(c - '0');
  }
  return number;
}

std::string names_of(const io::SafeTensors& file) {
  std::string names;
  for (const auto& [name, x] : file.tensors) names += (names.empty() ? "'" : ", '") + name + "'";
  return names.size() > 200 ? names.substr(0, 200) + "..." : names;
}

/// The tensors 0, 1, ... of the file. Throws DataError where one is missing between, and for a name
/// that means nothing here: what is not used must not look as if it were.
Tensors inputs_in(const io::SafeTensors& file, const std::string& path) {
  Tensors inputs;
  while (const Tensor* x = file.find(std::to_string(inputs.size()))) inputs.push_back(*x);
  for (const auto& [name, x] : file.tensors) {
    const auto number = number_in(name);
    // The outputs of an earlier --grad may come along: a result is the next one's input.
    if (number ? *number < inputs.size()
               : number_in(name, "g.").has_value() || number_in(name, "grad.").has_value())
      continue;
    throw DataError("'" + path + "' has " + names_of(file) +
                        (number ? ", but no '" + std::to_string(inputs.size()) + "'"
                                : ": '" + name + "' is no name of an input"),
                    "inputs are named 0, 1, 2, ..., the cotangents of --grad g.0, g.1, ...");
  }
  return inputs;
}

/// Throws DataError for a cotangent g.k without an output that it could belong to.
void check_cotangents(const io::SafeTensors& file, const Tensors& outputs) {
  for (const auto& [name, x] : file.tensors) {
    const auto k = number_in(name, "g.");
    if (!k || (*k < outputs.size() && outputs[*k].requires_grad())) continue;
    throw DataError("there is a cotangent '" + name + "', but " +
                        (*k < outputs.size() ? "no gradient flows through output " : "no output ") +
                        std::to_string(*k),
                    "outputs are 0.." + std::to_string(outputs.size() - 1) +
                        ": name cotangents g.K after them, or leave this one out");
  }
}

int apply_op(const ApplyFlags& f) {
  const Op op = op_with_attributes(f);
  if (!f.out.empty()) io::check_writable(f.out);
  const io::SafeTensors file = f.input.empty() ? io::SafeTensors{} : io::load_safetensors(f.input);
  Tensors inputs = inputs_in(file, f.input);
  for (Tensor& x : inputs)
    if (f.grad && is_floating(x.dtype())) x.set_requires_grad();
  const Tensors outputs = apply_all(op, inputs);
  if (f.grad) check_cotangents(file, outputs);
  io::SafeTensors result;
  for (std::size_t k = 0; k < outputs.size(); ++k)
    result.tensors.emplace_back(std::to_string(k), outputs[k].detach());
  if (f.grad) {
    Tensors reached, seeds, wanted;
    std::vector<std::size_t> places;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].requires_grad()) continue;
      const Tensor* g = file.find("g." + std::to_string(k));
      reached.push_back(outputs[k]);
      seeds.push_back(g ? *g : ones_like(outputs[k]));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].requires_grad()) {
        wanted.push_back(inputs[i]);
        places.push_back(i);
      }
    if (reached.empty())
      throw GradError("no gradient flows through " + std::string(op.name()) + " here",
                      "it needs floating inputs and outputs");
    const Tensors gradients = grad(reached, wanted, seeds, {.allow_unused = true});
    for (std::size_t i = 0; i < places.size(); ++i)
      result.tensors.emplace_back(
          "grad." + std::to_string(places[i]),
          gradients[i] ? gradients[i].detach() : zeros_like(wanted[i].detach()));
  }
  if (!f.out.empty()) io::save_safetensors(f.out, result);
  if (f.json) {
    Json all = Json::object();
    for (const auto& [name, x] : result.tensors)
      all[name] = {{"dtype", text(dtype_name(x.dtype()))},
                   {"shape", x.shape().to_vector()},
                   {"values", values_json(x)}};
    std::printf("%s\n", all.dump().c_str());
  } else if (f.out.empty()) {
    for (const auto& [name, x] : result.tensors)
      std::printf("%s: %s\n%s\n", name.c_str(), x.spec().str().c_str(), to_string(x).c_str());
  }
  return 0;
}

}  // namespace

Command ops_command() {
  auto f = std::make_shared<OpsFlags>();
  return {"ops",
          "The operations there are",
          {{"name", &f->name, "one operation, by its name here or elsewhere"},
           {"--json", &f->json, "one JSON array"},
           {"--markdown", &f->markdown, "the text of docs/ops.md"}},
          [f] { return ops(*f); }};
}

Command apply_command() {
  auto f = std::make_shared<ApplyFlags>();
  return {"apply",
          "Run one operation on tensors from a file",
          {{.names = "op", .target = &f->op, .help = "name of the operation", .required = true},
           {"input", &f->input,
            "safetensors with the inputs, named 0, 1, ... (none for an operation without inputs)"},
           {"--attr", &f->attributes, "an attribute, axis=1; may be given often"},
           {"--out", &f->out, "safetensors for the outputs 0, 1, ..."},
           {"--grad", &f->grad,
            "also grad.0, grad.1, ...: the vjp with the cotangents g.0, ... of the file, ones "
            "where absent"},
           {"--json", &f->json,
            "one JSON object with all values; those that JSON has not are \"NaN\", "
            "\"Infinity\", \"-Infinity\""}},
          [f] { return apply_op(*f); }};
}

}  // namespace gradus::app
