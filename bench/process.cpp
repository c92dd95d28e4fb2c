// Whole processes, timed from outside: the command that reads MNIST, trains three epochs,
// validates, tests and saves; and children that train one net each, for their memory.
#include <gradus/io/idx.h>
#include <gradus/kernels/threads.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "nets.h"

extern char** environ;

namespace bench {

using namespace gradus;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  double seconds = 0, cpu_seconds = 0, peak_mb = 0;
  std::string output{};
};

/// Runs a program to its end and reads what it writes. Throws where it does not start or fails.
Outcome run(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // A child begins with its parent's peak, as Linux counts: bring that down to what is in use.
  std::ofstream("/proc/self/clear_refs") << 5;
  Outcome outcome;
  const double start = now();
  pid_t child = 0;
  const int failed = posix_spawn(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed != 0) throw std::runtime_error("cannot start " + command[0]);
  char piece[4096];
  for (ssize_t got; (got = read(ends[0], piece, sizeof piece)) > 0;)
    outcome.output.append(piece, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  outcome.seconds = now() - start;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  outcome.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  outcome.peak_mb = static_cast<double>(usage.ru_maxrss) / 1024;
  if (status != 0) throw std::runtime_error(command[0] + " failed");
  return outcome;
}

/// A folder of its own that goes when this does.
struct Folder {
  fs::path path;
  Folder() : path(fs::temp_directory_path() / ("gradus-bench-" + std::to_string(getpid()))) {
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

Json run_process(const Options& options) {
  if (options.data.empty()) {
    std::printf("process: needs MNIST (--data DIR or GRADUS_DATA); left out\n\n");
    return Json();
  }
  const Folder folder;
  fs::create_directories(folder.path / "raw");
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    const fs::path raw = fs::path(options.data) / name;
    io::write_idx((folder.path / "raw" / name).string(),
                  io::read_idx(fs::exists(raw) ? raw.string() : raw.string() + ".gz"));
  }
  struct Case {
    std::string files, data;
    int threads;
    Readings seconds{}, cpu{}, peak{};
  };
  std::vector<Case> cases;
  for (const int threads : options.threads) {
    cases.push_back({"raw", (folder.path / "raw").string(), threads});
    if (fs::exists(fs::path(options.data) / "train-images-idx3-ubyte.gz"))
      cases.push_back({"gzip", options.data, threads});
  }
  for (int round = 0; round < options.rounds; ++round)
    for (Case& c : cases) {
      const Outcome o = run({options.command, "train", "--data", c.data, "--epochs", "3",
                             "--threads", std::to_string(c.threads), "--quiet", "--out",
                             (folder.path / "model.safetensors").string()});
      c.seconds.add(o.seconds);
      c.cpu.add(o.cpu_seconds);
      c.peak.add(o.peak_mb);
    }
  Json out = Json::array();
  std::vector<std::vector<std::string>> rows{
      {"gradus train, 3 epochs", "threads", "ms", "median ms", "CPU ms", "peak MB"}};
  for (const Case& c : cases) {
    rows.push_back({c.files, std::to_string(c.threads), fixed(1e3 * c.seconds.least(), 0),
                    fixed(1e3 * c.seconds.median(), 0), fixed(1e3 * c.cpu.least(), 0),
                    fixed(c.peak.median(), 0)});
    out.push_back({{"files", c.files},
                   {"threads", c.threads},
                   {"ms", 1e3 * c.seconds.least()},
                   {"median_ms", 1e3 * c.seconds.median()},
                   {"cpu_ms", 1e3 * c.cpu.least()},
                   {"peak_mb", c.peak.median()}});
  }
  print_table(rows);
  return out;
}

Json run_memory(const Options&) {
  Json out = Json::array();
  std::vector<std::vector<std::string>> rows{{"memory", "mode", "parameters MB", "peak MB",
                                              "allocations of a step", "of its plan", "arena MB"}};
  for (const NetCase& c : net_cases())
    for (const char* mode : {"compiled", "eager"}) {
      const Outcome o =
          run({fs::read_symlink("/proc/self/exe").string(), "memory-of", c.name, mode});
      Json one = Json::parse(o.output);
      one["peak_mb"] = o.peak_mb;
      const bool has_plan = !one["plan_allocations"].is_null();
      rows.push_back({c.shape, mode, fixed(one["parameters_mb"], 2), fixed(o.peak_mb, 0),
                      std::to_string(one["step_allocations"].get<int>()),
                      has_plan ? std::to_string(one["plan_allocations"].get<int>()) : "-",
                      has_plan ? fixed(one["arena_mb"], 2) : "-"});
      out.push_back(std::move(one));
    }
  print_table(rows);
  return out;
}

int run_memory_child(const std::string& name, bool compiled) {
  const NetCase& c = net_case(name);
  Training training(c, compiled);
  const data::Batch batch{rand({c.batch, 784}), zeros({c.batch}, DType::i64)};
  for (int i = 0; i < 4; ++i) training.step(batch);
  Json out{{"net", c.shape}, {"mode", compiled ? "compiled" : "eager"}};
  double parameters = 0;
  for (const Tensor& p : training.net().parameters())
    parameters += static_cast<double>(p.numel()) * 4e-6;
  out["parameters_mb"] = parameters;
  out["step_allocations"] = allocations_of([&] { training.step(batch); });
  const compile::Plan* plan = training.plan(batch);
  // The step's inputs besides the batch are its learning rates, one for each parameter.
  Tensors inputs{batch.x, batch.y};
  for (const Tensor& p : training.net().parameters())
    inputs.push_back(Tensor::scalar(0.0, p.dtype()));
  out["plan_allocations"] = Json();
  if (plan != nullptr) {
    out["plan_allocations"] =
        allocations_of([&] { const_cast<compile::Plan*>(plan)->run(inputs); });
    out["arena_mb"] = static_cast<double>(plan->arena_bytes()) * 1e-6;
  }
  std::printf("%s\n", out.dump().c_str());
  return 0;
}

}  // namespace bench
