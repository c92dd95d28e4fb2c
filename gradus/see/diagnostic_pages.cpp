// The pages; see diagnostic_pages.h. PROGRAM keeps a program and its text together, so that what is
// shown is what runs.
#include <gradus/see/diagnostic_pages.h>

#include <algorithm>
#include <cctype>

#include <gradus/autograd/backward.h>
#include <gradus/ops/ops.h>
#include <gradus/optim/optimizer.h>

namespace gradus::see {
namespace {

/// Runs a program under a recorder: what it throws and what its tape shows.
std::vector<Diagnostic> told(void (*program)()) {
  const KeepGenerator keep;
  manual_seed(1);
  const GradMode recording(true);
  Recorder recorder({.level = TapeLevel::full});
  std::vector<Diagnostic> found;
  try {
    program();
  } catch (const Error& error) {
    if (const Diagnostic* d = diagnostic_of(error)) found.push_back(*d);
  }
  recorder.finish();
  for (Diagnostic& d : health(recorder.tape())) found.push_back(std::move(d));
  for (Diagnostic& d : found) d.place.clear();
  return found;
}

// The checks run a function themselves and need no recorder.
std::vector<Diagnostic> listed(std::vector<Diagnostic> found) { return found; }
std::vector<Diagnostic> listed(std::optional<Diagnostic> found) {
  return found ? std::vector{*std::move(found)} : std::vector<Diagnostic>{};
}

#define GRADUS_PROGRAM(...) #__VA_ARGS__
#define GRADUS_TOLD(...) +[] { return told(+[] { __VA_ARGS__ }); }
#define GRADUS_LISTED(...) +[] { return listed([] { __VA_ARGS__ }()); }
/// Two programs that run under a recorder.
#define GRADUS_PAGE(code, what, why, mend, wrong, right)                                  \
  DiagnosticPage {                                                                        \
    code, what, why, mend, GRADUS_PROGRAM wrong, GRADUS_PROGRAM right, GRADUS_TOLD wrong, \
        GRADUS_TOLD right                                                                 \
  }
/// Two programs that return what a check found.
#define GRADUS_CHECK_PAGE(code, what, why, mend, wrong, right)                              \
  DiagnosticPage {                                                                          \
    code, what, why, mend, GRADUS_PROGRAM wrong, GRADUS_PROGRAM right, GRADUS_LISTED wrong, \
        GRADUS_LISTED right                                                                 \
  }

// clang-format off
// NOLINTBEGIN(bugprone-macro-repeated-side-effects): once as text, once as a program
const DiagnosticPage pages[] = {
GRADUS_PAGE("B1",
  "The loss was given predictions of shape (n,1) and targets of shape (n,), or the reverse.",
  "Broadcasting would compare every prediction with every target. The value looks plausible, but the gradient pulls every "
  "prediction to the mean of the targets: training goes on and learns a constant.",
  "Give both one shape: pred[:,0] or target[:,None]. If all pairs are meant: const allow_broadcast meant;",
  (Tensor pred = rand({10, 1}); Tensor target = rand({10}); mse(pred, target);),
  (Tensor pred = rand({10, 1}); Tensor target = rand({10}); mse(pred[{all, 0}], target);)),
GRADUS_PAGE("B2",
  "An operation stretched both of its sides: neither had the shape of the result.",
  "A table of all pairs appears where one value a row was expected; what follows may still run, with other numbers and n times the memory.",
  "Write the new axis, so that a reader sees the table: b[None,:].",
  (Tensor a = rand({100, 1}); Tensor b = rand({100}); Tensor c = a - b;),
  (Tensor a = rand({100, 1}); Tensor b = rand({100}); Tensor c = a - b[{newaxis, all}];)),
GRADUS_PAGE("S1",
  "In a matrix product the columns of the left must be as many as the rows of the right.",
  "The sum runs over that size; there is nothing to pair the rest with.",
  "Make the weight fit the values that reach it, or transpose it. The message names where both come from.",
  (Tensor l2 = rand({500, 50}); Tensor w = rand({784, 1}); l2.set_name("l2"); w.set_name("lin2.w"); matmul(l2, w);),
  (Tensor l2 = rand({500, 50}); Tensor w = rand({50, 1}); l2.set_name("l2"); w.set_name("lin2.w"); matmul(l2, w);)),
GRADUS_PAGE("S2",
  "A reshape asked for another number of elements than there are.",
  "A reshape only regroups elements: it neither makes nor drops any.",
  "Write -1 for the size that follows from the others; those must divide the number of elements.",
  (zeros({100, 784}).reshape({100, 785});),
  (zeros({100, 784}).reshape({100, -1});)),
GRADUS_PAGE("S3",
  "squeeze() without an axis removed the axis of rows, since the batch had one row.",
  "The program works until the last batch of an epoch has one row; then its shapes are others.",
  "Name the axis: squeeze(x, {-1}), or x[:,0].",
  (Tensor out = rand({1, 1}); squeeze(out);),
  (Tensor out = rand({1, 1}); squeeze(out, {-1});)),
GRADUS_PAGE("M1",
  "A product of two stretched tensors was made in full, only to be summed.",
  "Its memory grows with the product of all sizes. A matrix product gives the same sum from the factors. Products of floating numbers are "
  "deferred here and take no memory; those of integers are not.",
  "Use the matrix product that the message names, or einsum.",
  (Tensor x = randint(0, 9, {500, 40}); Tensor g = randint(0, 9, {500, 30}); x.set_name("x"); g.set_name("g"); sum(expand_dims(x, -1) * expand_dims(g, 1), {0});),
  (Tensor x = randint(0, 9, {500, 40}); Tensor g = randint(0, 9, {500, 30}); matmul(x.T(), g);)),
GRADUS_PAGE("G1",
  "backward() was called on more than one number.",
  "A gradient is the slope of one number. Several need weights: how much each counts.",
  "Reduce first, as losses do: out.mean().backward().",
  (Tensor w = ones({50, 1}).set_requires_grad(); Tensor out = w * 2; out.backward();),
  (Tensor w = ones({50, 1}).set_requires_grad(); Tensor out = w * 2; mean(out).backward();)),
GRADUS_PAGE("G2",
  "Nothing that requires a gradient leads to the value that backward() started from.",
  "The path was cut, by detach(), a conversion to integers, or no_grad, or no parameter was marked. Training would change nothing.",
  "Take away the cut that the message names, or mark the parameters with set_requires_grad().",
  (Tensor w = ones({3}).set_requires_grad(); Tensor loss = sum(w.detach() * 2); loss.backward();),
  (Tensor w = ones({3}).set_requires_grad(); Tensor loss = sum(w * 2); loss.backward();)),
GRADUS_PAGE("G3",
  "backward() ran twice through the same calls.",
  "The first pass frees what it read, to save memory; the second finds nothing.",
  "Add the losses and go back once; or keep the values: backward({}, /*keep_graph=*/true).",
  (Tensor w = ones({3}).set_requires_grad(); Tensor loss = sum(w * w); loss.backward(); loss.backward();),
  (Tensor w = ones({3}).set_requires_grad(); Tensor loss = sum(w * w); loss.backward({}, true); loss.backward();)),
GRADUS_PAGE("T1",
  "A gradient was added to that of a step whose update was done already.",
  "backward() adds to what is there. Without zero_grad() each step repeats all steps before it.",
  "Call optimizer.zero_grad() in each step. If several batches are meant to add up, update once after them, or tell health: accumulate = k.",
  (Tensor w = ones({4, 1}).set_requires_grad(); w.set_name("w"); optim::SGD sgd({w}, {.lr = 0.01}); Tensor x = rand({8, 4}); for (int step = 0; step < 3; ++step) { mean(square(matmul(x, w))).backward(); sgd.step(); }),
  (Tensor w = ones({4, 1}).set_requires_grad(); w.set_name("w"); optim::SGD sgd({w}, {.lr = 0.01}); Tensor x = rand({8, 4}); for (int step = 0; step < 3; ++step) { sgd.zero_grad(); mean(square(matmul(x, w))).backward(); sgd.step(); })),
GRADUS_PAGE("T2",
  "A parameter never had a gradient and was never updated.",
  "The loss does not depend on it: a layer that forward() forgot, or, as here, a result that was overwritten. Or its optimizer waits for a gradient that a no_grad around it keeps away. Its weights stay at their first values.",
  "Use it in forward(), outside of no_grad, or take it out of the module. A part that shall stay as it is: leave it out of the optimizer.",
  (Tensor w1 = ones({4, 1}).set_requires_grad(); Tensor w3 = ones({4, 1}).set_requires_grad(); w1.set_name("w1"); w3.set_name("w3"); optim::SGD sgd({w1, w3}, {.lr = 0.01}); Tensor x = rand({8, 4}); for (int step = 0; step < 20; ++step) { sgd.zero_grad(); Tensor out = matmul(x, w3); out = matmul(x, w1); mean(square(out)).backward(); sgd.step(); }),
  (Tensor w1 = ones({4, 1}).set_requires_grad(); Tensor w3 = ones({4, 1}).set_requires_grad(); w1.set_name("w1"); w3.set_name("w3"); optim::SGD sgd({w1, w3}, {.lr = 0.01}); Tensor x = rand({8, 4}); for (int step = 0; step < 20; ++step) { sgd.zero_grad(); Tensor out = matmul(x, w3); out = out + matmul(x, w1); mean(square(out)).backward(); sgd.step(); })),
GRADUS_PAGE("T3",
  "A parameter gets gradients, but the optimizer was not given it.",
  "It stays at its first values while the rest learns around it: a layer added after the optimizer was made.",
  "Make the optimizer of net.parameters(), after the net is whole.",
  (Tensor w1 = ones({4, 4}).set_requires_grad(); Tensor w2 = ones({4, 1}).set_requires_grad(); w1.set_name("lin1.w"); w2.set_name("lin3.w"); optim::SGD sgd({w1}, {.lr = 0.01}); mean(square(matmul(matmul(rand({8, 4}), w1), w2))).backward(); sgd.step();),
  (Tensor w1 = ones({4, 4}).set_requires_grad(); Tensor w2 = ones({4, 1}).set_requires_grad(); w1.set_name("lin1.w"); w2.set_name("lin3.w"); optim::SGD sgd({w1, w2}, {.lr = 0.01}); mean(square(matmul(matmul(rand({8, 4}), w1), w2))).backward(); sgd.step();)),
GRADUS_PAGE("I1",
  "A value was changed in place that a gradient rule needs as it was.",
  "The slope of a square is 2x of the x that was squared. With another x it would be wrong, silently.",
  "Write x = x + 1 instead of x.add_(1), or work on x.clone().",
  (Tensor w = ones({3}).set_requires_grad(); Tensor l1 = w * 1.0; l1.set_name("l1"); Tensor l2 = square(l1); l1.add_(1); sum(l2).backward();),
  (Tensor w = ones({3}).set_requires_grad(); Tensor l1 = w * 1.0; l1.set_name("l1"); Tensor l2 = square(l1); l1 = l1 + 1; sum(l2).backward();)),
GRADUS_PAGE("I2",
  "A layer's outputs spread much wider than its inputs, because its weights do.",
  "Layer after layer multiplies the spread; losses and gradients start huge. With std sqrt(2/fan-in) relu layers keep it.",
  "Draw the weights with that std: nn::Linear does; nn::init::kaiming_normal for your own.",
  (Tensor w = randn({784, 50}).set_requires_grad(); w.set_name("w1"); Tensor x = rand({64, 784}); matmul(x, w);),
  (Tensor w = Tensor(randn({784, 50}) * 0.0505).set_requires_grad(); w.set_name("w1"); Tensor x = rand({64, 784}); matmul(x, w);)),
GRADUS_PAGE("F1",
  "Some inputs are 0 in every row.",
  "The gradient of their weights is exactly 0: they keep their first values and add noise to what new data brings there. Corner pixels of digits are such.",
  "Often harmless, as in digits; else look whether a feature was lost, or drop these columns.",
  (Tensor x = rand({32, 10}); x[{all, Slice{0, 3}}].copy_(zeros({32, 3})); Tensor w = Tensor(rand({10, 5}) * 0.1).set_requires_grad(); matmul(x, w);),
  (Tensor x = rand({32, 10}); Tensor w = Tensor(rand({10, 5}) * 0.1).set_requires_grad(); matmul(x, w);)),
GRADUS_PAGE("N1",
  "A call made a NaN or an infinity out of finite numbers, or NaN came with the data. This one was the first.",
  "What follows is NaN because of it; only the first says why.",
  "Mend the input that the message names. log(softmax(x)) is log_softmax(x), which cannot underflow.",
  (Tensor x = tensor({-118.2, 0.0, 1.0, 2.0}).reshape({2, 2}); x.set_name("x"); Tensor p = softmax(x, 1); p.set_name("p"); Tensor logp = log(p);),
  (Tensor x = tensor({-118.2, 0.0, 1.0, 2.0}).reshape({2, 2}); x.set_name("x"); Tensor logp = log_softmax(x, 1);)),
GRADUS_PAGE("N2",
  "exp was given a number whose result is larger than the largest float.",
  "exp(88.73) is infinite in f32; a quotient of two infinities is NaN.",
  "Subtract the largest of the row first, which changes no softmax; softmax and log_softmax do so.",
  (Tensor x = tensor({118.5, 0.0}); x.set_name("x"); Tensor e = exp(x); Tensor p = e / sum(e);),
  (Tensor x = tensor({118.5, 0.0}); x.set_name("x"); Tensor p = softmax(x, 0);)),
GRADUS_PAGE("N3",
  "where() hid a NaN or an infinity that one of its branches had computed.",
  "Backward goes through both branches: the hidden one gets gradient 0, and 0 times infinity is NaN.",
  "Make the input safe before the function that fails, with a where() of its own.",
  (Tensor x = tensor({0.0, 1.0}).set_requires_grad(); x.set_name("x"); sum(where(x > 0, log(x), Tensor::scalar(0, DType::f32))).backward();),
  (Tensor x = tensor({0.0, 1.0}).set_requires_grad(); x.set_name("x"); Tensor one = Tensor::scalar(1, DType::f32); sum(where(x > 0, log(where(x > 0, x, one)), Tensor::scalar(0, DType::f32))).backward();)),
GRADUS_PAGE("L1",
  "A label is not one of the classes 0..n-1.",
  "There is no score for it. On some systems this reads other memory, or stops the device without a word.",
  "Labels that count from 1: subtract 1. Labels to leave out: give them the number ignore_index.",
  (Tensor labels = tensor({1, 2, 3}); cross_entropy(zeros({3, 3}), labels);),
  (Tensor labels = tensor({1, 2, 3}); cross_entropy(zeros({3, 3}), labels - 1);)),
GRADUS_PAGE("L2",
  "cross_entropy was given probabilities where it expects scores.",
  "It applies softmax itself. Twice, scores between 0 and 1 can never say more than e to 1: the loss stays high and gradients small.",
  "Take the softmax out of the model; apply it when predictions are shown.",
  (Tensor scores = randn({64, 10}); Tensor labels = randint(0, 10, {64}); cross_entropy(softmax(scores, 1), labels);),
  (Tensor scores = randn({64, 10}); Tensor labels = randint(0, 10, {64}); cross_entropy(scores, labels);)),
GRADUS_PAGE("L3",
  "The first loss is far above that of guessing, ln(classes).",
  "The net starts sure of wrong answers. The first steps go into unlearning that.",
  "Start the last layer smaller: scores near 0 give ln(classes).",
  (Tensor scores = randn({64, 10}) * 20; Tensor labels = randint(0, 10, {64}); cross_entropy(scores, labels);),
  (Tensor scores = randn({64, 10}); Tensor labels = randint(0, 10, {64}); cross_entropy(scores, labels);)),
GRADUS_PAGE("D1",
  "A tenth of a relu's units or more give 0 for every row since a step of the training, or since its start, for 500 rows at least.",
  "Where relu is 0, so is its gradient: such a unit gets no more updates and stays as it is. It is told from elements, those that are kept and those of steps that can be run again.",
  "A lower learning rate keeps units alive; so do smaller first weights, or leaky_relu.",
  (Tensor w = rand({4, 10}).set_requires_grad(); optim::SGD sgd({w}, {.lr = 10}); Tensor x = rand({600, 4}); for (int step = 0; step < 2; ++step) { sgd.zero_grad(); Tensor h = relu(matmul(x, w)); sum(h).backward(); sgd.step(); }),
  (Tensor w = rand({4, 10}).set_requires_grad(); optim::SGD sgd({w}, {.lr = 1e-4}); Tensor x = rand({600, 4}); for (int step = 0; step < 2; ++step) { sgd.zero_grad(); Tensor h = relu(matmul(x, w)); sum(h).backward(); sgd.step(); })),
GRADUS_PAGE("X1",
  "The loss grew several times over in one step that moved a weight far and overshot; or step by step to ten times the lowest of the run.",
  "The gradient is a slope at one point; a step of that length leaves the region where it holds, and each further step overshoots more.",
  "Lower the learning rate. `whatif lr` in gradus step shows the loss that others would have given.",
  (Tensor w = ones({4, 1}).set_requires_grad(); w.set_name("w"); optim::SGD sgd({w}, {.lr = 5}); Tensor x = rand({32, 4}); for (int step = 0; step < 2; ++step) { sgd.zero_grad(); mean(square(matmul(x, w))).backward(); sgd.step(); }),
  (Tensor w = ones({4, 1}).set_requires_grad(); w.set_name("w"); optim::SGD sgd({w}, {.lr = 0.05}); Tensor x = rand({32, 4}); for (int step = 0; step < 2; ++step) { sgd.zero_grad(); mean(square(matmul(x, w))).backward(); sgd.step(); })),
GRADUS_PAGE("X2",
  "The gradient of the first layer's weights is a millionth of the last's, or less.",
  "Each saturated layer multiplies it by a small slope. The first layers stand still.",
  "Use relu; start smaller, so that sigmoids stay between -4 and 4; normalise between layers.",
  (Tensor h = rand({32, 8}); Tensors w; for (int layer = 0; layer < 6; ++layer) { w.push_back(rand({8, 8}).set_requires_grad()); h = sigmoid(matmul(h, w.back()) + 8); } sum(h).backward();),
  (Tensor h = rand({32, 8}); Tensors w; for (int layer = 0; layer < 6; ++layer) { w.push_back(rand({8, 8}).set_requires_grad()); h = sigmoid(matmul(h, w.back())); } sum(h).backward();)),
GRADUS_CHECK_PAGE("C1",
  "A row of the result depends on another row of the input.",
  "Rows are examples; none should know of another. A reshape in place of a transpose deals elements out anew, with shapes that fit. Slopes tell it; of class numbers, which have none, another row in the place of one.",
  "Exchange axes with permute_dims or T, not with reshape.",
  (return check_rows([](const Tensor& x) { return x.reshape({4, 6}).T(); }, ones({6, 4}));),
  (return check_rows([](const Tensor& x) { return x.T().T(); }, ones({6, 4}));)),
GRADUS_CHECK_PAGE("K1",
  "The numeric slope at a kink is the mean of those of both sides.",
  "relu at 0 has slope 0 on the left, 1 on the right. A difference over both gives 0.5; any value between is a valid gradient.",
  "Nothing to mend.",
  (Tensor x = Tensor::scalar(0, DType::f64); return check_gradient("relu", [](std::span<const Tensor> v) { return Tensors{relu(v[0])}; }, {&x, 1});),
  (Tensor x = Tensor::scalar(0.5, DType::f64); return check_gradient("relu", [](std::span<const Tensor> v) { return Tensors{relu(v[0])}; }, {&x, 1});)),
GRADUS_CHECK_PAGE("K2",
  "A gradient rule gives another number than a difference of values in f64.",
  "The rule is wrong. The ratio of the two often says how: 2 a factor, -1 a sign, n a mean taken for a sum.",
  "Mend the rule: `gradus diff` differentiates formulas, `gradus explain OP` shows the library's rules.",
  (using List = std::span<const Tensor>; const CustomFunction f{"square", [](List v) { return Tensors{square(v[0])}; }, [](List v, List, List g) { return Tensors{g[0] * 4 * v[0]}; }}; Tensor x = Tensor::scalar(0.3, DType::f64); std::string name = "x"; return check_gradient("square", [&](List v) { return f(v); }, {&x, 1}, {&name, 1});),
  (using List = std::span<const Tensor>; const CustomFunction f{"square", [](List v) { return Tensors{square(v[0])}; }, [](List v, List, List g) { return Tensors{g[0] * 2 * v[0]}; }}; Tensor x = Tensor::scalar(0.3, DType::f64); std::string name = "x"; return check_gradient("square", [&](List v) { return f(v); }, {&x, 1}, {&name, 1});)),
};
// NOLINTEND(bugprone-macro-repeated-side-effects)
// clang-format on

}  // namespace

std::span<const DiagnosticPage> diagnostic_pages() { return pages; }

const DiagnosticPage* find_page(std::string_view code) {
  const auto same = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) ==
           std::toupper(static_cast<unsigned char>(b));
  };
  const auto found =
      std::find_if(std::begin(pages), std::end(pages), [&](const DiagnosticPage& page) {
        const std::string_view known = page.code;
        return std::equal(known.begin(), known.end(), code.begin(), code.end(), same);
      });
  return found == std::end(pages) ? nullptr : found;
}

