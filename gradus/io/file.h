// Whole files: read with clear errors, written so that nothing half-written ever remains.
#pragma once

#include <string>
#include <string_view>

#include <gradus/core/error.h>

namespace gradus::io {

/// All bytes of a file. Throws IoError with the path and the system's reason.
std::string read_file(const std::string& path);
/// Writes beside `path`, flushes to disk, renames over it, flushes the folder: afterwards the file
/// is the new one or, after any failure (IoError), the old one.
void write_file_atomically(const std::string& path, std::string_view bytes);
/// Throws IoError unless a file can be written at `path`: for asking before long work.
void check_writable(const std::string& path);

}  // namespace gradus::io
