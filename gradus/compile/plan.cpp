// Building and running plans; see plan.h. Read Builder::build from top to bottom, then Plan::run.
#include <gradus/compile/plan.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include <gradus/compile/call.h>
#include <gradus/compile/cost.h>
#include <gradus/compile/passes.h>
#include <gradus/compile/rows.h>
#include <gradus/compile/zeros.h>
#include <gradus/core/subnormals.h>
#include <gradus/kernels/threads.h>

namespace gradus::compile {
namespace {

std::size_t bytes_of(const Spec& spec) {
  return static_cast<std::size_t>(spec.shape.numel()) * dtype_size(spec.dtype);
}

/// What lies behind `base`; of no memory (an input before run() brings it, a tensor without
/// elements) nothing does.
template <class Byte>
Byte* behind(Byte* base, std::size_t bytes) {
  return base ? base + bytes : nullptr;
}

}  // namespace

struct Plan::State {
  Program program;
  PlanOptions options;
  std::vector<Buffer> buffers;
  std::vector<View> views;  // by value id
  std::vector<Kernel> kernels;
  Turns turns;
  std::int64_t rows = 0;  // of the batch
  std::vector<Call> calls;
  std::vector<KernelInfo> infos;
  Storage arena;
  Placement placement;
  Tensors constants, outputs, results;
  std::vector<Storage> written;  // constants that a run writes
  std::vector<Tensor> zeros;     // constants that must still be zero
  /// Pointers into the inputs of a run, set anew each time.
  struct Patch {
    std::size_t input;
    const void** data;
    std::size_t offset;
  };
  std::vector<Patch> patches;
  /// Results that are views of inputs.
  struct Passed {
    std::size_t result, input;
    Layout layout;
  };
  std::vector<Passed> passed;
  /// Products of an input that may hold many zeros.
  struct Sparse {
    std::size_t call, input;
    kernels::Zeros operand;
  };
  std::vector<Sparse> sparse;
  std::map<std::size_t, ZeroWatch> watches;  // by input

  std::size_t add_buffer(Holder holder, std::size_t number, std::size_t bytes) {
    buffers.push_back({.holder = holder, .number = number, .life = {bytes, 0, 0}});
    return buffers.size() - 1;
  }
  std::byte* base_of(const Buffer& buffer, std::size_t index) {
    switch (buffer.holder) {
      case Holder::arena:
        return behind(arena.data(), placement.offsets[index]);
      case Holder::constant:
        return constants[buffer.number].storage().data();
      case Holder::output:
        return outputs[buffer.number].storage().data();
      case Holder::input:
        break;
    }
    return nullptr;
  }
  std::byte* data_of(const View& view) {
    return behind(base_of(buffers[view.buffer], view.buffer), view.offset_bytes());
  }

  void find_sources();
  void lower_steps();
  void find_turns();
  void find_lifetimes();
  void own_outputs();
  void place_buffers();
  void set_pointers();
  void watch_zeros();
  void look_for_zeros(std::span<const Tensor> inputs);
  void find_zeros(std::span<const Tensor> inputs);
  void run(std::size_t call) const;
  void run_by_rows(std::span<const std::size_t> numbers) const;
  void run_together(std::span<const std::size_t> numbers, std::int64_t piece) const;
  void describe();
};

/// Inputs and constants are there before any step.
void Plan::State::find_sources() {
  views.resize(program.values.size());
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    const Spec& spec = program.values[program.inputs[i]];
    views[program.inputs[i]] = {add_buffer(Holder::input, i, bytes_of(spec)),
                                Layout::contiguous(spec.shape), spec.dtype};
  }
  std::map<const void*, std::size_t> storages;  // constants may share one
  for (const auto& [id, tensor] : program.constants) {
    const auto [known, is_new] = storages.try_emplace(tensor.storage().id(), buffers.size());
    if (is_new) {
      add_buffer(Holder::constant, constants.size(), tensor.storage().bytes());
      constants.push_back(tensor);
      if (options.fuse && tensor.numel() == 1 &&
          tensor.storage().bytes() == dtype_size(tensor.dtype()) && tensor.item() == 0) {
        buffers.back().is_zero = true;
        zeros.push_back(tensor);
      }
    }
    views[id] = {known->second, tensor.layout(), tensor.dtype()};
  }
}

