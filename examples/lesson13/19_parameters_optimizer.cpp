// Chapter 19. Parameters, optimizer, Sequential
//
// The loop of chapter 18 knows too much: which layers there are, which of them have weights, how a
// weight moves. Step by step that knowledge moves to where it belongs. A module finds its own
// parameters, a list of modules calls them in turn, an optimizer moves them, and after each step
// the net trains again and reaches the numbers of the notebook. All runs draw from one stream of
// random numbers, in the notebook's order.
#include <gradus/gradus.h>

#include "lesson.h"
#include "nets.h"
#include "runs.h"

using namespace gradus;
using namespace lesson;

// ## Three nets that find their own parameters
//
// -> nets.h
//
// ## An optimizer
// It holds the parameters and the learning rate, and knows how to make a step.
struct Optimizer {
  Tensors parameters;
  double lr = .5;
  void step() {
    NoGrad guard;
    for (Tensor& p : parameters) p.sub_(p.grad() * lr);
  }
  void zero_grad() {
    for (Tensor& p : parameters) p.grad().zero_();
  }
};

// ## The loop
// The loop, now the same for every net and every optimizer: three epochs of batches of 50. It gives
// what the notebook prints from here on, loss and accuracy of the **last** batch of each epoch, not
// of the first as in chapter 18: a number of one kind says nothing about one of the other.
template <class Opt>
static std::vector<Report> fit(nn::Module& model, Opt&& opt) {
  const Data& d = lesson::data();
  const DType dtype = model.parameters()[0].dtype();
  std::vector<Report> epochs(3);
  for (Report& last : epochs)
    for (std::int64_t i = 0; i < d.x_train.size(0); i += 50) {
      const Slice rows{i, i + 50};
      const Tensor yb = d.y_train[rows], preds = model(d.x_train[rows].astype(dtype));
      const Tensor loss = cross_entropy(preds, yb);
      loss.backward();
      opt.step();
      opt.zero_grad();
      if (i + 50 >= d.x_train.size(0)) last = {loss.item(), accuracy(preds, yb), 50};
    }
  return epochs;
}

static void parameters_of(const std::string& name, nn::Module& model,
                          std::source_location at = std::source_location::current()) {
  std::string shapes;
  for (const Tensor& p : model.parameters()) shapes += p.shape().str() + " ";
  also_text({106, at}, name + ".parameters()", "[50,784] [50] [10,50] [10] ", shapes);
}

// ## Each step trains again
//
// -> runs.h
//
// A fresh `Linear` first: the stream of random numbers stands where the notebook's stood.
static void run() {
  stream_before_chapter(19);
  nn::Linear linear(3, 4);
  std::cout << linear.weight << "\n" << linear.bias << "\n";
  also_each(106, "Linear(3,4).weight",
            {.57, .43, -.30, .13, -.32, -.24, .51, .04, .22, .13, -.17, -.24},
            linear.weight.reshape({12}), .005);
  also_each(106, "its bias", {-.01, -.51, -.39, .56}, linear.bias, .005);

  // The net with two fields.
  MLP mlp;
  std::cout << mlp.summary({{50, 784}, DType::f32}) << "\n";
  parameters_of("MLP", mlp);
  check_epochs("MLP", fit(mlp, Optimizer{mlp.parameters()}),
               {{.186721, .96}, {.112000, .96}, {.044963, 1}}, 1e-4);

  // The one that writes its layers down finds the same parameters.
  MyModule mine;
  parameters_of("MyModule", mine);

  // In f32 one rectifier of the many thousands may fall on the other side of zero, depending on
  // the order in which a product adds up, and the run goes its own way from there. In f64 it
  // takes the notebook's.
  const std::string before = default_generator().state();
  SequentialModel list;
  const std::vector<Report> single = fit(list, Optimizer{list.parameters()});
  check_epochs("ModuleList", single, {{.118681, .96}, {.108777, .96}}, 1e-5);
  also_band(106, "ModuleList, epoch 2, last batch", .06, .09, single[2].loss, mnist_only);
  default_generator().set_state(before);
  SequentialModel precise;
  precise.to(DType::f64);
  check_epochs("in f64", fit(precise, Optimizer{precise.parameters()}),
               {{.118681, .96}, {.108777, .96}, {.070522, .98}}, 1e-6);

  // `Sequential` is the list of modules, ready made.
  nn::Sequential sequential = lesson_net();
  check_epochs("Sequential", fit(sequential, Optimizer{sequential.parameters()}),
               {{.163580, .94}, {.128339, .96}, {.076201, .96}}, 1e-5);
  const Data& d = lesson::data();
  const Report after = whole_set(sequential, d.x_train[Slice{-50, {}}], d.y_train[Slice{-50, {}}]);
  also(106, "Sequential, the last batch after its step", .0257, after.loss, 5e-5, mnist_only);
  also(106, "its accuracy", 1, after.accuracy, 0, mnist_only);

  // With an optimizer of our own. How the sums of a product are ordered moves this run from the
  // second epoch on, so only bands.
  nn::Sequential another = lesson_net();
  const std::vector<Report> own = fit(another, Optimizer{another.parameters()});
  const double low[] = {.175, .12, .06}, high[] = {.180, .14, .13};
  check_epochs("Optimizer", own, {}, 0);
  for (std::size_t e = 0; e < 3; ++e)
    also_band(106, "own Optimizer, epoch " + std::to_string(e), low[e], high[e], own[e].loss,
              mnist_only);

  // The library's optimizer does the same, with the same two verbs.
  nn::Sequential model = lesson_net();
  also(106, "optim::SGD, that batch before", 2.3264,
       whole_set(model, d.x_train[Slice{-50, {}}], d.y_train[Slice{-50, {}}]).loss, 5e-5,
       mnist_only);
  check_epochs("optim::SGD", fit(model, optim::SGD(model.parameters(), {.lr = .5})),
               {{.118371, .98}, {.085183, .98}, {.074700, .98}}, 1e-5);
}

static const Chapter chapter{19, "Parameters, optimizer, Sequential", run};