std::string program_lines(std::string_view text) {
  std::string lines;
  int inside = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '(') ++inside;
    if (c == ')') --inside;
    lines += c;
    const bool ends = inside == 0 && (c == ';' || c == '{' || c == '}') && i + 1 < text.size() &&
                      text[i + 1] == ' ';
    // A brace ends a line only where a block begins or ends, not in a list of sizes.
    const bool is_block =
        (c == '{' && i >= 2 && text[i - 2] == ')') || (c == '}' && i >= 2 && text[i - 2] == ';');
    if (!ends || (c != ';' && !is_block)) continue;
    lines += '\n';
    ++i;
  }
  // Blocks are indented by two.
  std::string out;
  int depth = 0;
  bool at_start = true;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (at_start)
      out.append(2 * static_cast<std::size_t>(lines[i] == '}' ? depth - 1 : depth), ' ');
    at_start = lines[i] == '\n';
    if (lines[i] == '{' && i + 1 < lines.size() && lines[i + 1] == '\n') ++depth;
    if (lines[i] == '}' && i > 0 && (lines[i - 1] == '\n')) --depth;
    out += lines[i];
  }
  return out;
}

std::string said(const std::vector<Diagnostic>& found, std::string_view code) {
  for (const Diagnostic& d : found)
    if (d.code == code) return d.str();
  return "nothing";
}

