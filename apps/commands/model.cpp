// gradus eval and gradus predict: what a saved model says.
#include <apps/commands/commands.h>
#include <apps/commands/model_data.h>
#include <apps/terminal.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
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

struct EvalFlags {
  std::string model, data;
  bool json = false;
};

int eval(const EvalFlags& f) {
  ModelFile model = load_model(f.model);
  const data::ImageData data = data_of_model(model, f.model, f.data);
  check_fits(model.net, data.test.images, data.name, data.classes);
  const data::DataLoader loader(
      std::make_shared<data::TensorDataset>(data.test, model.scale, Place::current()),
      {.batch_size = 1000});
  const Evaluation e = evaluate(
      model.net, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); }, loader);
  if (f.json)
    std::printf(
        "%s\n",
        Json({{"loss", e.loss}, {"accuracy", e.accuracy}, {"samples", e.samples}}).dump().c_str());
  else
    std::printf("%s on the %lld test images of %s: accuracy %.4f, loss %s\n", f.model.c_str(),
                static_cast<long long>(e.samples), data.name.c_str(), e.accuracy,
                number("%.5f", e.loss).c_str());
  if (!std::isfinite(e.loss))
    std::fprintf(stderr,
                 "gradus: the loss is no finite number: this model's training went astray\n"
                 "  hint: train it anew with a smaller --lr\n");
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

/// Data sets by name, each read once however many of its rows are asked for.
class DataSets {
 public:
  const data::ImageData& of(const std::string& name) {
    const auto found = sets_.find(name);
    return (found != sets_.end() ? found : sets_.emplace(name, data::load(name)).first)->second;
  }

 private:
  std::map<std::string, data::ImageData> sets_;
};

/// A name that is no folder here is meant to be found in GRADUS_DATA.
const data::ImageData& data_named(const std::string& name, DataSets& sets) {
  const char* home = std::getenv("GRADUS_DATA");
  std::error_code ignored;
  try {
    return sets.of(name);
  } catch (const IoError&) {
    if ((home && *home) || name.find('/') != name.npos || std::filesystem::exists(name, ignored))
      throw;
    throw IoError("there is no data set '" + name + "' here",
                  "GRADUS_DATA names the folder that data sets lie in; or write the way to it, "
                  "DIR/" +
                      name + ":0; digits:0 is of the built-in ones");
  }
}

/// "mnist:17", "digits:valid:3", "DIR:0": a row of the test part, or of the part named.
std::optional<Picture> row_of_data(const std::string& text, DataSets& sets) {
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
  const data::ImageData& data = data_named(name, sets);
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

std::vector<Picture> pictures_of(const std::string& text, DataSets& sets) {
  if (std::optional<Picture> row = row_of_data(text, sets)) return {*row};
  const io::Bytes bytes = io::read_file(text);
  const bool is_idx = io::is_gzip(bytes) || (bytes.size() > 1 && bytes[0] == 0 && bytes[1] == 0);
  if (!is_idx) return {{text, io::parse_image(bytes, text), {}}};
  const Tensor images = io::read_idx(text);
  if (images.ndim() != 3)
    throw DataError(
        "'" + text + "' holds " + images.shape().str() + ", not images [n, height, width]",
        "give an IDX file of images");
  if (images.size(0) == 0)
    throw DataError("'" + text + "' holds no images", "give an IDX file of 1 image or more");
  std::vector<Picture> all;
  for (std::int64_t i = 0; i < images.size(0); ++i)
    all.push_back({text + ":" + std::to_string(i), images[i], {}});
  return all;
}

/// "  right", "  wrong, it is a 7", or nothing where the truth is not known.
std::string verdict(const Picture& p, std::int64_t answer) {
  if (!p.truth) return "";
  return *p.truth == answer ? "  right" : "  wrong, it is a " + std::to_string(*p.truth);
}

void print_answer(const Terminal& terminal, const Picture& p, const Tensor& shares) {
  const auto [best, digits] = topk(shares, std::min<std::int64_t>(3, shares.numel()));
  const auto answer = digits[0].item<std::int64_t>();
  std::printf("%s: %s", p.name.c_str(), terminal.bold(std::to_string(answer)).c_str());
  for (std::int64_t k = 0; k < best.numel(); ++k)
    std::printf("%s%lld: %.1f %%", k ? ", " : "  (",
                static_cast<long long>(digits[k].item<std::int64_t>()), 100 * best[k].item());
  std::printf(")%s\n", verdict(p, answer).c_str());
}

/// The prediction is null where the scores are no finite numbers.
void print_json(const Picture& p, const Tensor& shares, bool has_answer) {
  Json line{
      {"input", p.name}, {"prediction", nullptr}, {"probabilities", shares.to_vector<double>()}};
  if (has_answer) line["prediction"] = topk(shares, 1).indices.item<std::int64_t>();
  if (p.truth) line["label"] = *p.truth;
  std::printf("%s\n", line.dump().c_str());
}

int predict(const PredictFlags& f) {
  ModelFile model = load_model(f.model);
  model.net.eval();
  NoGrad guard;
  const Terminal terminal;
  DataSets sets;
  bool all_have_answers = true;
  for (const std::string& file : f.files)
    for (Picture& p : pictures_of(file, sets)) {
      check_fits(model.net, p.image.expand_dims(0), p.name);
      if (f.invert) p.image = astype(255 - astype(p.image, DType::i32), DType::u8);
      const Tensor x = reshape(astype(p.image, DType::f32) / model.scale, {1, -1});
      const Tensor shares = softmax(model.net(x))[0];
      const bool has_answer = std::isfinite(sum(shares).item());
      all_have_answers = all_have_answers && has_answer;
      if (f.json)
        print_json(p, shares, has_answer);
      else if (has_answer)
        print_answer(terminal, p, shares);
      else
        std::printf("%s: no answer\n", p.name.c_str());
    }
  if (!all_have_answers)
    std::fprintf(stderr,
                 "gradus: the model's scores are no finite numbers: its training went astray\n"
                 "  hint: train it anew with a smaller --lr\n");
  return 0;
}

}  // namespace

Command eval_command() {
  auto f = std::make_shared<EvalFlags>();
  return {"eval",
          "Loss and accuracy of a saved model on the test part",
          {{.names = "model", .target = &f->model, .help = "a model.safetensors", .required = true},
           {"--data", &f->data,
            "digits, or a folder of MNIST-shaped IDX files; by default what the model was trained "
            "on"},
           {"--json", &f->json, "one JSON object"}},
          [f] { return eval(*f); }};
}

Command predict_command() {
  auto f = std::make_shared<PredictFlags>();
  return {
      "predict",
      "What a saved model reads in pictures",
      {{.names = "model", .target = &f->model, .help = "a model.safetensors", .required = true},
       {.names = "files",
        .target = &f->files,
        .help =
            "PGM, PNG or IDX files, or rows of a data set: mnist:17, digits:valid:3, DIR:0; what "
            "is transparent counts as black",
        .required = true},
       {"--invert", &f->invert, "dark strokes on light paper"},
       {"--json", &f->json, "one JSON object a picture"}},
      [f] { return predict(*f); }};
}

}  // namespace gradus::app
