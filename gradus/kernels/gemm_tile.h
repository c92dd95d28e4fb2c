// What passes between the driver of gemm (gemm.cpp) and its innermost loops (gemm_tile.cpp).
#pragma once

#include <gradus/kernels/gemm.h>

namespace gradus::kernels::detail {

/// A tile of C [height, width], its operands, and what is to become of it.
template <class T>
struct TileJob {
  std::int64_t depth;
  const T* a;  ///< A(i, k) at a[i * a_row + k * a_column]
  std::int64_t a_row, a_column;
  const T* b;  ///< whole vectors: B(k, j) at b[k * b_row + j]
  std::int64_t b_row;
  Matrix<T> c;
  std::int64_t width;           ///< columns of C; the kernel computes whole vectors of them
  bool add;                     ///< to what C holds
  const Epilogue<T>* epilogue;  ///< operands begin at this tile; null for none
};

template <class T>
using TileKernel = void (*)(const TileJob<T>&);

inline constexpr int most_vectors = 4, most_rows = 12;

/// The kernels of one instruction set: kernel[v - 1][r - 1] makes r rows of v vectors.
template <class T>
struct Tiles {
  TileKernel<T> kernel[most_vectors][most_rows];
  int rows[most_vectors];  ///< how many rows may be had with v vectors
  int vectors;             ///< how many vectors may be had
  std::int64_t lanes;
  /// packed[k * count + i] = source[i * step + k * along] for i < count, k < depth, zeros up to
  /// `tile` elements a k when count < tile.
  void (*pack)(const T* source, std::int64_t step, std::int64_t along, std::int64_t count,
               std::int64_t depth, T* packed, std::int64_t tile);
};

const Tiles<float>& tiles_f32();
const Tiles<double>& tiles_f64();

}  // namespace gradus::kernels::detail
