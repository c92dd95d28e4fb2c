// The session at a stop, and the observer that finds where to stop; see inspector.h.
#include <gradus/core/print.h>
#include <gradus/ops/ops.h>
#include <gradus/program/deferred.h>
#include <gradus/see/expression.h>
#include <gradus/see/inspector.h>
#include <gradus/see/stop.h>
#include <gradus/see/words.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <istream>
#include <ostream>

namespace gradus::see {
namespace {

constexpr const char* help =
    "  n          next: on to the next call of an operation, or breakpoint\n"
    "  c          continue to the next stop\n"
    "  w          where: the line, and the scopes and calls around it\n"
    "  l          list the tensors at hand\n"
    "  p EXPR     print, e.g.  p inp.shape   p out.g[:3, 0]   p (w * w).mean(axis=0) > 1\n"
    "  b PATTERN  stop there too, e.g.  b matmul   b lin2   b *.backward\n"
    "  q          quit: run on without stopping\n"
    "  h          this help; an empty line repeats the last command\n";

/// "net.lin2" + "matmul" -> "net.lin2.matmul".
std::string join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : std::string(path) + "." + std::string(name);
}

/// A call that has begun and not ended.
struct OpenCall {
  std::string name;
  Place place;
};

}  // namespace

struct Inspector::Impl final : Observer {
  Impl(std::istream& in_, std::ostream& out_, InspectorOptions options_)
      : in(in_), out(out_), options(std::move(options_)), observe(*this), before_me(current) {
    current = this;
  }
  ~Impl() override {
    for (Impl** link = &current; *link; link = &(*link)->before_me)
      if (*link == this) {
        *link = before_me;
        break;
      }
  }

  // -- where to stop ------------------------------------------------------------------------------
  void before(const Event& event) override {
    // A call that threw left frames behind: what is deeper than this call is over.
    while (calls.size() > static_cast<std::size_t>(event.depth)) calls.pop_back();
    while (calls.size() < static_cast<std::size_t>(event.depth))
      calls.push_back({"...", event.place});
    calls.push_back({std::string(event.op.name()), event.place});
    // A scope is entered by its outermost call, which begins first and ends last.
    if (event.depth <= entering) entering = -1;
    if (!is_backward_call(event) && event.scope != last_scope) {
      last_scope = event.scope;
      entering = event.depth;
    }
  }
  void after(const Event& event) override {
    if (!quiet && wants(event)) {
      std::vector<NamedTensor> tensors;
      const auto add = [&](std::string name, const Tensor& x) {
        tensors.push_back({x.name().empty() ? name : x.name(), x});
      };
      for (std::size_t i = 0; i < event.inputs.size(); ++i)
        add("x" + std::to_string(i), event.inputs[i]);
      for (std::size_t i = 0; i < event.outputs.size(); ++i)
        add(event.outputs.size() == 1 ? "y" : "y" + std::to_string(i), event.outputs[i]);
      stop(is_backward_call(event) ? path_of(event) + ": " + event.op.str()
                                   : join(path_of(event), event.op.name()),
           std::move(tensors), event.place, event.forward_twin);
    }
    if (!calls.empty()) calls.pop_back();
  }
  static bool is_backward_call(const Event& event) {
    return event.phase == Phase::backward && event.forward_twin;
  }
  /// Module path; in a backward pass that of the forward call, with its name and ".backward".
  static std::string path_of(const Event& event) {
    if (is_backward_call(event)) {
      const Node& twin = *event.forward_twin;
      return join(twin.scope ? *twin.scope : "", std::string(twin.op.name()) + ".backward");
    }
    return event.scope ? *event.scope : "";
  }
  /// "matmul.backward", "lin2.backward", "net.lin2.matmul.backward", with stars.
  static bool names_twin(const std::string& pattern, const Node& twin, const std::string& path) {
    if (!pattern.ends_with(".backward")) return false;
    const std::string scope = twin.scope ? *twin.scope : "";
    return matches(pattern, path) || matches(pattern, std::string(twin.op.name()) + ".backward") ||
           matches(pattern, scope + ".backward") ||
           matches(pattern, std::string(last_part(scope)) + ".backward");
  }
  /// "lin2", "net.lin2" where it is entered; "lin2.matmul" at each such call.
  static bool names_scope(const std::string& pattern, const Event& event, const std::string& path,
                          bool entered) {
    if (path.empty()) return false;
    return (entered && (matches(pattern, path) || matches(pattern, last_part(path)))) ||
           (pattern.find('.') != pattern.npos && matches(pattern, join(path, event.op.name())));
  }
  bool wants(const Event& event) {
    const bool is_backward = is_backward_call(event);
    // Scopes and backward calls count once each time they are entered. The scope is kept alive, and
    // a node has its number, so that neither is taken for another.
    const std::uint64_t twin = is_backward ? event.forward_twin->sequence : 0;
    const bool entered = is_backward ? twin != last_twin : event.depth == entering;
    bool is_wanted = stepping && event.depth <= step_depth;
    const std::string path = path_of(event);
    for (const std::string& pattern : patterns)
      is_wanted |= matches(pattern, event.op.name()) ||
                   (is_backward ? entered && names_twin(pattern, *event.forward_twin, path)
                                : names_scope(pattern, event, path, entered));
    last_twin = twin;
    if (entered) entering = -1;
    return is_wanted;
  }

