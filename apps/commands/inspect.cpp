// gradus data and gradus doctor: what there is to work with.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include <gradus/gradus.h>
#include <gradus/io/gzip.h>
#include <gradus/kernels/gemm.h>
#include <gradus/kernels/threads.h>

namespace gradus::app {
namespace {

using Json = nlohmann::ordered_json;

struct DataFlags {
  std::string data;
  bool json = false;
};

struct PartFacts {
  std::int64_t images = 0, byte_sum = 0, non_zero = 0;
  std::vector<std::int64_t> per_label;
};

PartFacts facts(const data::ImageSet& set, std::int64_t classes) {
  PartFacts f;
  f.images = set.size();
  f.per_label.assign(static_cast<std::size_t>(classes), 0);
  const std::uint8_t* bytes = set.images.data<std::uint8_t>();
  for (std::int64_t i = 0; i < set.images.numel(); ++i) {
    f.byte_sum += bytes[i];
    f.non_zero += bytes[i] != 0;
  }
  for (std::int64_t label : set.labels.to_vector<std::int64_t>())
    ++f.per_label[static_cast<std::size_t>(label)];
  return f;
}

/// The counts behind the head, in lines of at most `width` columns.
std::string wrapped_counts(const std::string& head, const std::vector<std::int64_t>& counts,
                           int width) {
  std::string lines, line = head;
  for (const std::int64_t n : counts) {
    const std::string one = " " + std::to_string(n);
    if (static_cast<int>(line.size() + one.size()) > width) {
      lines += line + "\n";
      line = std::string(7, ' ');
    }
    line += one;
  }
  return lines + line;
}

int show_data(const DataFlags& flags) {
  const data::ImageData data = data::load(flags.data);
  const Terminal terminal;
  Json object{{"name", data.name},
              {"height", data.train.images.size(1)},
              {"width", data.train.images.size(2)},
              {"classes", data.classes}};
  if (!flags.json)
    std::printf("%s: images of %lld x %lld bytes, %lld classes\n", data.name.c_str(),
                static_cast<long long>(data.train.images.size(1)),
                static_cast<long long>(data.train.images.size(2)),
                static_cast<long long>(data.classes));
  const std::pair<const char*, const data::ImageSet*> parts[] = {
      {"train", &data.train}, {"valid", &data.valid}, {"test", &data.test}};
  for (const auto& [name, set] : parts) {
    const PartFacts f = facts(*set, data.classes);
    object[name] = {{"images", f.images},
                    {"byte_sum", f.byte_sum},
                    {"non_zero", f.non_zero},
                    {"per_label", f.per_label}};
    if (flags.json) continue;
    char head[96];
    std::snprintf(
        head, sizeof head, "%-5s %7lld images, %4.1f %% ink, per label", name,
        static_cast<long long>(f.images),
        100.0 * static_cast<double>(f.non_zero) / static_cast<double>(set->images.numel()));
    std::printf("%s\n", wrapped_counts(head, f.per_label, terminal.width()).c_str());
  }
  if (flags.json) {
    std::printf("%s\n", object.dump().c_str());
    return 0;
  }
  const int side = static_cast<int>(data.train.images.size(2));
  const std::int64_t shown = std::clamp<std::int64_t>((terminal.width() + 2) / (side + 2), 0,
                                                      std::min<std::int64_t>(4, data.train.size()));
  std::vector<std::vector<std::string>> pictures;
  for (std::int64_t i = 0; i < shown; ++i)
    pictures.push_back(picture(data.train.images[i], terminal.has_utf8()));
  for (std::size_t line = 0; !pictures.empty() && line < pictures[0].size(); ++line) {
    for (std::size_t i = 0; i < pictures.size(); ++i)
      std::printf("%s%s", i ? "  " : "", pictures[i][line].c_str());
    std::printf("\n");
  }
  return 0;
}

int doctor() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 0;
  const char* data = std::getenv("GRADUS_DATA");
  const Terminal terminal;
  std::printf("gradus %s, built with %s\n", GRADUS_VERSION, __VERSION__);
  std::printf("processors    %d that this process may use\n", count);
  std::printf(
      "threads       %d by default (the processors, or GRADUS_THREADS); --threads in train\n",
      kernels::num_threads());
  std::printf("instructions  %s\n", kernels::instruction_set());
  std::printf("operations    %zu\n", all_ops().size());
  std::printf(".gz files     unpacked by %s\n", io::gunzip_library());
  std::printf("terminal      %d columns, %s, %s\n", terminal.width(),
              terminal.is_live() ? "live" : "plain lines", terminal.has_utf8() ? "UTF-8" : "ASCII");
  std::printf("GRADUS_DATA   %s\n", data ? data : "not set: the built-in digits are the default");
  int failed = 0;
  if (data) {
    try {
      std::printf("              %lld training images\n",
                  static_cast<long long>(data::load("").train.size()));
    } catch (const Error& error) {
      std::printf("              %s\n", error.what());
      failed = 1;
    }
  }
  // The gradients of a small net against differences: is this build sound on this machine?
  const GradcheckReport report = gradcheck(
      [](std::span<const Tensor> x) {
        return Tensors{cross_entropy(matmul(relu(matmul(x[0], x[1])), x[2]), tensor({0, 2, 1}))};
      },
      Tensors{rand({3, 4}, DType::f64) + 0.1, rand({4, 5}, DType::f64) - 0.4,
              rand({5, 3}, DType::f64) - 0.5});
  std::printf("gradients     %s\n", report.str().c_str());
  return failed || !report.ok();
}

}  // namespace

Command data_command() {
  auto f = std::make_shared<DataFlags>();
  return {"data",
          "What a data set holds",
          {{"data", &f->data, "digits, or a folder of MNIST-shaped IDX files"},
           {"--json", &f->json, "one JSON object"}},
          [f] { return show_data(*f); }};
}

Command doctor_command() { return {"doctor", "Is everything well on this machine?", {}, doctor}; }

}  // namespace gradus::app
