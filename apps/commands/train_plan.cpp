// Showing plans; see train_plan.h.
#include <apps/commands/train_plan.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

Json kernels_of(const compile::Plan& plan) {
  const auto texts = [](const std::vector<Spec>& specs) {
    Json list = Json::array();
    for (const Spec& spec : specs) list.push_back(spec.str());
    return list;
  };
  const char* phases[] = {"forward", "backward", "update"};
  Json kernels = Json::array();
  for (const compile::KernelInfo& k : plan.kernels())
    kernels.push_back({{"kernel", k.what},
                       {"phase", phases[static_cast<int>(k.phase)]},
                       {"scope", k.scope},
                       {"inputs", texts(k.inputs)},
                       {"outputs", texts(k.outputs)},
                       {"flops", k.flops},
                       {"bytes", k.bytes},
                       {"by_rows", k.by_rows},
                       {"not_fused", k.note}});
  return {{"event", "plan"},
          {"arena_bytes", plan.arena_bytes()},
          {"zeros", plan.zeros()},
          {"kernels", std::move(kernels)}};
}

}  // namespace

void ExplainPlan::planned(TrainState&, const compile::Plan& plan) {
  if (std::exchange(was_shown_, true)) return;
  events_.write(kernels_of(plan));
  if (!as_text_) return;
  terminal_.clear_transient();
  std::printf("the plan of a training step\n%s\n", plan.str(terminal_.width()).c_str());
  std::fflush(stdout);
}

void ExplainPlan::say_why_not(const std::string& reason) {
  if (was_shown_) return;
  events_.write({{"event", "no_plan"}, {"reason", reason}});
  if (as_text_)
    std::printf("\n%s\n",
                wrapped("no plan, the steps ran one by one: " + reason, terminal_.width()).c_str());
}

}  // namespace gradus::app
