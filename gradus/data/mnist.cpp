// MNIST-shaped folders; see image_data.h.
#include <sys/stat.h>

#include <cstdlib>

#include <gradus/data/image_data.h>
#include <gradus/io/idx.h>

namespace gradus::data {
namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string find_part(const std::string& folder, const std::string& part, const std::string& kind) {
  for (const char* joint : {"-", "."})
    for (const char* ending : {"", ".gz"}) {
      std::string path = folder;
      path.append("/").append(part).append(joint).append(kind).append("-ubyte").append(ending);
      if (exists(path)) return path;
    }
  throw IoError("no '" + part + "-" + kind + "-ubyte' in '" + folder + "'",
                "looked for that name, with '.' for the last '-' before idx, and with .gz; the "
                "folder needs train-images-idx3-ubyte, "
                "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte");
}

ImageSet read_part(const std::string& folder, const std::string& part) {
  const std::string image_path = find_part(folder, part + "-images", "idx3"),
                    label_path = find_part(folder, part + "-labels", "idx1");
  const Tensor images = io::read_idx(image_path), labels = io::read_idx(label_path);
  if (images.ndim() != 3)
    throw DataError(
        "'" + image_path + "' holds " + images.shape().str() + ", not images [n, height, width]",
        "use the images file of an MNIST-shaped set");
  if (labels.ndim() != 1)
    throw DataError("'" + label_path + "' holds " + labels.shape().str() + ", not labels [n]",
                    "use the labels file of an MNIST-shaped set");
  if (images.numel() == 0)
    throw DataError("'" + image_path + "' holds no images: " + images.shape().str(),
                    "use a set with at least one image");
  if (images.size(0) != labels.size(0))
    throw DataError("'" + image_path + "' has " + std::to_string(images.size(0)) + " images, '" +
                        label_path + "' " + std::to_string(labels.size(0)) + " labels",
                    "use files that belong together");
  Tensor wide = Tensor::empty(labels.shape(), DType::i64);
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    const std::int64_t label = labels.data<std::uint8_t>()[i];
    if (label > 9)
      throw DataError(
          "'" + label_path + "' has label " + std::to_string(label) + " at " + std::to_string(i),
          "labels are 0..9");
    wide.data<std::int64_t>()[i] = label;
  }
  return {images, wide};
}

ImageSet rows(const ImageSet& set, std::int64_t begin, std::int64_t end) {
  return {set.images.with_layout(set.images.layout().slice(0, begin, end)),
          set.labels.with_layout(set.labels.layout().slice(0, begin, end))};
}

}  // namespace

ImageData mnist(const std::string& folder) {
  if (!exists(folder))
    throw IoError("there is no folder '" + folder + "'",
                  "give the folder of MNIST-shaped IDX files, or `digits` for the built-in ones");
  if (!is_folder(folder))
    throw IoError("'" + folder + "' is not a folder", "give the folder of MNIST-shaped IDX files");
  const ImageSet all = read_part(folder, "train"), test = read_part(folder, "t10k");
  const std::int64_t n = all.size(), train = n == 60000 ? 50000 : n - n / 6;
  if (n < 6)
    throw DataError("'" + folder + "' has " + std::to_string(n) + " training images",
                    "at least 6 are needed, so that a sixth can validate");
  if (test.images.size(1) != all.images.size(1) || test.images.size(2) != all.images.size(2))
    throw DataError("training images are " + all.images.shape().str() + ", test images " +
                        test.images.shape().str(),
                    "both parts must have one image size");
  std::string name = folder;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  name = name.substr(name.rfind('/') + 1);
  return {name, rows(all, 0, train), rows(all, train, n), test, 10};
}

ImageData load(const std::string& name, const DigitsOptions& options) {
  if (name == "digits") return digits(options);
  if (!name.empty()) return mnist(name);
  const char* folder = std::getenv("GRADUS_DATA");
  if (folder == nullptr || *folder == '\0') return digits(options);
  const std::string inner = std::string(folder) + "/mnist";
  return mnist(is_folder(inner) ? inner : folder);
}

}  // namespace gradus::data
