// Gather of image rows: bytes of chosen rows become floats, divided by the number that pixels are
// scaled with.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// target[i, j] = float(source[index[i], j]) / divisor, correctly rounded, for i < count and
/// j < row_bytes; both row-major. divisor > 0: 256 for mnist.pkl.gz's pixels, 255 for torchvision's
/// ToTensor. The caller has checked the indices. Large batches use several threads (threads.h).
void gather_rows_u8(const std::uint8_t* source, std::int64_t row_bytes, const std::int64_t* index,
                    std::int64_t count, float divisor, float* target);

}  // namespace gradus::kernels
