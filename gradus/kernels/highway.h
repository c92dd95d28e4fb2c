// The instruction sets that kernels are compiled for: plain loops, SSE4, AVX2 and AVX-512 on x86,
// the best one chosen at run time; with the option GRADUS_NATIVE plain loops and this machine's
// best. To be included before anything of Highway; kernels alone include it.
#pragma once

// SSSE3 lies between two others and would cost building time for nothing; GRADUS_OTHER_TARGETS are
// those of other machines, named by CMake.
#ifdef GRADUS_OTHER_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | GRADUS_OTHER_TARGETS)
#else
#define HWY_DISABLED_TARGETS HWY_SSSE3
#endif
