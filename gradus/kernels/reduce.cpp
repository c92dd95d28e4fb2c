// Which outputs a reduction has, where each begins, and who makes them. See reduce.h.
#include <gradus/kernels/reduce.h>

#include <cstddef>
#include <vector>

#include <gradus/kernels/strided.h>
#include <gradus/kernels/threads.h>

namespace gradus::kernels::detail {

void reduce(const Reduction& reduction, const std::int64_t* kept_sizes,
            const std::int64_t* kept_strides, int kept_rank, const std::int64_t* sizes,
            const std::int64_t* strides, int rank) {
  const Walk<1> kept(kept_sizes, kept_rank, {kept_strides});
  const Walk<1> reduced(sizes, rank, {strides});
  const std::int64_t n = reduced.count;
  if (kept.count == 0) return;
  // Where the reduced axes do not lie in one run, their positions are listed once.
  std::vector<std::int64_t> positions;
  if (reduced.rank > 1) {
    positions.reserve(static_cast<std::size_t>(n));
    const std::int64_t inner = reduced.strides[0][reduced.rank - 1];
    reduced.for_each_run([&](const std::int64_t* at, std::int64_t run) {
      for (std::int64_t i = 0; i < run; ++i) positions.push_back(at[0] + i * inner);
    });
  }
  const Fold fold{n, reduced.strides[0][0], reduced.rank > 1 ? positions.data() : nullptr};
  const std::int64_t across = kept.strides[0][kept.rank - 1];
  const bool columns = reduced.rank == 1 && across == 1 && fold.stride != 1 && n > 0;
  const std::int64_t per_task = elements_per_task / std::max<std::int64_t>(n, 1) + 1;
  const std::int64_t grain = (per_task + side_by_side - 1) / side_by_side * side_by_side;
  const auto* x = static_cast<const std::byte*>(reduction.x);
  auto* y = static_cast<std::byte*>(reduction.y);
  kept.for_each_run([&](const std::int64_t* at, std::int64_t run) {
    const std::byte* source = x + at[0] * reduction.x_size;
    std::byte* target = y;
    parallel_for(run, grain, [&](std::int64_t i, std::int64_t end) {
      const auto make = [&](FoldOutputs outputs) {
        outputs(reduction.functions, source + i * across * reduction.x_size, fold,
                target + i * reduction.y_size);
      };
      for (; columns && i + side_by_side <= end; i += side_by_side) make(reduction.columns);
      for (; i < end; ++i) make(reduction.one);
    });
    y += run * reduction.y_size;
  });
}

}  // namespace gradus::kernels::detail
