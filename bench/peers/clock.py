import time


def ns_of(f):
    best, calls = 1e9, 2000
    for _ in range(5):
        start = time.perf_counter_ns()
        for _ in range(calls):
            f()
        best = min(best, (time.perf_counter_ns() - start) / calls)
    return best
