// Chapter 18. The mini-batch loop
//
// Everything so far looked at all 50,000 images before anything changed. Learning takes a few
// images, looks at the loss, moves every weight a little against its gradient, and takes the next
// few: a **mini-batch**. The loop is built one step at a time: predict, measure, go back, move;
// then the same for each slice of the data; then again for a few epochs. It ends at 96 %.
#include <gradus/gradus.h>

#include "lesson.h"
#include "picture.h"
#include "training.h"

using namespace gradus;
using namespace lesson;

// ## Accuracy
// The share of rows whose largest score stands at the label.
static double accuracy_by_hand(const Tensor& preds, const Tensor& labels) {
  return astype(argmax(preds, 1) == labels, DType::f64).mean().item();
}

// ## One step
// `backward` fills the gradients. The update must not be recorded, so a `NoGrad` stands before it.
// Each gradient is set back to zero in place, because the next backward adds to it.
static Report step(nn::Sequential& model, const Tensor& x, const Tensor& y) {
  const Tensor preds = model(x);
  const Tensor loss = cross_entropy(preds, y);
  loss.backward();
  NoGrad guard;
  for (std::size_t layer = 0; layer < model.size(); ++layer)
    for (Tensor p : model[layer].parameters()) {  // ReLU has none
      p.sub_(p.grad() * .5);
      p.grad().zero_();
    }
  return {loss.item(), accuracy_by_hand(preds, y)};
}

// ## The first batch
// The first 64 images: a slice is a view, nothing is copied. The untrained net guesses, its loss is
// about ln 10, and 6 of 64 are right, as many as blind guessing would give.
static void first_batch(const Data& d) {
  nn::Sequential model = lesson_net(1);
  const Tensor xb = d.x_train[Slice{0, 64}], yb = d.y_train[Slice{0, 64}], preds = model(xb);
  std::cout << "preds " << preds.shape() << ", loss " << cross_entropy(preds, yb).item()
            << ", accuracy " << accuracy_by_hand(preds, yb) << "\nanswers "
            << argmax(preds, 1)[Slice{0, 8}] << "\nlabels  " << yb[Slice{0, 8}] << "\n";
  row_text(98, "preds of the first batch", "[64,10]", preds.shape().str());
  also_text(98, "xb", "a view", xb.storage() == d.x_train.storage() ? "a view" : "a copy");
  const double scores[] = {-.0910, -.2123, -.0821, .0956, -.0354,
                           .0816,  -.0423, -.0279, .0059, .0613};
  for (int i = 0; i < 10; ++i)
    also(98, "preds[0][" + std::to_string(i) + "]", scores[i], preds[{0, i}].item(), 5e-5,
         mnist_only);
  const Tensor loss = cross_entropy(preds, yb);
  row(99, "loss of the first 64", 2.3036487, loss.item(), 1e-6, mnist_only);
  // The answer of the net is the column of the largest score; of equal ones the first.
  std::string answers;
  for (int digit : argmax(preds, 1).to_vector<int>()) answers += std::to_string(digit);
  row_text(100, "argmax(preds, 1), first eight", "39385939", answers.substr(0, 8), mnist_only);
  also_text(100, "all 64", "3938593939539939958795389595593597579939353835959539389595958898",
            answers, mnist_only);
  also(100, "rows where preds.argmax(1), the method, differs", 0,
       sum(preds.argmax(1) != argmax(preds, 1)).item(), 0);
  also(100, "argmax of (1, 7, 7)", 1, tensor({1., 7., 7.}).argmax().item(), 0);
  row(101, "accuracy of the first 64: 6 of them", .09375, accuracy_by_hand(preds, yb), 0,
      mnist_only);
  also(101, "by hand less the library's accuracy()", 0,
       accuracy_by_hand(preds, yb) - accuracy(preds, yb), 0);
  const Report fifty = whole_set(model, d.x_train[Slice{0, 50}], d.y_train[Slice{0, 50}]);
  also(99, "of the first 50", 2.3047539, fifty.loss, 1e-6, mnist_only);
  also(101, "of the first 50", .08, fifty.accuracy, 1e-12, mnist_only);

  // ## After one step
  // Every weight has moved by half its slope against it; the same 64 images have a smaller loss.
  step(model, xb, yb);
  std::cout << "loss after one step " << whole_set(model, xb, yb).loss << "\n";
  row(103, "the same batch after one step", 2.1651608, whole_set(model, xb, yb).loss, 1e-6,
      mnist_only);
  also_band(103, "it is better than before", 0, loss.item(), whole_set(model, xb, yb).loss);
  // Without NoGrad the update would become part of the graph; the library does not let it happen.
  row_text(104, "a parameter changed while recording", "GradError", error_of([&] {
             model[0].parameters()[0].sub_(ones({50, 784}));
           }));
}