/// Views become layouts; everything else becomes a kernel.
void Plan::State::lower_steps() {
  for (const Step& step : program.steps) {
    if (step.op.kind() == OpKind::function)
      throw TraceError("'" + std::string(step.op.name()) + "' at " + short_place(step.place) +
                           " is a function of tensors, which no kernel can run",
                       "write it with operations, or run this step without compiling");
    Kernel kernel{step.op, step.place, std::string(step.op.name()), {}, step.inputs.size()};
    kernel.writes_in_place = step.target.has_value();
    kernel.scope = step.scope;
    kernel.phase = step.phase;
    for (ValueId id : step.inputs) kernel.views.push_back(views[id]);
    if (step.op.kind() == OpKind::view) {
      const Layout* layout = &kernel.views[0].layout;
      if (std::optional<Layout> seen = step.op.model().view(std::span(&layout, 1))) {
        views[step.outputs[0]] = {kernel.views[0].buffer, *seen, kernel.views[0].dtype};
        continue;
      }
    }
    for (std::size_t k = 0; k < step.outputs.size(); ++k) {
      const Spec& spec = program.values[step.outputs[k]];
      views[step.outputs[k]] = step.target ? views[*step.target]
                                           : View{add_buffer(Holder::arena, 0, bytes_of(spec)),
                                                  Layout::contiguous(spec.shape), spec.dtype};
      kernel.views.push_back(views[step.outputs[k]]);
    }
    kernels.push_back(std::move(kernel));
  }
}

/// The batch is the first axis of the first input.
void Plan::State::find_turns() {
  if (!program.inputs.empty())
    if (const Shape& shape = program.values[program.inputs[0]].shape; shape.rank() > 0)
      rows = shape[0];
  turns = find_rows(kernels, buffers, rows, options.always_by_rows);
}

/// Kernels that go by rows have no order among the threads: one moment for all.
void Plan::State::find_lifetimes() {
  int now = 0;
  const auto live = [&](std::size_t kernel) {
    for (const View& view : kernels[kernel].views) {
      Buffer& buffer = buffers[view.buffer];
      if (!std::exchange(buffer.is_used, true)) buffer.life.first = now;
      buffer.life.last = now;
    }
  };
  for (const std::size_t kernel : turns.before) live(kernel), ++now;
  for (const std::size_t kernel : turns.by_rows) live(kernel);
  for (const std::size_t kernel : turns.after) ++now, live(kernel);
}

/// What the caller gets has bytes of its own.
void Plan::State::own_outputs() {
  for (ValueId id : program.outputs) {
    Buffer& buffer = buffers[views[id].buffer];
    buffer.is_result = true;
    if (buffer.holder == Holder::arena) {
      buffer.holder = Holder::output;
      buffer.number = outputs.size();
      outputs.push_back(Tensor::empty({static_cast<std::int64_t>(buffer.life.bytes)}, DType::u8));
    }
    const View& view = views[id];
    if (buffer.holder == Holder::input) {
      passed.push_back({results.size(), buffer.number, view.layout});
      results.emplace_back();
      continue;
    }
    const Tensor& holder = (buffer.holder == Holder::output ? outputs : constants)[buffer.number];
    results.emplace_back(holder.storage(), view.layout, view.dtype);
  }
}

void Plan::State::place_buffers() {
  std::vector<Lifetime> lives;
  lives.reserve(buffers.size());
  for (const Buffer& buffer : buffers)
    lives.push_back(buffer.holder == Holder::arena && buffer.is_used ? buffer.life : Lifetime{});
  placement = place(lives);
  arena = Storage::allocate(placement.bytes);
}

