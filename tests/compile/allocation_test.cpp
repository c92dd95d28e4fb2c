// A plan takes its memory once: its runs call neither operator new nor the allocator of tensors,
// on one thread and on two. The whole program's operator new is counted here.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <mutex>
#include <new>

#include <gradus/compile/compile.h>
#include <gradus/gradus.h>
#include <gradus/kernels/threads.h>

namespace {

std::atomic<bool> counting{false};
std::atomic<int> count{0};

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (counting) ++count;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes == 0 ? 1 : bytes);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* memory = allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// One inlined without its partner, GCC would take the other for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, 1); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes, 1);
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment,
                                     const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace gradus {
namespace {

/// Allocations of one call of f.
template <class F>
int allocations_of(F&& f) {
  count = 0;
  counting = true;
  f();
  counting = false;
  return count;
}

TEST(PlanMemory, CountsWhatIsAllocated) {
  EXPECT_EQ(allocations_of([] { Tensor::empty({3}); }) > 0, true);
  EXPECT_EQ(allocations_of([] {}), 0);
}

/// Runs the plan once on each thread of the pool, one after the other. A thread takes room for
/// packed matrices with its first share of a product, and in a single run it may come too late for
/// any. (All that another test may have called: any of them may take a share of this one's.)
void run_on_every_thread(compile::Plan& plan, const Tensors& inputs) {
  constexpr int threads = 8;
  const int wanted = kernels::num_threads();
  kernels::set_num_threads(threads);
  std::barrier everyone(threads);  // nobody takes a second piece before each has one
  std::mutex one;
  kernels::parallel_for(threads, 1, [&](std::int64_t, std::int64_t) {
    everyone.arrive_and_wait();
    const std::lock_guard lock(one);
    kernels::set_num_threads(wanted);  // shares as large as in the runs that count
    plan.run(inputs);
  });
}

void expect_runs_without_allocations(compile::Plan& plan, const Tensors& inputs) {
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 100; ++i) plan.run(inputs);
            }),
            0);
}

class PlanMemoryOf : public testing::TestWithParam<int> {};

TEST_P(PlanMemoryOf, ARunOfTheLessonsStepAllocatesNothing) {
  kernels::set_num_threads(GetParam());
  manual_seed(1);
  nn::Sequential net{nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)};
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  const Tensor x = rand({64, 784}), y = zeros({64}, DType::i64);
  const auto step = [&](std::span<const Tensor> in) -> Tensors {
    const Tensor loss = cross_entropy(net(in[0]), in[1]);
    loss.backward();
    sgd.step();
    sgd.zero_grad();
    return {loss.detach()};
  };
  const Tensors inputs{x, y};
  for (int i = 0; i < 3; ++i) step(inputs);
  compile::Plan plan(trace(step, inputs));
  run_on_every_thread(plan, inputs);
  const double before = plan.run(inputs)[0].item();
  expect_runs_without_allocations(plan, inputs);
  const double after = plan.run(inputs)[0].item();
  EXPECT_LT(after, before) << "the plan did not train";
  kernels::set_num_threads(0);
}

TEST_P(PlanMemoryOf, ARunOfProductsThatArePackedAllocatesNothing) {
  kernels::set_num_threads(GetParam());
  const Tensor a = rand({256, 512}), b = rand({512, 1024});
  const auto f = [](std::span<const Tensor> in) -> Tensors {
    return {relu(matmul(in[0], in[1])), sum(matmul(in[0], in[1]), {0})};
  };
  const Tensors inputs{a, b};
  compile::Plan plan(trace(f, inputs));
  plan.run(inputs);
  run_on_every_thread(plan, inputs);
  expect_runs_without_allocations(plan, inputs);
  kernels::set_num_threads(0);
}

INSTANTIATE_TEST_SUITE_P(Threads, PlanMemoryOf, testing::Values(1, 2));

}  // namespace
}  // namespace gradus
