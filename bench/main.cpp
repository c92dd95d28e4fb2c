// `./dev bench`: what gradus does in a second, beside what the machine could do. This file reads
// the options, runs the parts in order between two readings of the probes, and writes the JSON and
// the picture. How to read the tables: docs/performance.md.
#include <gradus/kernels/threads.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "bench.h"

namespace bench {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      std::printf("%s%*s", i == 0 ? "" : "  ", (i == 0 ? -1 : 1) * static_cast<int>(widths[i]),
                  row[i].c_str());
    std::printf("\n");
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace bench

namespace {

using namespace bench;

const char* const usage =
    R"(usage: gradus_bench [PART...] [OPTIONS]

parts      steps products ladder ops process memory; all of them when none is named
--rounds N     turns that the contenders of a part take (7)
--threads A,B  numbers of threads (1,2)
--data DIR     MNIST; $GRADUS_DATA/mnist where it is there, else made up images
--gradus FILE  the command that the process part runs
--blas FILES   libraries to compare products with: auto (OpenBLAS, BLIS, oneDNN, libxsmm where they
               are there), none, or files with cblas_sgemm or dnnl_sgemm
--json FILE    where everything goes
--svg FILE     share of peak against size
)";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text)
    if (c == ',')
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

std::string first_line_with(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return line.substr(line.find(':') + 2);
  return {};
}

std::string load_average() {
  std::ifstream in("/proc/loadavg");
  std::string one;
  in >> one;
  return one;
}

Json machine() {
  char date[32];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M", std::gmtime(&seconds));
  return {{"cpu", first_line_with("/proc/cpuinfo", "model name")},
          {"family", first_line_with("/proc/cpuinfo", "cpu family")},
          {"model", first_line_with("/proc/cpuinfo", "model\t")},
          {"cpus", gradus::kernels::num_threads()},
          {"instruction_set", instruction_set()},
          {"compiler", __VERSION__},
          {"date_utc", date}};
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  std::string json_file, svg_file;
  if (const char* data = std::getenv("GRADUS_DATA")) {
    const std::filesystem::path folder = data;
    for (const auto& one : {folder / "mnist", folder})
      if (options.data.empty() && (std::filesystem::exists(one / "train-images-idx3-ubyte") ||
                                   std::filesystem::exists(one / "train-images-idx3-ubyte.gz")))
        options.data = one.string();
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-h" || word == "--help") {
      std::printf("%s", usage);
      return 0;
    }
    if (!word.starts_with("--")) {
      options.parts.push_back(word);
      continue;
    }
    if (i + 1 == arguments.size()) throw std::invalid_argument(word + " needs a value");
    const std::string& value = arguments[++i];
    if (word == "--rounds")
      options.rounds = std::max(1, std::stoi(value));
    else if (word == "--threads") {
      options.threads.clear();
      for (const std::string& one : split(value)) options.threads.push_back(std::stoi(one));
    } else if (word == "--data")
      options.data = value;
    else if (word == "--gradus")
      options.command = value;
    else if (word == "--blas")
      options.blas = value;
    else if (word == "--json")
      json_file = value;
    else if (word == "--svg")
      svg_file = value;
    else
      throw std::invalid_argument("no option " + word + "\n" + usage);
  }
  const std::vector<std::string> known{"steps", "products", "ladder", "ops", "process", "memory"};
  for (const std::string& part : options.parts)
    if (std::find(known.begin(), known.end(), part) == known.end())
      throw std::invalid_argument("no part " + part + "\n" + usage);
  const auto wants = [&](const char* part) {
    return options.parts.empty() ||
           std::find(options.parts.begin(), options.parts.end(), part) != options.parts.end();
  };
  std::erase_if(options.threads, [](int n) { return n < 1 || n > gradus::kernels::num_threads(); });
  if (options.threads.empty()) options.threads = {1};

  Json out{{"machine", machine()}};
  const auto text = [&](const char* key) { return out["machine"][key].get<std::string>(); };
  std::printf("%s (family %s, model %s), %s, %s UTC, load %s\n\n", text("cpu").c_str(),
              text("family").c_str(), text("model").c_str(), text("instruction_set").c_str(),
              text("date_utc").c_str(), load_average().c_str());
  out["load_before"] = load_average();
  Peak peak;
  out["probes_before"] = run_probes(options, peak, "before");
  // These first: a child's peak of memory begins with what its parent holds.
  if (wants("memory")) out["memory"] = run_memory(options);
  if (wants("process") && !options.command.empty()) out["process"] = run_process(options);
  if (wants("steps")) out["steps"] = run_steps(options, peak);
  if (wants("products")) out["products"] = run_products(options, peak);
  if (wants("ladder")) out["ladder"] = run_ladder(options, peak);
  if (wants("ops")) out["operations"] = run_operations(options);
  out["probes_after"] = run_probes(options, peak, "after");
  out["peak"] = peak.json();
  out["load_after"] = load_average();
  if (!json_file.empty()) std::ofstream(json_file) << out.dump(1) << "\n";
  if (!svg_file.empty() && out.contains("products"))
    std::ofstream(svg_file) << products_picture(out["products"]);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  try {
    if (arguments.size() == 3 && arguments[0] == "memory-of")
      return bench::run_memory_child(arguments[1], arguments[2] == "compiled");
    if (!arguments.empty() && arguments[0] == "worker")
      return bench::run_worker({arguments.begin() + 1, arguments.end()});
    return run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gradus_bench: %s\n", error.what());
    return 1;
  }
}
