// IDX: the format of MNIST (a magic, big-endian sizes, then bytes), gzipped or not.
#pragma once

#include <string>

#include <gradus/core/tensor.h>

namespace gradus::io {

/// The u8 tensor in an IDX file. Throws IoError, or DataError for anything that is not exactly an
/// IDX file of unsigned bytes: wrong magic, more than 8 axes, sizes that disagree with the length,
/// a damaged or truncated gzip. Memory stays within a small multiple of what the file can justify.
Tensor read_idx(const std::string& path);
/// The same from bytes; `name` stands in messages.
Tensor parse_idx(std::string_view bytes, const std::string& name);
/// Inflates gzipped bytes; others come back as they are. Throws DataError for damaged ones.
std::string gunzip(std::string bytes, const std::string& name);

}  // namespace gradus::io
