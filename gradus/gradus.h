// The whole library in one include.
#pragma once

#include <gradus/autograd/gradcheck.h>
#include <gradus/core/print.h>
#include <gradus/core/subnormals.h>
#include <gradus/core/unpack.h>
#include <gradus/data/digits.h>
#include <gradus/data/mnist.h>
#include <gradus/io/file.h>
#include <gradus/io/idx.h>
#include <gradus/io/image.h>
#include <gradus/io/safetensors.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/program/trace.h>
#include <gradus/see/inspector.h>
#include <gradus/see/live.h>
#include <gradus/see/recorder.h>
#include <gradus/symbolic/derive.h>
#include <gradus/symbolic/evaluate.h>
#include <gradus/symbolic/parse.h>
#include <gradus/symbolic/print.h>
#include <gradus/symbolic/simplify.h>
#include <gradus/train/callbacks.h>
#include <gradus/train/model_file.h>
#include <gradus/train/trainer.h>

namespace gradus::see {
/// GRADUS_BREAK works in every program that includes this file.
inline const bool is_stepping = break_from_environment();
}  // namespace gradus::see
