// The lesson's images: MNIST where it is at hand, else the built-in digits.
#include <gradus/data/digits.h>
#include <gradus/data/mnist.h>
#include <gradus/gradus.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "lesson.h"

namespace lesson {
namespace {

namespace fs = std::filesystem;

std::string& asked_folder() {
  static std::string folder;
  return folder;
}

/// Where MNIST is to be, and who said so: "--data", "GRADUS_DATA", or nobody.
struct Wanted {
  std::vector<fs::path> places;
  std::string named_by;
};
Wanted wanted() {
  const char* set = std::getenv("GRADUS_DATA");
  if (!asked_folder().empty()) return {{asked_folder()}, "--data"};
  if (set && *set) return {{set}, "GRADUS_DATA"};
  return {{"../shared/data", fs::path(LESSON_SOURCE_DIR) / ".." / "shared" / "data"}, ""};
}

[[noreturn]] void fail(const std::string& problem, const Wanted& from) {
  throw gradus::IoError(
      problem + ", which " + from.named_by + " names",
      "name the folder of MNIST's train-images-idx3-ubyte and the three other files, or the one "
      "above it; --data digits takes the built-in digits");
}

/// The folder of MNIST; empty where there is none, or where the built-in digits are asked for.
std::string mnist_folder() {
  if (asked_folder() == "digits") return "";
  const Wanted from = wanted();
  std::error_code ignored;
  for (const fs::path& place : from.places)
    for (const fs::path& folder : {place / "mnist", place})
      for (const char* file : {"t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte",
                               "t10k-labels.idx1-ubyte.gz", "t10k-labels.idx1-ubyte"})
        if (fs::is_regular_file(folder / file, ignored)) return folder.string();
  if (!from.named_by.empty()) {
    const std::string place = from.places[0].string();
    fail((fs::is_directory(place, ignored) ? "there is no MNIST in \"" : "there is no folder \"") +
             place + "\"",
         from);
  }
  return "";
}

/// MNIST and not one of its look-alikes: the first labels are known.
bool is_mnist(const gradus::data::ImageSet& train) {
  return train.size() == 50000 &&
         train.labels[gradus::Slice{0, 5}].to_vector<int>() == std::vector<int>{5, 0, 4, 1, 9};
}

Data load() {
  using namespace gradus;
  const std::string folder = mnist_folder();
  std::optional<data::ImageData> set;
  if (!folder.empty()) set = data::mnist(folder);
  const bool real = set && is_mnist(set->train);
  if (set && !real && !wanted().named_by.empty())
    fail("the images in \"" + folder + "\" are not those of MNIST", wanted());
  if (!real) set = data::digits();
  const auto pixels = [](const data::ImageSet& part) {
    return part.images.reshape({part.size(), 784}).astype(DType::f32) / 256;
  };
  return {pixels(set->train),
          set->train.labels,
          pixels(set->valid),
          set->valid.labels,
          pixels(set->test),
          set->test.labels,
          real};
}

}  // namespace

const Data& data() {
  static const Data loaded = load();
  return loaded;
}

void look_in(const std::string& folder) {
  asked_folder() = folder;
  if (!folder.empty()) (void)mnist_folder();
}

}  // namespace lesson
