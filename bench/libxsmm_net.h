// Whole training steps by libxsmm's fully connected layers (Debian's 1.17, where libxsmm-dnn comes
// from), for bench/peers. From here: worker.cpp.
#pragma once

#include <memory>
#include <string>

#include "contestant.h"
#include "nets.h"

namespace bench {

/// The net with its first weights, images, labels and order from `folder`; the best of several
/// blockings, found by trying them. What differs from the others, all in its favour: the batches
/// lie ready as floats in its own layout, in the order of the epoch. Throws std::runtime_error
/// where gradus_bench was built without libxsmm.
std::unique_ptr<Contestant> libxsmm_net(const NetCase& net, int threads, const std::string& folder);

}  // namespace bench
