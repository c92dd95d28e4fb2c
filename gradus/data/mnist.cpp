// Finds, reads and checks MNIST-shaped folders; see mnist.h.
#include <gradus/data/mnist.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gradus/core/nearest.h>
#include <gradus/data/digits.h>
#include <gradus/io/idx.h>

namespace gradus::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t class_count = 10;

/// The file whose name is `stem` ("train-images"), '-' or '.', `kind` ("idx3-ubyte"), ".gz" or not.
std::string find_file(const fs::path& dir, const std::string& stem, const std::string& kind) {
  std::error_code ignored;
  for (const char* separator : {"-", "."})
    for (const char* ending : {"", ".gz"}) {
      const fs::path file = dir / (stem + separator + kind + ending);
      if (fs::exists(file, ignored)) return file.string();
    }
  throw IoError("no " + stem + "-" + kind + " in " + dir.string(),
                "looked for " + stem + "-" + kind + " and " + stem + "." + kind +
                    ", each with and without .gz; name the folder that holds the four files");
}

Tensor check_labels(const Tensor& raw, const std::string& file) {
  const std::int64_t n = raw.numel();
  const std::uint8_t* values = raw.data<std::uint8_t>();
  const auto bad = [](std::uint8_t label) { return label >= class_count; };
  if (const std::int64_t wrong = std::count_if(values, values + n, bad); wrong != 0) {
    const auto first = std::find_if(values, values + n, bad) - values;
    const auto [least, most] = std::minmax_element(values, values + n);
    throw DataError(file + ": label " + std::to_string(first) + " is " +
                        std::to_string(values[first]) + ", but there are 10 classes, 0..9; " +
                        std::to_string(wrong) + " of " + std::to_string(n) +
                        " labels are out of range, min " + std::to_string(*least) + ", max " +
                        std::to_string(*most),
                    *least == 1 && *most == class_count ? "labels count from 1? subtract 1"
                                                        : "check that this is the file you mean");
  }
  Tensor labels = Tensor::empty({n}, DType::i64);
  std::copy(values, values + n, labels.data<std::int64_t>());
  return labels;
}

ImageSet read_pair(const fs::path& dir, const std::string& part, Place at) {
  const std::string image_file = find_file(dir, part + "-images", "idx3-ubyte");
  const std::string label_file = find_file(dir, part + "-labels", "idx1-ubyte");
  const Tensor labels = io::read_idx(label_file, {.rank = 1, .what = "labels"}, at);
  const Tensor images = io::read_idx(image_file, {.rank = 3, .what = "images"}, at);
  if (images.size(0) != labels.size(0))
    throw DataError(std::to_string(images.size(0)) + " images in " + image_file + ", but " +
                        std::to_string(labels.size(0)) + " labels in " + label_file,
                    "take both files from the same data set");
  if (images.numel() == 0)
    throw DataError(image_file + ": no pixels, " + images.spec().str(), "give at least one image");
  return {images, check_labels(labels, label_file)};
}

ImageSet part_of(const ImageSet& all, std::int64_t start, std::int64_t stop) {
  return {all.images.with_layout(all.images.layout().slice(0, start, stop)),
          all.labels.with_layout(all.labels.layout().slice(0, start, stop))};
}

std::string folder_name(const fs::path& dir) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(dir, ignored);
  const std::string name = (ignored ? dir : whole).filename().string();
  return name.empty() ? dir.string() : name;
}

bool is_folder(const fs::path& dir) {
  std::error_code ignored;
  return fs::is_directory(dir, ignored);
}

bool has_training_files(const fs::path& dir) {
  try {
    find_file(dir, "train-images", "idx3-ubyte");
    return true;
  } catch (const IoError&) {
    return false;
  }
}

/// What load() knows by name: the digits and the folders below `home`.
std::vector<std::string> names_in(const fs::path& home) {
  std::vector<std::string> names{"digits"};
  std::error_code code;
  for (fs::directory_iterator at(home, code), end; !code && at != end; at.increment(code))
    if (is_folder(at->path())) names.push_back(at->path().filename().string());
  return names;
}

ImageData read_folder(const std::string& dir, Place at) {
  if (!is_folder(dir)) {
    std::error_code ignored;
    throw IoError(
        fs::exists(dir, ignored) ? dir + " is not a folder" : "there is no folder \"" + dir + "\"",
        "name a folder with train-images-idx3-ubyte and the three other files of MNIST, "
        "or \"digits\" for the built-in ones");
  }
  const ImageSet all = read_pair(dir, "train", at);
  ImageData data;
  data.name = folder_name(dir);
  data.folder = dir;
  data.classes = class_count;
  data.test = read_pair(dir, "t10k", at);
  for (const int axis : {1, 2})
    if (all.images.size(axis) != data.test.images.size(axis))
      throw DataError(dir + ": training images are " + all.images.spec().str() +
                          ", test images are " + data.test.images.spec().str(),
                      "take all four files from the same data set");
  const std::int64_t n = all.size();
  if (n < 2)
    throw DataError(dir + ": one training image cannot be split into train and valid",
                    "give at least 2, better 6");
  const std::int64_t start = n - std::max<std::int64_t>(1, n / 6);
  data.train = part_of(all, 0, start);
  data.valid = part_of(all, start, n);
  return data;
}

ImageData find_data(const std::string& name_or_dir, Place at) {
  const char* set = std::getenv("GRADUS_DATA");
  const fs::path home = set == nullptr ? "" : set;
  if (name_or_dir.empty()) {
    if (home.empty()) return digits();
    return read_folder(
        (!has_training_files(home) && is_folder(home / "mnist") ? home / "mnist" : home).string(),
        at);
  }
  if (name_or_dir == "digits") return digits();
  if (is_folder(name_or_dir)) return read_folder(name_or_dir, at);
  if (!home.empty() && is_folder(home / name_or_dir))
    return read_folder((home / name_or_dir).string(), at);
  if (!home.empty() && folder_name(home) == name_or_dir) return read_folder(home.string(), at);
  std::error_code ignored;
  const std::string near = nearest(name_or_dir, names_in(home));
  if (!near.empty() && !fs::exists(name_or_dir, ignored))
    throw IoError("there is no folder \"" + name_or_dir + "\"", "did you mean \"" + near + "\"?");
  return read_folder(name_or_dir, at);
}

}  // namespace

ImageData mnist(const std::string& dir, Place at) {
  return with_place(at, [&] { return read_folder(dir, at); });
}

ImageData load(const std::string& name_or_dir, Place at) {
  return with_place(at, [&] { return find_data(name_or_dir, at); });
}

}  // namespace gradus::data