// ## One epoch
// Slices of `bs` rows; the last one ends where the data ends.
static std::vector<Report> epoch(nn::Sequential& model, const Data& d, std::int64_t bs) {
  std::vector<Report> reports;
  for (std::int64_t i = 0; i < d.x_train.size(0); i += bs) {
    const Slice rows{i, std::min(i + bs, d.x_train.size(0))};
    reports.push_back(step(model, d.x_train[rows], d.y_train[rows]));
  }
  return reports;
}

// ## Three epochs, and seven more
// The first batch of each epoch tells how far the net has come. Ten epochs show that nothing piles
// up: each graph goes when its step is over, and the process stays as large as it was.
static void run() {
  const Data& d = lesson::data();
  first_batch(d);
  nn::Sequential model = lesson_net(1);
  // The lesson says "nearly 97 %": that is .96875, 62 of the 64 images of one training batch.
  const double lesson_says[3][6] = {{2.3036487, .09375, .93674, .94280, .93690, .199601},
                                    {.1237482, .96875, .95936, .95910, .95410, .139788},
                                    {.0923254, .96875, .96406, .96030, .95490, .132259}};
  const char* names[] = {"first batch, loss", "first batch, accuracy", "train accuracy",
                         "valid accuracy",    "test accuracy",         "valid loss"};
  const double tolerances[] = {1e-5, 0, 1e-9, 1e-9, 1e-9, 2e-6};
  double seconds = 0;
  Points curve;
  Memory before;
  for (int e = 0; e < 10; ++e) {
    const Stopwatch watch;
    const std::vector<Report> batches = epoch(model, d, 64);
    if (e == 0) {
      row(102, "batches of an epoch", 782, static_cast<double>(batches.size()), 0, mnist_only);
      also(102, "rows of the last one", 16, static_cast<double>(d.x_train.size(0) % 64), 0,
           mnist_only);
    }
    if (e > 2) continue;
    seconds += watch.seconds();
    for (std::size_t i = 0; i + 20 <= batches.size(); i += 20) {
      double mean = 0;
      for (std::size_t k = i; k < i + 20; ++k) mean += batches[k].loss / 20;
      curve.emplace_back(e + double(i + 10) / double(batches.size()), mean);
    }
    const Report valid = whole_set(model, d.x_valid, d.y_valid);
    std::cout << text("epoch %d: first batch %.6f / %.4f, validation %.6f / %.4f\n", e,
                      batches[0].loss, batches[0].accuracy, valid.loss, valid.accuracy);
    const double here[] = {batches[0].loss,
                           batches[0].accuracy,
                           whole_set(model, d.x_train, d.y_train).accuracy,
                           valid.accuracy,
                           whole_set(model, d.x_test, d.y_test).accuracy,
                           valid.loss};
    for (int i = 0; i < 6; ++i)
      (e + i ? also : row)(105, "epoch " + std::to_string(e) + ", " + names[i], lesson_says[e][i],
                           here[i], tolerances[i], mnist_only);
    before = Memory();
  }
  timing("3 epochs: " + text("%.2f s", seconds));
  const Memory after;
  Plot plot{"Training loss, mean of 20 batches", "epochs", "loss"};
  plot.from_zero = true;
  figure("loss", "the training loss falls fast, then slowly, over three epochs",
         svg({curve}, plot));
  also(104, "bytes of tensors, after epoch 9 less after epoch 2", 0, after.tensors - before.tensors,
       0);
  also(104, "megabytes of the process, the same", 0, after.resident_mb - before.resident_mb, 2,
       of_machine);

  // Batches of 50 instead of 64 lead elsewhere: how sums are ordered decides over the third digit.
  model = lesson_net(1);
  for (int e = 0; e < 3; ++e) epoch(model, d, 50);
  also_band(105, "bs 50, valid accuracy", .954, .956,
            whole_set(model, d.x_valid, d.y_valid).accuracy, mnist_only);
}

static const Chapter chapter{18, "The mini-batch loop", run};
