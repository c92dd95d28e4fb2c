// The instruction sets that kernels are compiled for: SSE2, SSE4, AVX2 and AVX-512 on x86, the best
// one chosen at run time. To be included before anything of Highway; kernels alone include it.
#pragma once

// It lies between two others and would cost building time for nothing.
#define HWY_DISABLED_TARGETS HWY_SSSE3
