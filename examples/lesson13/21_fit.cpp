// Chapter 21. fit
//
// Training set and validation set, loaders for both, a net, a loss, an optimizer: `fit` is the loop
// that never has to be written again.
#include <gradus/gradus.h>

#include "bias_first.h"
#include "lesson.h"
#include "training.h"

using namespace gradus;
using namespace lesson;

static Tensor loss_func(const Tensor& preds, const Tensor& targets) {
  return cross_entropy(preds, targets);
}

// ## fit
// Training mode, all batches; evaluation mode, the validation set without recording. Each batch
// counts as often as it has rows, because the last may be short.
static std::vector<Report> fit(int epochs, nn::Module& model, optim::Optimizer& opt,
                               const data::DataLoader& train_dl, const data::DataLoader& valid_dl) {
  std::vector<Report> reports;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    model.train();
    for (const auto& [x, y] : train_dl) {
      loss_func(model(x), y).backward();
      opt.step();
      opt.zero_grad();
    }
    model.eval();
    NoGrad guard;
    Report total;
    double rows = 0;
    for (const auto& [x, y] : valid_dl) {
      const Tensor preds = model(x);
      const double n = static_cast<double>(y.size(0));
      rows += n;
      total.loss += loss_func(preds, y).item() * n;
      total.accuracy += accuracy(preds, y) * n;
    }
    reports.push_back({total.loss / rows, total.accuracy / rows});
    std::cout << text("%d %.6f %.4f\n", epoch, reports.back().loss, reports.back().accuracy);
  }
  return reports;
}

// ## Five epochs
// The notebook's f32 run and the same run in f64 part in the first epoch: .1424 against .1405. Both
// are right. One rounding decides whether a rectifier is open, and all that follows differs; here
// the plain net takes the way of f64. `BiasFirst` is the same net with the bias as the weight of a
// pixel that is always 1, the first to be added: no formula changes, only the order of rounding,
// and the run is the notebook's. So much for the fourth digit of anybody's accuracy.
static void five_epochs(const data::Loaders& dls) {
  const std::string stream = default_generator().state();
  nn::Sequential model = lesson_net();
  optim::SGD opt(model.parameters(), {.lr = .5});
  const Stopwatch watch;
  const std::vector<Report> here = fit(5, model, opt, dls.train, dls.valid);
  timing("5 epochs with validation: " + text("%.2f s", watch.seconds()) + "; the notebook: 1.54 s");
  default_generator().set_state(stream);
  BiasFirst other;
  optim::SGD other_opt(other.parameters(), {.lr = .5});
  const std::vector<Report> bias_first = fit(2, other, other_opt, dls.train, dls.valid);
  row(106, "fit: valid loss after epoch 0, bias first", .14236383, bias_first[0].loss, 1e-5,
      mnist_only);
  also(106, "valid accuracy", .9581, bias_first[0].accuracy, 1e-9, mnist_only);
  also(106, "valid loss after epoch 1, bias first", .12564025, bias_first[1].loss, 1e-5,
       mnist_only);
  also(106, "valid accuracy after epoch 1", .9632, bias_first[1].accuracy, 1e-9, mnist_only);
  const double f64_loss[] = {.1405, .1221, .1345, .1112, .1113},
               f64_accuracy[] = {.9582, .9635, .9630, .9662, .9704};
  for (std::size_t e = 0; e < 3; ++e) {
    const std::string name = "bias last, as f64: epoch " + std::to_string(e);
    also(106, name + ", valid loss", f64_loss[e], here[e].loss, 5e-5, mnist_only);
    also(106, name + ", valid accuracy", f64_accuracy[e], here[e].accuracy, 1e-9, mnist_only);
  }
  also_band(106, "epoch 4, valid loss", .095, .13, here[4].loss, mnist_only);
  also_band(106, "epoch 4, valid accuracy", .964, .975, here[4].accuracy, mnist_only);

  // The library has this loop too, `gradus::fit`; it gives the same numbers to the last bit.
  default_generator().set_state(stream);
  nn::Sequential again = lesson_net();
  optim::SGD again_opt(again.parameters(), {.lr = .5});
  const Evaluation library = gradus::fit(1, again, loss_func, again_opt, dls.train, dls.valid);
  also(106, "the library's fit, epoch 0, less ours", 0, library.loss - here[0].loss, 0);
}

static void run() {
  const Data& d = lesson::data();
  stream_before_chapter(21);

  // ## Training and validation
  // The validation loader takes twice the batch: without gradients there is room.
  const data::Loaders dls = data::get_dls(
      std::make_shared<data::TensorDataset>(d.x_train, d.y_train),
      std::make_shared<data::TensorDataset>(d.x_valid, d.y_valid), 50, {.prefetch = 4});
  const std::string stream = default_generator().state();
  also_text(106, "rows of a batch: training, validation", "50 100",
            std::to_string((*dls.train.begin()).x.size(0)) + " " +
                std::to_string((*dls.valid.begin()).x.size(0)));
  default_generator().set_state(stream);
  five_epochs(dls);
}

static const Chapter chapter{21, "fit", run};
