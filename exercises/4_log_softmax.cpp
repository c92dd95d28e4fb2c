// Exercise 4. Log-sum-exp and log-softmax
//
// logsumexp(x) = ln(sum of exp(x)), and log_softmax(x) = x - logsumexp(x), both along the last
// axis. The catch: exp(89) is already too large for f32, and the check asks for numbers near 1000.
// (Lesson: chapter 16.)
#include <exercises/checks.h>

using namespace gradus;

/// x [n,c] -> [n]. Useful: max(x, -1).values, and m[{all, newaxis}], which turns [n] into [n,1].
static Tensor logsumexp_by_hand([[maybe_unused]] const Tensor& x) { exercises::fill_in(); }

/// x [n,c] -> [n,c]
static Tensor log_softmax_by_hand([[maybe_unused]] const Tensor& x) { exercises::fill_in(); }

static const exercises::Exercise exercise{
    4, "Log-sum-exp and log-softmax", [](exercises::Check& check) {
      exercises::check_logsumexp(check, logsumexp_by_hand);
      exercises::check_log_softmax(check, log_softmax_by_hand);
    }};
