// gradus ops and gradus apply: the registry on the command line. No operation has code of its own
// here.
#include <apps/commands/commands.h>

#include <cstdio>
#include <nlohmann/json.hpp>

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
  std::printf("%s: %s\n  shapes     %s\n  formula    %s\n", text(card.name).c_str(),
              text(card.doc).c_str(), text(card.shapes).c_str(), text(card.formula).c_str());
  if (!card.also.empty()) std::printf("  elsewhere  %s\n", text(card.also).c_str());
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
      list.push_back(op_json(find_op(f.name)));
    std::printf("%s\n", list.dump(1).c_str());
  } else if (!f.name.empty()) {
    print_one(find_op(f.name));
  } else {
    for (const Op& op : all_ops())
      std::printf("%-34s %s\n", text(op.name()).c_str(), text(op.card().doc).c_str());
    std::printf(
        "\n%zu operations; `gradus ops NAME` tells more, `gradus apply NAME IN.safetensors` runs "
        "one\n",
        all_ops().size());
  }
  return 0;
}

struct ApplyFlags {
  std::string op, input, out;
  std::vector<std::string> attributes;
  bool grad = false, json = false;
};

Json values_json(const Tensor& x) {
  if (x.ndim() == 0) {
    if (x.dtype() == DType::boolean) return x.item<double>() != 0;
    return is_floating(x.dtype()) ? Json(x.item<double>()) : Json(x.item<std::int64_t>());
  }
  Json list = Json::array();
  for (std::int64_t i = 0; i < x.size(0); ++i) list.push_back(values_json(x[i]));
  return list;
}

int apply_op(const ApplyFlags& f) {
  Op op = find_op(f.op);
  for (const std::string& setting : f.attributes) {
    const std::size_t equals = setting.find('=');
    if (equals == setting.npos) throw UsageError("--attr", "'" + setting + "' is not name=value");
    op = op.with(setting.substr(0, equals), setting.substr(equals + 1));
  }
  if (!f.out.empty()) io::check_writable(f.out);
  const io::SafeTensors file = f.input.empty() ? io::SafeTensors{} : io::load_safetensors(f.input);
  Tensors inputs;
  while (const Tensor* x = file.find(std::to_string(inputs.size()))) {
    Tensor v = *x;
    if (f.grad && is_floating(v.dtype())) v.set_requires_grad();
    inputs.push_back(v);
  }
  const Tensors outputs = apply_all(op, inputs);
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
            "safetensors with the inputs 0, 1, ... (none for an operation without inputs)"},
           {"--attr", &f->attributes, "an attribute, axis=1; may be given often"},
           {"--out", &f->out, "safetensors for the outputs 0, 1, ..."},
           {"--grad", &f->grad,
            "also grad.0, grad.1, ...: the vjp with the cotangents g.0, ... of the file, ones "
            "where absent"},
           {"--json", &f->json, "one JSON object with all values"}},
          [f] { return apply_op(*f); }};
}

}  // namespace gradus::app
