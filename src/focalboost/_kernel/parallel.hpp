// Spreads a pass over threads.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

#include "job.hpp"

namespace focalboost {

// GOMP_parallel(work, data, threads, flags): the entry of GNU OpenMP that compilers call, also exported by
// LLVM's. Its address comes from the framework in whose training loop we run. That framework's idle
// threads spin for milliseconds after each of its own loops; a second pool would have to share the
// cores with them, while this puts those very threads to work.
using OpenMP = void (*)(void (*)(void*), void*, unsigned, unsigned);

// Rows handed out at a time: a whole number of chunks, the same for any number of threads, so that
// the result does not depend on it.
constexpr std::int64_t grain_rows = 4 * chunk_rows;

struct Team {
  const Job& job;
  Pass pass;
  std::atomic<std::int64_t> next{0};
  std::atomic<unsigned> status{0};

  void work() {
    for (;;) {
      const std::int64_t begin = next.fetch_add(grain_rows);
      if (begin >= job.rows) return;
      const unsigned found = pass(job, begin, std::min(begin + grain_rows, job.rows));
      if (found) status.fetch_or(found);
    }
  }
  static void entry(void* team) { static_cast<Team*>(team)->work(); }
};

// Threads are made for the call and joined: nothing stays behind to spin or to be lost in a fork.
inline unsigned run(const Job& job, Pass pass, int threads, OpenMP openmp) {
  const std::int64_t grains = (job.rows + grain_rows - 1) / grain_rows;
  threads = int(std::min<std::int64_t>(threads, grains));
  Team team{job, pass};
  if (threads <= 1) {
    team.work();
  } else if (openmp) {
    openmp(&Team::entry, &team, unsigned(threads), 0);
  } else {
    std::vector<std::thread> helpers;
    helpers.reserve(threads - 1);
    try {
      for (int i = 1; i < threads; ++i) helpers.emplace_back(&Team::work, &team);
    } catch (const std::system_error&) {  // no thread to be had: those there are do the work
    }
    team.work();
    for (std::thread& helper : helpers) helper.join();
  }
  return team.status;
}

}  // namespace focalboost
