// Chapter 4. Random numbers that are not random
//
// Training starts from random weights, yet everybody wants to see the same run twice. Computers
// make "random" numbers by a rule from a **seed**; who knows rule and seed knows every number. The
// lesson builds a small rule by hand and then uses PyTorch's; gradus draws the same stream, digit
// by digit.
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>

#include "lesson.h"

using namespace gradus;
using namespace lesson;

// Three small counters, each multiplied and wrapped around; the fractions are added and only the
// part after the point is kept. (Wichmann and Hill, 1982)
struct WichmannHill {
  long x, y, z;
  explicit WichmannHill(long seed) {
    x = seed % 30268 + 1, seed /= 30268;
    y = seed % 30306 + 1, seed /= 30306;
    z = seed % 30322 + 1;
  }
  double operator()() {
    x = 171 * x % 30269;
    y = 172 * y % 30307;
    z = 170 * z % 30323;
    return std::fmod(static_cast<double>(x) / 30269 + static_cast<double>(y) / 30307 +
                         static_cast<double>(z) / 30323,
                     1.);
  }
};

static void by_hand() {
  WichmannHill draw(457428938475);
  also_text(13, "by hand: state", "4976,20238,499",
            std::to_string(draw.x) + "," + std::to_string(draw.y) + "," + std::to_string(draw.z));
  const double wanted[] = {.7645251082582081, .7920889799553945, .06912886811267205};
  for (double value : wanted) also(13, "by hand: next number", value, draw(), 1e-15);
  // A copy of the generator repeats the original. A forked process is such a copy: parent and child
  // would train on the same "random" numbers. Every worker needs a seed of its own.
  WichmannHill child = draw;
  const double of_parent = draw(), of_child = child();
  std::cout << "after a fork: parent " << of_parent << ", child " << of_child << "\n";
  also(13, "trap: the parent's number after a fork", .9559050644103264, of_parent, 1e-15);
  also(13, "trap: the child's, the same", .9559050644103264, of_child, 1e-15);
  // gradus's own generator copies as well; workers of its loader are seeded one by one.
  Generator parent(1), copy = parent;
  also(13, "trap: our generators, copied", 0, parent.uniform_f32() - copy.uniform_f32(), 0);
}

static void run() {
  by_hand();

  // ## PyTorch's stream
  manual_seed(42);
  const Tensor w = randn({784, 50});
  std::cout << "seed 42: randn({784, 50})[0, :4] = " << w[{0, Slice{0, 4}}] << "\n";
  row(13, "random weights: seed 42, randn(784,50)[0,0]", 1.926915, w[{0, 0}].item(), 5e-7);
  also_each(13, "randn(784,50)[0]", {1.926915, 1.487284, .900717, -2.105521}, w[{0, Slice{0, 4}}],
            5e-7);
  also_each(13, "then randn(50,1)", {-.874127, .510715, .925640}, randn({50, 1})[{Slice{0, 3}, 0}],
            5e-7);
  manual_seed(1);
  const Tensor m2 = randn({784, 10});
  also_each(13, "seed 1: randn(784,10)[0]", {-1.525596, -.750232, -.653981, -1.609485},
            m2[{0, Slice{0, 4}}], 5e-7);
  // 7840 draws of a bell curve: mean 0, spread 1, up to what 7840 draws allow.
  also(13, "mean of 7840 normal draws", 0, m2.mean().item(), 4 / std::sqrt(7840.));
  also(13, "their standard deviation", 1, stddev(m2).item(), 4 / std::sqrt(2 * 7840.));
  manual_seed(1);
  // Layers draw their own: weight, then bias.
  const nn::Linear layer(784, 50), next(50, 10);
  also_each(13, "Linear(784, 50) of seed 1: weight[0]", {.0184023, -.0157635, -.0069236},
            layer.weight[{0, Slice{0, 3}}], 5e-8);
  also_each(13, "its bias", {-.0111665, -.0110159}, layer.bias[Slice{0, 2}], 5e-8);
  also_each(13, "then Linear(50, 10): weight[0]", {-.1172688, .0444789},
            next.weight[{0, Slice{0, 2}}], 5e-8);

  // ## A sample without repetition
  // Shuffling is drawing all indices, each once.
  manual_seed(3);
  const Tensor order = randperm(1000);
  row_text(
      1, "randperm is a permutation", "0..999, each once",
      to_string(sort(order)) == to_string(arange(1000)) ? "0..999, each once" : "something else");
  manual_seed(3);
  also_text(1, "the same seed, the same order", "equal",
            max(abs(randperm(1000) - order)).item() == 0 ? "equal" : "different");
  also_band(1, "elements left in place (1 expected)", 0, 6, (order == arange(1000)).sum().item());
  const Tensor x = lesson::data().x_valid;
  const Tensor sample = x[randperm(x.size(0))[Slice{0, 5}]];
  also_text(1, "five random pictures", "[5,784]", sample.shape().str());
  also(1, "einsum 'ij,ij->' less the sum of squares", 0,
       einsum("ij,ij->", {sample, sample}).item() - square(sample).sum().item(), 1e-3);
}

static const Chapter chapter{4, "Random numbers that are not random", run};
