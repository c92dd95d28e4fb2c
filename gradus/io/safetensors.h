// Safetensors: named tensors with text metadata, the format of Hugging Face's library of that name:
// 8 bytes little-endian header length, a JSON header, then the raw values. Nothing is ever
// executed.
#pragma once

#include <map>
#include <string>

#include <gradus/core/tensor.h>

namespace gradus::io {

struct SafeTensors {
  /// In the order of their bytes.
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;

  /// Throws NameError that lists the names there are.
  const Tensor& at(std::string_view name) const;
  const Tensor* find(std::string_view name) const;
};

/// dtypes BOOL U8 I32 I64 F32 F64. Throws IoError, or DataError unless the file is exactly right:
/// header of at most 100 MB, no duplicate names, offsets that cover the data without holes or
/// overlap.
SafeTensors load_safetensors(const std::string& path);
SafeTensors parse_safetensors(std::string_view bytes, const std::string& name);
/// Atomic (io/file.h). Equal contents give equal bytes.
void save_safetensors(const std::string& path, const SafeTensors& contents);
std::string safetensors_bytes(const SafeTensors& contents);

}  // namespace gradus::io