  // -- the session --------------------------------------------------------------------------------
  void stop(const std::string& where, std::vector<NamedTensor> tensors, Place at,
            const Node* forward_twin) {
    const Unobserved not_seen;
    const NoGrad not_recorded;
    stepping = false;
    ++stops;
    out << "stop " << stops << ": " << (where.empty() ? "breakpoint" : where) << " at "
        << short_place(at) << "\n";
    list(tensors);
    const Lookup lookup = [&](std::string_view name) {
      for (const NamedTensor& t : tensors)
        if (t.name == name) return t.tensor;
      return Tensor();
    };
    for (std::string line, last; !quiet;) {
      out << options.prompt << std::flush;
      if (!std::getline(in, line)) {
        out << "\n";
        quiet = true;
        return;
      }
      std::string_view command = trimmed(line);
      if (options.echo) out << command << "\n";
      if (command.empty()) command = last;
      const std::string said(command);
      const std::string_view word = command.substr(0, command.find_first_of(" \t"));
      const std::string_view rest = trimmed(command.substr(word.size()));
      if (word == "n" || word == "next") {
        stepping = true;
        step_depth = calls.empty() ? 0 : static_cast<int>(calls.size()) - 1;
        return;
      }
      if (word == "c" || word == "continue") return;
      if (word == "q" || word == "quit")
        quiet = true;
      else if (word == "w" || word == "where")
        show_where(at, forward_twin);
      else if (word == "l" || word == "list")
        list(tensors);
      else if (word == "b" && !rest.empty())
        patterns.emplace_back(rest);
      else if ((word == "p" || word == "print") && !rest.empty())
        print(line, rest, lookup);
      else if (word == "h" || word == "help")
        out << help;
      else if (!word.empty())
        out << "'" << word << "' is not a command; h lists them\n";
      last = said;
    }
  }
  void list(const std::vector<NamedTensor>& tensors) {
    std::size_t width = 0;
    for (const NamedTensor& t : tensors) width = std::max(width, t.name.size());
    for (const NamedTensor& t : tensors)
      out << "  " << t.name << std::string(width - t.name.size() + 2, ' ') << describe(t.tensor)
          << "\n";
  }
  void print(std::string_view line, std::string_view expression, const Lookup& lookup) {
    try {
      out << evaluate(expression, lookup).str() << "\n";
    } catch (const ExpressionError& error) {
      // Below the line that was typed, where it can be seen; else below the expression.
      const std::size_t indent = line.find(expression);
      if (indent == line.npos) out << expression << "\n";
      out << error.pointer(indent == line.npos ? 0 : options.prompt.size() + indent) << "\n";
    } catch (const std::exception& error) {
      out << error.what() << "\n";
    }
  }
  void show_where(Place at, const Node* forward_twin) {
    out << "  " << short_place(at) << " in " << at.function_name() << "\n";
    for (std::size_t i = calls.size(); i-- > 0;)
      out << "  in the operation " << calls[i].name << ", called at " << short_place(calls[i].place)
          << "\n";
    if (forward_twin)
      out << "  in the backward of " << forward_twin->op.str() << ", called at "
          << short_place(forward_twin->place) << "\n";
    const auto& inner =
        forward_twin && forward_twin->scope ? forward_twin->scope : Scope::current();
    for (std::string_view path = inner ? *inner : std::string_view(); !path.empty();
         path = path.substr(0, path.find('.') == path.npos ? 0 : path.rfind('.')))
      out << "  in the scope " << path << "\n";
  }

