// Gather of image rows: bytes of chosen rows become floats through a table of 256 values, so that
// any exact scale (byte / 256, byte / 255) costs one look-up and has the bits of the division.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// table[byte] = float(byte) / divisor, correctly rounded: 256 for mnist.pkl.gz's pixels, 255 for
/// torchvision's ToTensor.
inline void fill_scale_table(float divisor, float (&table)[256]) {
  for (int byte = 0; byte < 256; ++byte) table[byte] = static_cast<float>(byte) / divisor;
}

/// target[i, j] = table[source[index[i], j]] for i < count, j < row_bytes; both row-major. The
/// caller has checked the indices.
inline void gather_rows_u8(const std::uint8_t* source, std::int64_t row_bytes,
                           const std::int64_t* index, std::int64_t count, const float (&table)[256],
                           float* target) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* row = source + index[i] * row_bytes;
    for (std::int64_t j = 0; j < row_bytes; ++j) target[i * row_bytes + j] = table[row[j]];
  }
}

}  // namespace gradus::kernels
