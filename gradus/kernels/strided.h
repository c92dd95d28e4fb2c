// Strided loops: an N-dimensional walk over one to four operands, reduced to as few and as long
// inner runs as their strides allow. Sizes and strides count elements; strides may be 0 or
// negative.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// The axes of a walk over `N` operands after neighbours that can be walked as one were merged.
template <int N>
struct Walk {
  static constexpr int max_rank = 16;
  int rank = 0;
  std::int64_t count = 1;
  std::int64_t sizes[max_rank];
  std::int64_t strides[N][max_rank];

  Walk(const std::int64_t* given_sizes, int given_rank,
       const std::int64_t* const (&given_strides)[N]) {
    for (int axis = 0; axis < given_rank; ++axis) {
      const std::int64_t size = given_sizes[axis];
      count *= size;
      if (size == 1) continue;
      bool merges = rank > 0;
      for (int k = 0; merges && k < N; ++k)
        merges = strides[k][rank - 1] == given_strides[k][axis] * size;
      const int at = merges ? rank - 1 : rank++;
      sizes[at] = merges ? sizes[at] * size : size;
      for (int k = 0; k < N; ++k) strides[k][at] = given_strides[k][axis];
    }
    if (rank == 0) {  // one element: a run like others
      rank = 1;
      sizes[0] = 1;
      for (int k = 0; k < N; ++k) strides[k][0] = 1;
    }
  }

  /// Calls run(positions, n) for each innermost run: `positions[k]` is where operand k begins, from
  /// there it goes on in steps of strides[k][rank - 1].
  template <class Run>
  void for_each_run(Run&& run) const {
    if (count == 0) return;
    std::int64_t positions[N] = {};
    if (rank == 1) return run(positions, sizes[0]);
    std::int64_t index[max_rank] = {};
    const int inner = rank - 1;
    while (true) {
      run(positions, sizes[inner]);
      int axis = inner - 1;
      for (; axis >= 0; --axis) {
        for (int k = 0; k < N; ++k) positions[k] += strides[k][axis];
        if (++index[axis] < sizes[axis]) break;
        for (int k = 0; k < N; ++k) positions[k] -= sizes[axis] * strides[k][axis];
        index[axis] = 0;
      }
      if (axis < 0) return;
    }
  }
};

}  // namespace gradus::kernels