  std::istream& in;
  std::ostream& out;
  InspectorOptions options;
  std::vector<std::string> patterns;
  std::vector<OpenCall> calls;
  int stops = 0;
  bool stepping = false, quiet = false;
  int step_depth = 0;  // calls inside other calls than that are not met by `n`
  std::uint64_t last_twin = 0;
  std::shared_ptr<const std::string> last_scope;
  int entering = -1;  // depth of the call that entered last_scope and has not ended
  Observe observe;
  Impl* before_me;

  static thread_local Impl* current;
};
thread_local Inspector::Impl* Inspector::Impl::current = nullptr;

Inspector::Inspector(std::istream& in, std::ostream& out, InspectorOptions options)
    : impl_(std::make_unique<Impl>(in, out, std::move(options))) {}
Inspector::~Inspector() = default;
Inspector& Inspector::stop_at(std::string pattern) {
  impl_->patterns.push_back(std::move(pattern));
  return *this;
}
int Inspector::stops() const { return impl_->stops; }

void breakpoint(std::vector<NamedTensor> tensors, Place at) {
  Inspector::Impl* inspector = Inspector::Impl::current;
  if (!inspector || inspector->quiet) return;
  inspector->calls.clear();
  inspector->stop(Scope::current() ? *Scope::current() : "", std::move(tensors), at, nullptr);
}
bool is_inspected() { return Inspector::Impl::current != nullptr; }

std::string describe(const Tensor& x) {
  if (!x) return "empty";
  std::string text = x.spec().str() + " strides " + x.strides().str();
  if (const auto call = deferred_call(x))
    return text + ": " + std::string(call->op().name()) + ", not written out";
  if (x.numel() == 0) return text;
  const Unobserved not_seen;
  const NoGrad not_recorded;
  text += ":";
  const std::int64_t shown = std::min<std::int64_t>(5, x.numel());
  // The first elements in row-major order, without a copy of the rest.
  for (std::int64_t n = 0; n < shown; ++n) {
    Tensor element = x;
    std::int64_t rest = n, below = x.numel();
    for (const std::int64_t size : x.shape()) {
      below /= size;
      element = element[rest / below];
      rest %= below;
    }
    text += " " + number(element.item(), 5);
  }
  if (shown < x.numel()) text += " ...";
  if (x.numel() == 1) return text;
  text += "  min " + number(amin(x).item(), 5) + " max " + number(amax(x).item(), 5) + " mean " +
          number(mean(x).item(), 5);
  if (is_floating(x.dtype())) {
    text += " std " + number(stddev(x, {}, 0).item(), 5);
    const auto count = [&](const Tensor& which, const char* word) {
      if (const auto many = which.sum().item<std::int64_t>())
        text += ", " + std::to_string(many) + " " + word;
    };
    count(isnan(x), "NaN");
    count(isinf(x), "inf");
  }
  return text;
}

namespace detail {

std::vector<NamedTensor> name_all(std::string_view names, std::initializer_list<Tensor> tensors) {
  std::vector<NamedTensor> named;
  for (const Tensor& tensor : tensors) {
    int open = 0;
    std::size_t end = 0;
    for (; end < names.size() && (names[end] != ',' || open > 0); ++end)
      open += (names[end] == '(' || names[end] == '[' || names[end] == '{') -
              (names[end] == ')' || names[end] == ']' || names[end] == '}');
    named.push_back({std::string(trimmed(names.substr(0, end))), tensor});
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return named;
}

}  // namespace detail
}  // namespace gradus::see
