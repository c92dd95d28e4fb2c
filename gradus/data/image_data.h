// Labelled images in three parts, and where they come from: MNIST-shaped files, or the digits that
// gradus draws itself.
#pragma once

#include <string>

#include <gradus/core/tensor.h>

namespace gradus::data {

/// images u8 [n, height, width], labels i64 [n].
struct ImageSet {
  Tensor images, labels;
  std::int64_t size() const { return images ? images.size(0) : 0; }
};

struct ImageData {
  std::string name;
  ImageSet train, valid, test;
  std::int64_t classes = 10;
};

/// MNIST-shaped IDX files in a folder: train-images-idx3-ubyte (or .idx3-ubyte), labels, t10k-...;
/// each also with .gz. 60,000 images are split into the first 50,000 and the last 10,000; of other
/// numbers the last sixth is for validation. Throws IoError, DataError (counts that disagree,
/// labels outside 0..9, nothing there).
ImageData mnist(const std::string& folder);

struct DigitsOptions {
  std::int64_t train = 12000, valid = 2000, test = 2000;
  std::uint64_t seed = 1;
};
/// Digits drawn as strokes under random affine maps, thickness and noise, 28 x 28. Equal seeds give
/// equal bytes. Throws ValueError for sizes that are not positive.
ImageData digits(const DigitsOptions& options = {});

/// "digits", a folder, or "" for the folder in GRADUS_DATA (or its subfolder mnist), else the
/// digits.
ImageData load(const std::string& name, const DigitsOptions& options = {});

}  // namespace gradus::data
