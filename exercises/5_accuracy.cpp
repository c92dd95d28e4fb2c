// Exercise 5. Accuracy
//
// The net's answer for an image is the column of its largest score. Accuracy is the share of images
// whose answer is the label. (Lesson: chapter 18.)
#include <exercises/checks.h>

using namespace gradus;

/// preds [n,c], labels i64 [n] -> a number between 0 and 1
static double accuracy_by_hand([[maybe_unused]] const Tensor& preds,
                               [[maybe_unused]] const Tensor& labels) {
  exercises::fill_in();
}

static const exercises::Exercise exercise{5, "Accuracy", [](exercises::Check& check) {
                                            exercises::check_accuracy(check, accuracy_by_hand);
                                          }};