void Plan::State::set_pointers() {
  calls.reserve(kernels.size());
  for (Kernel& kernel : kernels) {
    Call& call = calls.emplace_back(Call{std::move(kernel)});
    call.in.reserve(call.kernel.input_count);
    for (const View& view : call.kernel.inputs()) {
      const Buffer& buffer = buffers[view.buffer];
      call.in.push_back({data_of(view), &view.layout, view.dtype});
      if (buffer.holder == Holder::input)
        patches.push_back({buffer.number, &call.in.back().data, view.offset_bytes()});
    }
    for (const View& view : call.kernel.outputs())
      call.out.push_back({data_of(view), &view.layout, view.dtype});
  }
  std::map<std::size_t, bool> seen;
  for (const Step& step : program.steps)
    if (step.target) {
      const Buffer& buffer = buffers[views[*step.target].buffer];
      if (buffer.holder == Holder::constant && !std::exchange(seen[buffer.number], true))
        written.push_back(constants[buffer.number].storage());
      if (buffer.holder == Holder::input)
        throw TraceError("an input is changed in place by '" + std::string(step.op.name()) +
                             "' at " + short_place(step.place),
                         "work on a clone of it");
    }
}

void Plan::State::watch_zeros() {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Kernel& kernel = calls[i].kernel;
    const kernels::Zeros operand = watched_operand(kernel, buffers);
    if (operand == kernels::Zeros::few) continue;
    const Product& p = *kernel.product;
    const int place = operand == kernels::Zeros::in_a ? p.a.input : p.b.input;
    const std::size_t input = buffers[kernel.views[static_cast<std::size_t>(place)].buffer].number;
    watches.try_emplace(input);
    sparse.push_back({i, input, operand});
  }
}

void Plan::State::look_for_zeros(std::span<const Tensor> inputs) {
  for (auto& [input, watch] : watches) {
    const Tensor& x = inputs[input];
    watch.look(static_cast<const float*>(x.raw_data()), x.size(0), x.size(1));
  }
}

void Plan::State::find_zeros(std::span<const Tensor> inputs) {
  for (auto& [input, watch] : watches) {
    const Tensor& x = inputs[input];
    watch.find(static_cast<const float*>(x.raw_data()), x.size(0), x.size(1));
  }
  for (const Sparse& one : sparse) {
    const ZeroWatch& watch = watches.at(one.input);
    kernels::GemmHints& hints = calls[one.call].hints;
    hints = {};
    if (!watch.skips()) continue;
    hints.zeros = one.operand;
    hints.nonzeros = one.operand == kernels::Zeros::in_a ? watch.nonzeros_of_rows()
                                                         : watch.nonzeros_of_columns();
  }
}

void Plan::State::describe() {
  for (const Call& call : calls) {
    const Kernel& kernel = call.kernel;
    KernelInfo info{.what = kernel.what,
                    .flops = flops_of(kernel),
                    .bytes = bytes_of(kernel),
                    .note = kernel.note,
                    .scope = kernel.scope,
                    .phase = kernel.phase,
                    .by_rows = !kernel.by_rows.empty()};
    for (const View& view : kernel.inputs()) info.inputs.push_back(held_by(view));
    for (const View& view : kernel.outputs()) info.outputs.push_back(held_by(view));
    infos.push_back(std::move(info));
  }
}

Plan::Plan(Program program, PlanOptions options) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.options = options;
  s.program = simplify(std::move(program));
  s.find_sources();
  s.lower_steps();
  s.own_outputs();
  if (options.fuse) {
    fuse_products(s.kernels, s.buffers);
    fuse_elementwise(s.kernels, s.buffers);
    reuse_operands(s.kernels, s.buffers);
  }
  s.find_turns();
  s.find_lifetimes();
  s.place_buffers();
  s.set_pointers();
  if (options.skip_zeros) s.watch_zeros();
  s.describe();
}
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

void Plan::State::run(std::size_t number) const {
  try {
    calls[number].run();
  } catch (Error& error) {
    const Kernel& kernel = calls[number].kernel;
    error.add_context(kernel.op.name(), "", kernel.place);
    throw;
  }
}

/// A product that passes over zeros has a better way to share its work, and goes alone.
void Plan::State::run_by_rows(std::span<const std::size_t> numbers) const {
  const std::int64_t threads = kernels::num_threads(), share = (rows + threads - 1) / threads,
                     unit = options.always_by_rows ? 1 : rows_together,
                     piece = (share + unit - 1) / unit * unit;
  while (!numbers.empty()) {
    const auto alone = std::ranges::find_if(numbers, [&](std::size_t number) {
      return calls[number].hints.zeros != kernels::Zeros::few;
    });
    const auto count = static_cast<std::size_t>(alone - numbers.begin());
    if (count == 0 || piece >= rows) {
      run(numbers.front());
      numbers = numbers.subspan(1);
    } else {
      run_together(numbers.first(count), piece);
      numbers = numbers.subspan(count);
    }
  }
}