namespace {

std::string indented(const std::string& text, const std::string& first, const std::string& rest) {
  std::string out = first;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += rest;
  }
  return out + "\n";
}

}  // namespace

std::string page_text(const DiagnosticPage& page) {
  const Code* code = find_code(page.code);
  const std::string gap(8, ' ');
  std::string text = std::string(page.code) + " " + std::string(severity_name(code->severity)) +
                     ": " + std::string(code->title) + "\n\n";
  text += indented(std::string(page.what), "WHAT    ", gap);
  text += indented(std::string(page.why), "WHY     ", gap);
  text += indented(program_lines(page.wrong_text), "TRY     ", gap);
  text += indented(said(page.wrong(), page.code), "SAYS    ", gap);
  text += indented(std::string(page.mend), "MEND    ", gap);
  text += indented(program_lines(page.right_text), "TRY     ", gap);
  text += indented(said(page.right(), page.code), "SAYS    ", gap);
  return text;
}

std::string diagnostics_markdown() {
  std::string text =
      "# Mistakes that have a code\n\n"
      "Made by `gradus explain codes`: every message below was said by the program above it.\n\n"
      "Errors stop: they are thrown (`diagnostic_of(error)`, core/diagnostic.h). Warnings and "
      "notes "
      "are found on a tape: `see::health(tape)`, `gradus train --health`; each place once, with a "
      "count. `const Allow meant(\"B1\");` says that a code is meant, while it lives in this "
      "thread: a warning or a note, B1, N1, N2; "
      "`health(tape, {.allow = {\"D1\"}})` for a tape.\n\n"
      "| code | severity | mistake |\n|---|---|---|\n";
  for (const Code& code : codes())
    text += "| [" + std::string(code.name) + "](#" +
            [&] {
              std::string anchor(code.name);
              for (char& c : anchor)
                c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
              return anchor;
            }() +
            ") | " + std::string(severity_name(code.severity)) + " | " + std::string(code.title) +
            " |\n";
  for (const DiagnosticPage& page : pages) {
    text += "\n## " + std::string(page.code) + "\n\n" + std::string(page.what) + " " +
            std::string(page.why) + "\n\n```cpp\n" + program_lines(page.wrong_text) +
            "\n```\n```text\n" + said(page.wrong(), page.code) + "\n```\n\n" +
            std::string(page.mend) + "\n\n```cpp\n" + program_lines(page.right_text) + "\n```\n";
  }
  return text;
}

}  // namespace gradus::see
