// Sets of small labelled images: MNIST and everything of its shape (Fashion-MNIST ...), read from
// IDX files, and the door `load` that also knows the built-in digits. From here: digits.h (drawn,
// not read), io/idx.h (the format).
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::data {

/// Images and their labels, in the same order.
struct ImageSet {
  Tensor images;  ///< u8 [n, height, width]; 0 is background
  Tensor labels;  ///< i64 [n]
  std::int64_t size() const { return images.size(0); }
};

/// A data set in its three parts.
struct ImageData {
  std::string name;
  ImageSet train, valid, test;
  std::int64_t classes = 10;
  std::string folder{};  ///< where it was read; empty where it was drawn
};

/// The MNIST-shaped data set in folder `dir`: train-images-idx3-ubyte, train-labels-idx1-ubyte and
/// the same with t10k, also spelled "train-images.idx3-ubyte", also with ".gz".
/// The last sixth of the training files is `valid`, the rest `train` (for MNIST 50,000 and 10,000);
/// both are views of one storage. `test` is t10k. The name is that of the folder.
/// Throws IoError when a file is missing, with the names looked for; DataError when the counts or
/// image sizes disagree, a label is not 0..9, or a part would be empty; and what read_idx throws.
ImageData mnist(const std::string& dir, Place at = Place::current());

/// The data set that a user means: "digits" (built in), a folder, or the name of a folder below
/// $GRADUS_DATA ("mnist", "fashion-mnist") or of that folder itself. An empty name means
/// $GRADUS_DATA, or mnist/ below it, and the built-in digits where that is not set. Throws what
/// mnist() throws, and for an unknown name says which one is near.
ImageData load(const std::string& name_or_dir = {}, Place at = Place::current());

}  // namespace gradus::data
