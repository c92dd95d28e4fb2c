// Running, printing and parsing a flat program; see program.h.
#include <gradus/program/program.h>

#include <sstream>

#include <gradus/program/apply.h>

namespace gradus {
namespace {

std::string id_text(ValueId id) { return "%" + std::to_string(id); }

std::string id_list(std::span<const ValueId> ids) {
  std::string text;
  for (ValueId id : ids) text += (text.empty() ? "" : ", ") + id_text(id);
  return text;
}

/// Reads a line of the text form piece by piece; every failure names the line.
class LineReader {
 public:
  LineReader(std::string_view line, int number) : line_(line), rest_(line), number_(number) {}

  bool take(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail("'" + std::string(word) + "' expected");
  }
  std::string_view until(std::string_view stops) {
    skip_spaces();
    const std::size_t end = std::min(rest_.find_first_of(stops), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }
  ValueId id() {
    expect("%");
    const std::string_view digits = until(" ,)=:");
    ValueId value = 0;
    if (digits.empty() || digits.size() > 9) fail("a value number expected after %");
    for (char c : digits) {
      if (c < '0' || c > '9') fail("a value number expected after %");
      value = value * 10 + static_cast<ValueId>(c - '0');
    }
    return value;
  }
  std::vector<ValueId> ids(std::string_view closing) {
    std::vector<ValueId> list;
    skip_spaces();
    while (rest_.starts_with('%')) {
      list.push_back(id());
      if (!take(",")) break;
      skip_spaces();
    }
    if (!closing.empty()) expect(closing);
    return list;
  }
  Spec spec() {
    Spec result;
    result.dtype = parse_dtype(until("["));
    expect("[");
    const std::string inside(until("]"));
    expect("]");
    result.shape = Shape(std::get<Ints>(parse_attribute("shape", "ints", inside)));
    return result;
  }
  bool at_end() {
    skip_spaces();
    return rest_.empty() || rest_.starts_with('#');
  }
  [[noreturn]] void fail(const std::string& why) const {
    throw DataError("line " + std::to_string(number_) + " of the program: " + why + " in '" +
                        std::string(line_) + "'",
                    "lines look like: %3 = softmax(%1) {axis=1} : f32[32,10]");
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }
  std::string_view line_, rest_;
  int number_;
};

constexpr ValueId max_values = 1u << 24;

void note_value(Program& program, ValueId id, const Spec& spec, const LineReader& line) {
  if (id >= max_values) line.fail("value number too large");
  if (program.values.size() <= id) program.values.resize(id + 1);
  program.values[id] = spec;
}

Step parse_step(LineReader& line, Program& program,
                const std::function<Op(std::string_view)>& find) {
  const std::vector<ValueId> outputs = line.ids("=");
  Step step{find(std::string(line.until("("))), {}, outputs, {}, Place{}, {}, Phase::forward};
  line.expect("(");
  step.inputs = line.ids(")");
  if (line.take("{")) {
    while (!line.take("}")) {
      const std::string name(line.until("="));
      line.expect("=");
      step.op = step.op.with(name, line.until(" }"));
    }
  }
  if (line.take("into")) step.target = line.id();
  line.expect(":");
  for (ValueId output : outputs) {
    note_value(program, output, line.spec(), line);
    line.take(",");
  }
  return step;
}

}  // namespace

Tensors Program::run(std::span<const Tensor> arguments) const {
  if (arguments.size() != inputs.size())
    throw ShapeError("the program takes " + std::to_string(inputs.size()) + " inputs, got " +
                         std::to_string(arguments.size()),
                     "give one tensor for each input line");
  std::vector<Tensor> known(values.size());
  for (const auto& [id, tensor] : constants) known[id] = tensor;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (arguments[i].spec() != values[inputs[i]])
      throw ShapeError("input " + std::to_string(i) + " is " + arguments[i].spec().str() +
                           ", the program was traced with " + values[inputs[i]].str(),
                       "trace again for other shapes");
    known[inputs[i]] = arguments[i];
  }
  for (const Step& step : steps) {
    Tensors arguments_here;
    for (ValueId id : step.inputs) arguments_here.push_back(known[id]);
    if (step.target) {
      Tensor target = known[*step.target];
      apply_into(step.op, arguments_here, target, step.op.name(), step.place);
      known[step.outputs[0]] = target;
      continue;
    }
    Tensors results = apply_all(step.op, arguments_here, step.place);
    for (std::size_t i = 0; i < step.outputs.size(); ++i) known[step.outputs[i]] = results[i];
  }
  Tensors results;
  for (ValueId id : outputs) results.push_back(known[id]);
  return results;
}

std::string Program::str() const {
  std::ostringstream text;
  for (ValueId id : inputs) text << "input " << id_text(id) << " : " << values[id].str() << '\n';
  for (const auto& [id, tensor] : constants) {
    text << "const " << id_text(id) << " : " << values[id].str();
    if (!tensor.name().empty()) text << "  # " << tensor.name();
    text << '\n';
  }
  for (const Step& step : steps) {
    text << id_list(step.outputs) << " = " << step.op.name() << '(' << id_list(step.inputs) << ')';
    const std::string full = step.op.str();
    if (full.size() > step.op.name().size()) text << full.substr(step.op.name().size());
    if (step.target) text << " into " << id_text(*step.target);
    text << " :";
    for (std::size_t i = 0; i < step.outputs.size(); ++i)
      text << (i ? ", " : " ") << values[step.outputs[i]].str();
    if (!step.scope.empty()) text << "  # " << step.scope;
    text << '\n';
  }
  text << "return " << id_list(outputs) << '\n';
  return text.str();
}

Program Program::parse(std::string_view text, const std::function<Op(std::string_view)>& find,
                       std::map<ValueId, Tensor> constants) {
  Program program;
  int number = 0;
  bool returned = false;
  std::vector<bool> defined;
  auto define = [&](ValueId id, const LineReader& line) {
    if (defined.size() <= id) defined.resize(id + 1);
    if (defined[id]) line.fail(id_text(id) + " is made twice");
    defined[id] = true;
  };
  auto need = [&](ValueId id, const LineReader& line) {
    if (id >= defined.size() || !defined[id]) line.fail(id_text(id) + " is not made yet");
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    LineReader line(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.at_end()) continue;
    if (returned) line.fail("nothing may follow the return line");
    if (line.take("return")) {
      program.outputs = line.ids("");
      for (ValueId id : program.outputs) need(id, line);
      returned = true;
    } else if (line.take("input") || line.take("const")) {
      const ValueId id = line.id();
      line.expect(":");
      const Spec spec = line.spec();
      note_value(program, id, spec, line);
      define(id, line);
      if (auto given = constants.find(id); given == constants.end())
        program.inputs.push_back(id);
      else if (given->second.spec() != spec)
        line.fail("the constant given is " + given->second.spec().str());
    } else {
      Step step = parse_step(line, program, find);
      for (ValueId id : step.inputs) need(id, line);
      if (step.target) need(*step.target, line);
      for (ValueId id : step.outputs) define(id, line);
      program.steps.push_back(std::move(step));
    }
    if (!line.at_end()) line.fail("unexpected text at the end");
  }
  if (!returned) throw DataError("the program has no return line", "end it with: return %3, %4");
  for (auto& [id, tensor] : constants) {
    if (id >= defined.size() || !defined[id])
      throw DataError("a value for " + id_text(id) + " was given, which the program has not",
                      "give values for the const lines alone");
  }
  program.constants = std::move(constants);
  return program;
}

}  // namespace gradus
