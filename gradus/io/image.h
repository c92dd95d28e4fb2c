// Pictures in: PGM and PNG files as gray images, for `gradus predict`.
#pragma once

#include <gradus/core/tensor.h>
#include <gradus/io/file.h>

namespace gradus::io {

/// The picture in a PGM (P2, P5) or PNG file as u8 [height, width], 0 black to 255 white; the
/// content decides, not the name. Colour becomes luma, 16 bits become 8, transparent pixels lie on
/// black, as the ground of MNIST's digits is. Throws IoError when it cannot be read, DataError when
/// it is damaged, of another format, larger than 4096 x 4096, or shows nothing because its strokes
/// are black on a transparent ground.
Tensor read_image(const std::string& path, Place at = Place::current());

/// The same for bytes in memory; `name` stands for the file in messages.
Tensor parse_image(ByteSpan bytes, const std::string& name = "image data",
                   Place at = Place::current());

}  // namespace gradus::io
