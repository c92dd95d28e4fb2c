// Grey pictures from files: PGM, and PNG through libpng.
#pragma once

#include <string>

#include <gradus/core/tensor.h>

namespace gradus::io {

/// u8 [height, width], 255 white. Colours become their luminance, transparent pixels lie on black.
/// At most 16384 a side. Throws IoError or DataError.
Tensor read_image(const std::string& path);

}  // namespace gradus::io
