// IDX: the format of MNIST. Four bytes (0, 0, type, rank), one big-endian 32-bit size per axis,
// then the values in row-major order. (yann.lecun.com/exdb/mnist; RFC 1952 for the gzip around it)
#pragma once

#include <gradus/core/tensor.h>
#include <gradus/io/file.h>

namespace gradus::io {

/// What a reader expects of an IDX file: its rank, any where 0, and what its values are, for
/// messages.
struct IdxWish {
  int rank = 0;
  std::string what{};
};

/// The tensor in an IDX file of u8, gzipped or not (the content decides, not the name).
/// Throws IoError when it cannot be read; DataError with path and reason when the magic is wrong,
/// the rank is not 1..8 or not the one wished for, bytes are missing or left over, the gzip data is
/// damaged; DTypeError for IDX files of other types. Memory taken is bounded by the bytes that are
/// there, not by what the header says.
Tensor read_idx(const std::string& path, const IdxWish& wish = {}, Place at = Place::current());

/// The same for bytes in memory; `name` stands for the file in messages.
Tensor parse_idx(ByteSpan bytes, const std::string& name = "IDX data", const IdxWish& wish = {},
                 Place at = Place::current());

/// The IDX file of a u8 tensor of rank 1..8. Throws DTypeError, ShapeError.
Bytes idx_bytes(const Tensor& tensor);

/// Writes it atomically; see write_file.
void write_idx(const std::string& path, const Tensor& tensor, Place at = Place::current());

}  // namespace gradus::io
