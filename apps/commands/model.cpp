// gradus eval and gradus predict: what a saved model says.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <gradus/io/file.h>
#include <gradus/io/gzip.h>
#include <gradus/io/idx.h>
#include <gradus/io/image.h>
#include <gradus/train/model_file.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

/// Values that the first layer takes.
std::int64_t input_size(nn::Sequential& net) {
  for (const auto& [name, x] : net.state_dict())
    if (x.ndim() == 2) return x.size(1);
  return 0;
}

void check_fits(nn::Sequential& net, const Tensor& images, const std::string& name) {
  const std::int64_t pixels = images.numel() / std::max<std::int64_t>(images.size(0), 1),
                     wanted = input_size(net);
  if (pixels != wanted)
    throw ShapeError("'" + name + "' has images of " + std::to_string(pixels) +
                         " pixels, the model takes " + std::to_string(wanted),
                     wanted == 784 ? "give pictures of 28 x 28 pixels"
                                   : "give pictures of the size the model was trained on");
}

struct EvalFlags {
  std::string model, data;
  bool json = false;
};

int eval(const EvalFlags& f) {
  ModelFile model = load_model(f.model);
  const data::ImageData data = data::load(f.data);
  check_fits(model.net, data.test.images, data.name);
  const data::DataLoader loader(std::make_shared<data::TensorDataset>(data.test, model.scale),
                                {.batch_size = 1000});
  const Evaluation e = evaluate(
      model.net, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); }, loader);
  if (f.json)
    std::printf(
        "%s\n",
        Json({{"loss", e.loss}, {"accuracy", e.accuracy}, {"samples", e.samples}}).dump().c_str());
  else
    std::printf("%s on the %lld test images of %s: accuracy %.4f, loss %.5f\n", f.model.c_str(),
                static_cast<long long>(e.samples), data.name.c_str(), e.accuracy, e.loss);
  return 0;
}

struct PredictFlags {
  std::string model;
  std::vector<std::string> files;
  bool json = false, invert = false;
};

struct Picture {
  std::string name;
  Tensor image;  // u8 [h, w]
  std::optional<std::int64_t> truth;
};

/// "mnist:17", "digits:valid:3", "DIR:0": a row of the test part, or of the part named.
std::optional<Picture> row_of_data(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon + 1 == text.size() ||
      text.find_first_not_of("0123456789", colon + 1) != text.npos || text.size() - colon > 12)
    return {};
  std::string name = text.substr(0, colon), part = "test";
  for (const char* known : {":train", ":valid", ":test"})
    if (name.ends_with(known)) {
      part = known + 1;
      name.resize(name.size() - part.size() - 1);
    }
  // "mnist" and the like are folders of GRADUS_DATA where there is no such folder here.
  const char* root = std::getenv("GRADUS_DATA");
  data::ImageData data;
  try {
    data = data::load(name);
  } catch (const IoError&) {
    if (root == nullptr) throw;
    const std::string folder = root;
    data = data::mnist(folder.ends_with("/" + name) || folder.ends_with("/" + name + "/")
                           ? folder
                           : folder + "/" + name);
  }
  const data::ImageSet& set = part == "train"   ? data.train
                              : part == "valid" ? data.valid
                                                : data.test;
  const std::int64_t row = std::stoll(text.substr(colon + 1));
  if (row >= set.size())
    throw IndexError("row " + std::to_string(row) + " of " + data.name + ", whose " + part +
                         " part has " + std::to_string(set.size()) + " rows",
                     "rows are 0.." + std::to_string(set.size() - 1));
  return Picture{text, set.images[row], set.labels[row].item<std::int64_t>()};
}

std::vector<Picture> pictures_of(const std::string& text) {
  if (std::optional<Picture> row = row_of_data(text)) return {*row};
  const io::Bytes bytes = io::read_file(text);
  const bool is_idx = io::is_gzip(bytes) || (bytes.size() > 1 && bytes[0] == 0 && bytes[1] == 0);
  if (!is_idx) return {{text, io::parse_image(bytes, text), {}}};
  const Tensor images = io::read_idx(text);
  if (images.ndim() != 3)
    throw DataError(
        "'" + text + "' holds " + images.shape().str() + ", not images [n, height, width]",
        "give an IDX file of images");
  std::vector<Picture> all;
  for (std::int64_t i = 0; i < images.size(0); ++i)
    all.push_back({text + ":" + std::to_string(i), images[i], {}});
  return all;
}

int predict(const PredictFlags& f) {
  ModelFile model = load_model(f.model);
  model.net.eval();
  NoGrad guard;
  const Terminal terminal;
  for (const std::string& file : f.files)
    for (Picture& p : pictures_of(file)) {
      check_fits(model.net, p.image.expand_dims(0), p.name);
      if (f.invert) p.image = astype(255 - astype(p.image, DType::i32), DType::u8);
      const Tensor x = reshape(astype(p.image, DType::f32) / model.scale, {1, -1});
      const Tensor shares = softmax(model.net(x))[0];
      const auto [best, digits] = topk(shares, std::min<std::int64_t>(3, shares.numel()));
      if (f.json) {
        Json line{{"input", p.name},
                  {"prediction", digits[0].item<std::int64_t>()},
                  {"probabilities", shares.to_vector<double>()}};
        if (p.truth) line["label"] = *p.truth;
        std::printf("%s\n", line.dump().c_str());
        continue;
      }
      std::printf("%s: %s", p.name.c_str(),
                  terminal.bold(std::to_string(digits[0].item<std::int64_t>())).c_str());
      for (std::int64_t k = 0; k < best.numel(); ++k)
        std::printf("%s%lld: %.1f %%", k ? ", " : "  (",
                    static_cast<long long>(digits[k].item<std::int64_t>()), 100 * best[k].item());
      std::printf(")%s\n", p.truth
                               ? (*p.truth == digits[0].item<std::int64_t>()
                                      ? "  right"
                                      : ("  wrong, it is a " + std::to_string(*p.truth)).c_str())
                               : "");
    }
  return 0;
}

}  // namespace

Command eval_command() {
  auto f = std::make_shared<EvalFlags>();
  return {"eval",
          "Loss and accuracy of a saved model on the test part",
          {{.names = "model", .target = &f->model, .help = "a model.safetensors", .required = true},
           {"--data", &f->data, "digits, or a folder of MNIST-shaped IDX files"},
           {"--json", &f->json, "one JSON object"}},
          [f] { return eval(*f); }};
}

Command predict_command() {
  auto f = std::make_shared<PredictFlags>();
  return {"predict",
          "What a saved model reads in pictures",
          {{.names = "model", .target = &f->model, .help = "a model.safetensors", .required = true},
           {.names = "files",
            .target = &f->files,
            .help = "PGM, PNG or IDX files, or rows of a data set: mnist:17, digits:valid:3, DIR:0",
            .required = true},
           {"--invert", &f->invert, "dark strokes on light paper"},
           {"--json", &f->json, "one JSON object a picture"}},
          [f] { return predict(*f); }};
}

}  // namespace gradus::app
