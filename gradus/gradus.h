// The whole library in one include.
#pragma once

#include <gradus/autograd/gradcheck.h>
#include <gradus/core/print.h>
#include <gradus/ops/ops.h>
#include <gradus/ops/registry.h>
#include <gradus/program/trace.h>
#include <gradus/train/trainer.h>
