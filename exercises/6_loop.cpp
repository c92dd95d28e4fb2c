// Exercise 6. The loop
//
// For each batch: predict, measure with cross_entropy, go back, move every weight against its
// gradient by lr, and set the gradients back. The last batch may be short. (Lesson: chapter 18.)
#include <exercises/checks.h>

using namespace gradus;

/// One epoch over x [n,in] and y [n] in batches of `bs` rows. Returns how many batches there were.
/// Useful: x[Slice{i, i + bs}], model.parameters(), p.sub_(...), NoGrad.
static int train_epoch([[maybe_unused]] nn::Module& model, [[maybe_unused]] const Tensor& x,
                       [[maybe_unused]] const Tensor& y, [[maybe_unused]] std::int64_t bs,
                       [[maybe_unused]] double lr) {
  exercises::fill_in();
}

static const exercises::Exercise exercise{6, "The loop", [](exercises::Check& check) {
                                            exercises::check_train_epoch(check, train_epoch);
                                          }};
