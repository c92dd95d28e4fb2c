// A plan as a table for people; see plan.h.
#include <algorithm>
#include <cstdio>

#include <gradus/compile/plan.h>

namespace gradus::compile {
namespace {

/// "3.2k", "524k", "10M": two digits at least.
std::string short_number(double value) {
  char text[32];
  const char* units[] = {"", "k", "M", "G", "T"};
  int unit = 0;
  for (; value >= 999.5 && unit < 4; ++unit) value /= 1000;
  std::snprintf(text, sizeof text, value < 9.95 && unit > 0 ? "%.1f%s" : "%.0f%s", value,
                units[unit]);
  return text;
}

std::string list(const std::vector<Spec>& specs) {
  std::string text;
  for (const Spec& spec : specs) text += (text.empty() ? "" : " ") + spec.str();
  return text;
}

constexpr std::size_t indent = 5;  // of what stands below a kernel's number

/// Words in lines of at most `width`, each behind `indent` spaces.
std::string folded(const std::string& words, std::size_t width) {
  std::string text, line;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const std::string word = words.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && indent + line.size() + 1 + word.size() > width) {
      text += std::string(indent, ' ') + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? text : text + std::string(indent, ' ') + line + "\n";
}

/// "1, 3 to 5": the numbers of the kernels that go by rows.
std::string numbers_by_rows(const std::vector<KernelInfo>& kernels) {
  std::string text;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    if (!kernels[i].by_rows) continue;
    std::size_t last = i;
    while (last + 1 < kernels.size() && kernels[last + 1].by_rows) ++last;
    text += (text.empty() ? "" : ", ") + std::to_string(i + 1);
    if (last > i) text += (last > i + 1 ? " to " : ", ") + std::to_string(last + 1);
    i = last;
  }
  return text;
}

std::string heading(const KernelInfo& kernel) {
  const char* phases[] = {"forward", "backward", "update"};
  const std::string phase = phases[static_cast<int>(kernel.phase)];
  return kernel.scope.empty() ? phase : phase + ", " + kernel.scope;
}

}  // namespace

std::string Plan::str(int width) const {
  const auto room = static_cast<std::size_t>(std::max(width, 40));
  // "  7  matmul + add + relu ...      5.0M     370k"
  const auto row = [&](const std::string& number, const std::string& what, const std::string& flops,
                       const std::string& bytes) {
    constexpr std::size_t column = 8;
    const std::size_t for_name = room - indent - 2 * column;
    std::string head =
        std::string(3 - std::min<std::size_t>(number.size(), 3), ' ') + number + "  ";
    std::string above;
    std::string name = what;
    if (name.size() > for_name) {  // the last line of a long name carries the numbers
      above = folded(name, indent + for_name);
      above = head + above.substr(indent);
      const std::size_t last = above.rfind('\n', above.size() - 2);
      name = above.substr(last + 1 + indent, above.size() - last - 2 - indent);
      above.resize(last + 1);
      head = std::string(indent, ' ');
    }
    const auto right = [&](const std::string& text) {
      return std::string(column - std::min(text.size(), column), ' ') + text;
    };
    name.resize(std::max(name.size(), for_name), ' ');
    return above + head + name + right(flops) + right(bytes) + "\n";
  };
  std::string text = row("", "kernel", "FLOP", "bytes"), last_heading;
  double flops = 0, bytes = 0;
  int number = 0;
  for (const KernelInfo& kernel : kernels()) {
    if (const std::string now = heading(kernel); now != last_heading) {
      text += now + "\n";
      last_heading = now;
    }
    text += row(std::to_string(++number), kernel.what, short_number(kernel.flops),
                short_number(kernel.bytes));
    text += folded(list(kernel.inputs) + " -> " + list(kernel.outputs), room);
    if (!kernel.note.empty()) text += folded("not fused further: " + kernel.note, room);
    flops += kernel.flops;
    bytes += kernel.bytes;
  }
  text += row("", std::to_string(kernels().size()) + " kernels", short_number(flops),
              short_number(bytes));
  if (const std::string numbers = numbers_by_rows(kernels()); !numbers.empty())
    text += folded("by rows: each thread takes some rows of the batch through kernels " + numbers,
                   room);
  for (const std::string& line : zeros()) text += folded(line, room);
  return text +
         folded("arena of " + short_number(static_cast<double>(arena_bytes())) + " bytes", room);
}

}  // namespace gradus::compile
