// What a call costs beside its arithmetic, in calls of malloc: one for a tensor, one for its
// storage, one for the node where it is recorded, and none where a thread has dropped others
// before.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>

#include <gradus/ops/ops.h>

namespace {
std::atomic<long> allocations{0};
}

// The program's, replaced: each allocation is counted.
// One inlined without its partner, GCC would take the other for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
// A sanitizer's own new[] would not come by the two above.
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return operator new(bytes); }
[[gnu::noinline]] void* operator new[](std::size_t bytes, const std::nothrow_t& none) noexcept {
  return operator new(bytes, none);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace gradus {
namespace {

/// Allocations of `calls` calls of `f` whose results all stay alive.
long allocations_of(int calls, const std::function<Tensor()>& f) {
  Tensors kept;
  kept.reserve(2000);
  for (int i = 0; i < 1000; ++i) kept.push_back(f());  // takes whatever the pool holds
  const long before = allocations;
  for (int i = 0; i < calls; ++i) kept.push_back(f());
  return allocations - before;
}

TEST(EagerCost, AnOperationTakesATensorAndAStorage) {
  const Tensor x = ones({1}), y = ones({1}), equal = x == y;
  EXPECT_EQ(allocations_of(100, [&] { return x + y; }), 200);
  EXPECT_EQ(allocations_of(100, [&] { return relu(x); }), 200);
  EXPECT_EQ(allocations_of(100, [&] { return where(equal, x, y); }), 200);
}

TEST(EagerCost, ARecordedOneTakesANodeToo) {
  Tensor x = ones({1}).set_requires_grad(), y = ones({1}).set_requires_grad();
  EXPECT_EQ(allocations_of(100, [&] { return x + y; }), 300);
  EXPECT_EQ(allocations_of(100, [&] { return x * y; }), 300);
  EXPECT_EQ(allocations_of(100, [&] { return relu(x); }), 300);
}

TEST(EagerCost, BytesOfMoreThanAFewNumbersAreOneMore) {
  const Tensor x = ones({17}), y = ones({17});
  EXPECT_EQ(allocations_of(100, [&] { return x + y; }), 300);
}

#if !defined(__SANITIZE_ADDRESS__)  // there the pool keeps nothing
/// Allocations of one call after others whose results are gone.
long allocations_again(const std::function<Tensor()>& f) {
  f();
  const long before = allocations;
  f();
  return allocations - before;
}

TEST(EagerCost, WhatWasDroppedIsTakenAgain) {
  Tensor x = ones({1}), y = ones({1});
  EXPECT_EQ(allocations_again([&] { return x + y; }), 0);
  EXPECT_EQ(allocations_again([&] { return x.add_(y); }), 0);
  EXPECT_EQ(allocations_again([&] { return sum(x); }), 0);
  EXPECT_EQ(allocations_again([&] { return reshape(x, {1, 1}); }), 1);  // the caller's list
  x.set_requires_grad();
  EXPECT_EQ(allocations_again([&] { return x + y; }), 0);
  EXPECT_EQ(allocations_again([&] { return x * y; }), 0);
}
#endif

}  // namespace
}  // namespace gradus
