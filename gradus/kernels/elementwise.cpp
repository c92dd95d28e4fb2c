// The walk behind the elementwise loops, and the copy. See elementwise.h.
#include <gradus/kernels/elementwise.h>

#include <cstring>

#include <gradus/kernels/threads.h>

namespace gradus::kernels {

namespace detail {

template <int N>
void walk_runs(const Operands<N>& operands, const std::int64_t* sizes, int rank, Run run,
               const void* f) {
  const Walk<N> walk(sizes, rank, operands.strides);
  std::int64_t steps[N];
  for (int k = 0; k < N; ++k) steps[k] = walk.strides[k][walk.rank - 1];
  walk.for_each_run([&](const std::int64_t* at, std::int64_t n) {
    parallel_for(n, elements_per_task, [&](std::int64_t begin, std::int64_t end) {
      void* first[N];
      for (int k = 0; k < N; ++k)
        first[k] = static_cast<std::byte*>(operands.first[k]) +
                   (at[k] + begin * steps[k]) * operands.item_size[k];
      run(f, first, steps, end - begin);
    });
  });
}
template void walk_runs<2>(const Operands<2>&, const std::int64_t*, int, Run, const void*);
template void walk_runs<3>(const Operands<3>&, const std::int64_t*, int, Run, const void*);
template void walk_runs<4>(const Operands<4>&, const std::int64_t*, int, Run, const void*);

}  // namespace detail

namespace {

template <std::size_t size>
void copy_run(const void*, void* const* first, const std::int64_t* steps, std::int64_t n) {
  const auto* x = static_cast<const std::byte*>(first[0]);
  auto* y = static_cast<std::byte*>(first[1]);
  constexpr auto bytes = static_cast<std::int64_t>(size);
  if (x == y && steps[0] == steps[1]) return;
  if (steps[0] == 1 && steps[1] == 1)
    std::memcpy(y, x, static_cast<std::size_t>(n) * size);
  else
    for (std::int64_t i = 0; i < n; ++i)
      std::memcpy(y + i * steps[1] * bytes, x + i * steps[0] * bytes, size);
}

}  // namespace

void copy(const void* x, const std::int64_t* x_strides, void* y, const std::int64_t* y_strides,
          std::size_t item_size, const std::int64_t* sizes, int rank) {
  const auto bytes = static_cast<std::int64_t>(item_size);
  const detail::Run run = item_size == 1 ? copy_run<1> : item_size == 4 ? copy_run<4> : copy_run<8>;
  detail::for_each_run<2>({{const_cast<void*>(x), y}, {x_strides, y_strides}, {bytes, bytes}},
                          sizes, rank, run, nullptr);
}

}  // namespace gradus::kernels