void Plan::State::run_together(std::span<const std::size_t> numbers, std::int64_t piece) const {
  std::atomic<std::size_t> failed = numbers.size();  // the first kernel that threw for some rows
  try {
    kernels::parallel_for(rows, piece, [&](std::int64_t begin, std::int64_t end) {
      std::size_t at = 0;
      try {
        for (; at < numbers.size(); ++at) calls[numbers[at]].run_rows(begin, end, rows);
      } catch (...) {
        std::size_t known = failed;
        while (at < known && !failed.compare_exchange_weak(known, at)) continue;
        throw;
      }
    });
  } catch (const Error&) {
    run(numbers[failed]);  // throws again, and names the place among all rows
    throw;
  }
}

const Tensors& Plan::run(std::span<const Tensor> inputs) {
  State& s = *state_;
  if (inputs.size() != s.program.inputs.size())
    throw ShapeError("the plan takes " + std::to_string(s.program.inputs.size()) + " inputs, got " +
                         std::to_string(inputs.size()),
                     "give one tensor for each input of the program");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Spec& wanted = s.program.values[s.program.inputs[i]];
    if (inputs[i].dtype() != wanted.dtype || !(inputs[i].shape() == wanted.shape))
      throw ShapeError("input " + std::to_string(i) + " is " + inputs[i].spec().str() +
                           ", the plan was made for " + wanted.str(),
                       "make another plan for other shapes");
    if (!inputs[i].is_contiguous())
      throw ShapeError("input " + std::to_string(i) + " is not contiguous", "give x.contiguous()");
  }
  for (const State::Patch& patch : s.patches)
    *patch.data =
        behind(static_cast<const std::byte*>(inputs[patch.input].raw_data()), patch.offset);
  for (const Tensor& zero : s.zeros)
    if (zero.item() != 0) {  // what was fused counts on it
      PlanOptions options = s.options;
      options.fuse = false;
      *this = Plan(std::move(s.program), options);
      return run(inputs);
    }
  s.look_for_zeros(inputs);
  for (const Storage& storage : s.written) storage.prepare_write();
  const FlushSubnormals mode;
  const kernels::Region region;  // one for all kernels
  s.find_zeros(inputs);
  for (const std::size_t call : s.turns.before) s.run(call);
  s.run_by_rows(s.turns.by_rows);
  for (const std::size_t call : s.turns.after) s.run(call);
  for (const Storage& storage : s.written) storage.note_write("a compiled step", Place::current());
  for (const State::Passed& p : s.passed) {
    Layout layout = p.layout;
    layout.offset += inputs[p.input].layout().offset;
    s.results[p.result] = inputs[p.input].with_layout(layout);
  }
  return s.results;
}

bool Plan::writes(const Tensor& x) const {
  for (const Storage& storage : state_->written)
    if (storage == x.storage()) return true;
  return false;
}

const std::vector<KernelInfo>& Plan::kernels() const { return state_->infos; }
std::size_t Plan::arena_bytes() const { return state_->placement.bytes; }

void Plan::look(std::span<const Tensor> inputs) { state_->look_for_zeros(inputs); }

std::vector<std::string> Plan::zeros() const {
  std::vector<std::string> lines;
  for (const auto& [input, watch] : state_->watches) {
    if (watch.density() < 0) continue;
    std::string products;
    for (const State::Sparse& one : state_->sparse)
      if (one.input == input)
        products += (products.empty() ? "" : ", ") + std::to_string(one.call + 1);
    lines.push_back("input " + std::to_string(input) + ": " +
                    std::to_string(static_cast<int>(std::lround(100 * watch.density()))) +
                    " % are not zero, so kernels " + products +
                    (watch.skips() ? " pass over its zeros" : " do not pass over its zeros"));
  }
  return lines;
}

}  // namespace gradus::compile
