// gradus plot: pictures from one run, or from two side by side; plot_run.h says which.
#include <apps/commands/commands.h>
#include <apps/terminal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <gradus/io/file.h>
#include <gradus/see/plot_run.h>

namespace gradus::app {
namespace {

struct PlotFlags {
  std::vector<std::string> runs;
  std::string out, loss_axis = "auto";
  int width = 0;
  bool ascii = false, json = false;
};

see::Run read(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string name = file.stem().string();
  const io::Bytes bytes = io::read_file(path);
  // A tape is a safetensors file: eight bytes of length, then its header. What only says that it is
  // one is told so by who opens tapes.
  if (file.extension() == ".tape" || (bytes.size() > 8 && bytes[0] != '{' && bytes[8] == '{'))
    return see::run_of(see::open_tape(path), name);
  see::Run run = see::read_run({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                               file.filename().string());
  run.name = name;
  return run;
}

void write_files(const std::string& folder, const std::vector<see::NamedPlot>& plots) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw IoError("cannot make the folder '" + folder + "': " + error.message(),
                  "choose another place for --out");
  for (const see::NamedPlot& plot : plots) {
    const std::string svg = see::svg(plot.plot);
    const std::filesystem::path file = std::filesystem::path(folder) / (plot.name + ".svg");
    if (std::filesystem::is_directory(file, error))
      throw IoError("cannot write '" + file.string() + "': there is a folder of that name",
                    "choose another place for --out");
    io::write_file(file.string(), {reinterpret_cast<const std::uint8_t*>(svg.data()), svg.size()});
  }
}

see::PlotOptions options_of(const PlotFlags& f) {
  using LossAxis = see::PlotOptions::LossAxis;
  see::PlotOptions options{f.loss_axis == "log"      ? LossAxis::log
                           : f.loss_axis == "linear" ? LossAxis::linear
                                                     : LossAxis::automatic};
  if (f.json) options.most = 0;  // programs choose for themselves
  return options;
}

/// What a run has no picture of, and what would give it.
void tell_missing(const std::vector<see::Run>& runs, int width) {
  for (const see::Run& run : runs)
    for (const std::string& line : run.missing)
      std::printf("\n%s\n",
                  wrapped((runs.size() > 1 ? run.name + ": " : "") + line, width).c_str());
  const auto is_thin = [](const see::Run& r) { return r.batches.empty(); };
  if (std::all_of(runs.begin(), runs.end(), is_thin))
    std::printf("\n%s\n", wrapped("gradus train --log FILE --stats writes down more: batches, "
                                  "layers, gradients, weights, mistakes",
                                  width)
                              .c_str());
}

int plot(const PlotFlags& f) {
  if (f.runs.size() > 2)
    throw UsageError("run", std::to_string(f.runs.size()) + " runs: one plot compares two at most");
  if (f.width != 0 && (f.width < 24 || f.width > 1000))
    throw UsageError("--width", std::to_string(f.width) + " columns: give 24 to 1000");
  std::vector<see::Run> runs;
  runs.reserve(f.runs.size());
  for (const std::string& path : f.runs) runs.push_back(read(path));
  if (runs.size() == 2 && runs[0].name == runs[1].name)
    for (std::size_t i = 0; i < 2; ++i) runs[i].name += i == 0 ? " (1)" : " (2)";
  see::match_layers(runs);
  const std::vector<see::NamedPlot> plots = see::plots_of(runs, options_of(f));
  if (plots.empty())
    throw DataError("there is nothing to plot in " + f.runs[0],
                    "a run writes its first epoch there when it ends: train with --log FILE");
  if (!f.out.empty()) write_files(f.out, plots);
  if (f.json) {
    for (const see::NamedPlot& plot : plots) std::printf("%s\n", see::json_text(plot).c_str());
    return 0;
  }
  const Terminal terminal;
  see::TextStyle style{.width =
                           f.width ? f.width : terminal.width() - (terminal.is_live() ? 1 : 0)};
  style.utf8 = terminal.has_utf8() && !f.ascii;
  style.colour = terminal.has_colour();
  for (std::size_t i = 0; i < plots.size(); ++i)
    std::printf("%s%s", i ? "\n" : "", see::text(plots[i].plot, style).c_str());
  if (!f.out.empty()) std::printf("\nwrote %zu pictures to %s\n", plots.size(), f.out.c_str());
  tell_missing(runs, style.width);
  return 0;
}

}  // namespace

Command plot_command() {
  auto f = std::make_shared<PlotFlags>();
  return {"plot",
          "Pictures from a run, or from two compared",
          {{.names = "run",
            .target = &f->runs,
            .help = "what gradus train --log wrote (with --stats there is more to see), or a tape; "
                    "two to compare",
            .required = true},
           {"--out", &f->out, "a folder: each picture also as an SVG file"},
           {"--width", &f->width, "columns; 0 takes the terminal's"},
           {"--loss-axis",
            &f->loss_axis,
            "auto is logarithmic where the loss changes a hundredfold",
            {"auto", "linear", "log"}},
           {"--ascii", &f->ascii, "no characters beyond ASCII"},
           {"--json", &f->json, "one JSON object a picture, with its numbers"}},
          [f] { return plot(*f); }};
}

}  // namespace gradus::app
