// Whether calls are recorded, per thread.
#pragma once

namespace gradus {

/// True when the door records calls that involve parameters. Each thread starts with true.
bool grad_enabled();

/// Turns recording off (or on) while it lives, in this thread. (torch.no_grad, torch.enable_grad)
class GradMode {
 public:
  explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

/// Calls f without recording: `no_grad([&] { ... })`.
template <class F>
decltype(auto) no_grad(F&& f) {
  NoGrad guard;
  return f();
}

}  // namespace gradus
