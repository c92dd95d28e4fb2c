// Safetensors: named tensors in one file. Eight bytes (little-endian length of the header), a JSON
// header {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {text: text}}, then the
// values. Nothing in such a file is ever executed, and every claim of the header is checked before
// it is believed. (github.com/huggingface/safetensors)
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gradus/core/tensor.h>
#include <gradus/io/file.h>

namespace gradus::io {

/// The content of a file: tensors in the order of the header, and text.
struct SafeTensors {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor of that name, or nullptr.
  const Tensor* find(const std::string& name) const;
  /// The tensor of that name. Throws NameError that lists the names.
  const Tensor& at(const std::string& name, Place where = Place::current()) const;
};

/// Reads a file with dtypes BOOL U8 I32 I64 F32 F64; every tensor gets storage of its own.
/// Throws IoError when it cannot be read; DTypeError, with the tensor's name, for other dtypes;
/// DataError otherwise: header over 100 MB, not JSON, of another form, repeated keys, sizes that
/// overflow, offsets with holes, overlaps, or bytes left over. (safetensors.torch.load_file)
SafeTensors load_safetensors(const std::string& path, Place at = Place::current());

/// The same for bytes in memory; `name` stands for the file in messages.
SafeTensors parse_safetensors(ByteSpan bytes, const std::string& name = "safetensors data",
                              Place at = Place::current());

/// The file as bytes: the same content always gives the same bytes. The header keeps the order of
/// the tensors and is padded with spaces to a multiple of 8; the values lie by falling element
/// size, so that all are aligned. Any layout is stored row-major. Throws NameError for a name that
/// repeats, is "__metadata__" or is not UTF-8. (safetensors.torch.save)
Bytes safetensors_bytes(const SafeTensors& content);

/// Writes it atomically; see write_file. (safetensors.torch.save_file)
void save_safetensors(const std::string& path, const SafeTensors& content,
                      Place at = Place::current());

}  // namespace gradus::io
