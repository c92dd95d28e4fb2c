// The smallest PNG: 8-bit RGB without compression, so that its bytes depend on nothing but the
// pixels. For colour maps inside an SVG.
#pragma once

#include <gradus/see/plot_axis.h>

namespace gradus::see {

/// rows x columns pixels in row-major order as a PNG file (W3C Portable Network Graphics, deflate
/// blocks stored).
std::vector<std::uint8_t> png(std::size_t rows, std::size_t columns,
                              std::span<const Colour> pixels);
/// RFC 4648.
std::string base64(std::span<const std::uint8_t> bytes);

}  // namespace gradus::see
