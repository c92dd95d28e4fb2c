// A run from JSON lines; see plot_run.h.
#include <gradus/see/plot_run.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using Json = nlohmann::ordered_json;

/// NaN for null and for what is not there.
double number_at(const Json& of, const char* key) {
  const auto found = of.find(key);
  return found == of.end() || found->is_null() ? Run::unknown : found->get<double>();
}

Grid grid_of(const Json& numbers, const Json& sizes, double unit) {
  Grid grid{sizes.at("height"), sizes.at("width"), {}};
  for (const Json& v : numbers)
    grid.values.push_back(v.is_null() ? Run::unknown : v.get<double>() * unit);
  if (grid.rows > 65536 || grid.columns > 65536 || grid.rows * grid.columns != grid.values.size())
    throw DataError("an image has " + std::to_string(grid.values.size()) + " pixels, not " +
                    std::to_string(grid.rows) + " x " + std::to_string(grid.columns));
  return grid;
}

/// What a reader of JSON finds wrong, without the name of that reader.
std::string in_own_words(const Json::exception& error) {
  const std::string words = error.what();
  const std::size_t begin = words.find("key '"), end = words.rfind('\'');
  if (begin != words.npos && end > begin + 5)
    return "the field '" + words.substr(begin + 5, end - begin - 5) + "' is missing";
  return "a field is of another kind than it should be";
}

void read_layers(const Json& e, Run& run) {
  Run::Snapshot snapshot{e.at("step"), {}, {}};
  for (const Json& j : e.at("layers")) {
    Run::Layer layer{
        .name = j.at("name").get<std::string>() + " " + j.at("kind").get<std::string>(),
        .mean = number_at(j, "mean"),
        .std = number_at(j, "std"),
        .near_zero = number_at(j, "near_zero"),
        .dead = number_at(j, "dead"),
        .limit = number_at(j, "limit"),
        .counts = j.at("counts").get<std::vector<double>>()};
    int exponent = 0;
    if (!layer.counts.empty() &&
        (std::frexp(layer.limit, &exponent) != 0.5 || layer.counts.size() % 4 != 0))
      throw DataError("a histogram of " + std::to_string(layer.counts.size()) +
                      " bins: the limit is a power of 2, and bins come by 4");
    snapshot.layers.push_back(std::move(layer));
  }
  for (const Json& j : e.at("parameters")) {
    const auto shape = j.find("shape");  // younger than the others
    snapshot.parameters.push_back({j.at("name"), number_at(j, "gradient_norm"),
                                   number_at(j, "norm"), number_at(j, "update_norm"),
                                   shape == j.end() ? 0 : shape->size()});
  }
  run.snapshots.push_back(std::move(snapshot));
}

void read_event(const Json& e, Run& run) {
  const std::string kind = e.at("event");
  if (kind == "start") {
    const double images = e.at("data").at("train"), batch = e.at("config").at("batch_size");
    run.steps_per_epoch = std::max(1.0, std::ceil(images / std::max(batch, 1.0)));
  } else if (kind == "epoch") {
    run.epochs.push_back({e.at("epoch"), number_at(e, "train_loss"), number_at(e, "valid_loss"),
                          number_at(e, "train_accuracy"), number_at(e, "valid_accuracy")});
  } else if (kind == "batch") {
    const double loss = number_at(e, "loss");
    run.batches.push_back(
        {e.at("step"), loss, number_at(e, "accuracy"), number_at(e, "lr"), !std::isfinite(loss)});
  } else if (kind == "layers") {
    read_layers(e, run);
  } else if (kind == "weights") {
    run.weights_of = e.at("name");
    for (const Json& image : e.at("images"))
      run.weights.push_back(grid_of(image, e, number_at(e, "unit")));
  } else if (kind == "confusion") {
    run.confusion = e.at("counts").get<std::vector<std::vector<double>>>();
    for (const auto& row : run.confusion)
      if (row.size() != run.confusion.size()) throw DataError("a confusion matrix is square");
  } else if (kind == "misread") {
    run.misread.push_back({e.at("row"), e.at("truth"), e.at("answer"), number_at(e, "confidence"),
                           grid_of(e.at("pixels"), e, 1)});
  }
}

/// Pictures that the log has lines for but no numbers.
void tell_missing_in_log(Run& run) {
  const bool has_loss = std::any_of(run.batches.begin(), run.batches.end(),
                                    [](const Run::Batch& b) { return std::isfinite(b.loss); }) ||
                        std::any_of(run.epochs.begin(), run.epochs.end(), [](const Run::Epoch& e) {
                          return std::isfinite(e.train_loss) || std::isfinite(e.valid_loss);
                        });
  if (!has_loss && (!run.batches.empty() || !run.epochs.empty()))
    run.missing.emplace_back("loss: every number of it is NaN or infinite");
  double counted = 0;
  for (const auto& row : run.confusion)
    for (const double v : row) counted += v;
  if (run.confusion.empty() || counted > 0) return;
  run.confusion.clear();
  run.missing.emplace_back(
      "confusion, misread: the network gave no test image an answer that is a number");
}

}  // namespace

Run read_run(std::string_view text, std::string name) {
  Run run;
  run.name = std::move(name);
  for (std::size_t at = 0, line = 1; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view words = text.substr(at, end - at);
    at = end + 1;
    if (words.find_first_not_of(" \t\r") == words.npos) continue;
    const bool is_cut = end == text.size();
    try {
      read_event(Json::parse(words), run);
    } catch (const Json::parse_error&) {
      if (is_cut && line > 1) break;
      throw DataError("line " + std::to_string(line) + " of " + run.name + " is no JSON",
                      "give a file that `gradus train --log FILE` wrote, or a tape");
    } catch (const Json::exception& error) {
      throw DataError("line " + std::to_string(line) + " of " + run.name +
                          " is no event of a run: " + in_own_words(error),
                      "give a file that `gradus train --log FILE` wrote, or a tape");
    } catch (const DataError& error) {
      throw DataError("line " + std::to_string(line) + " of " + run.name + ": " + error.what(),
                      "was the log edited? train again with --log");
    }
  }
  tell_missing_in_log(run);
  return run;
}

}  // namespace gradus::see
