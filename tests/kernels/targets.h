// Every instruction set that this machine has, in turn: kernels must give equal bits on all.
#pragma once

#include <gradus/kernels/highway.h>

#include <hwy/targets.h>

namespace gradus::kernels {

/// Calls f(name) while the kernels run on one instruction set after the other.
template <class F>
void for_each_target(F&& f) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    f(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace gradus::kernels
