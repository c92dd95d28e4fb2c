// gradus step: a training run, stepped forwards and backwards in time. The commands are those of
// see/step.h; this file brings the program, the terminal and the lines together.
#include <apps/commands/commands.h>
#include <apps/commands/step_program.h>
#include <apps/line_reader.h>
#include <apps/terminal.h>

#include <unistd.h>

#include <cstdio>

#include <gradus/io/file.h>
#include <gradus/kernels/threads.h>
#include <gradus/see/interrupt.h>
#include <gradus/see/step.h>

namespace gradus::app {
namespace {

struct StepFlags : StepProgramOptions {
  std::string file, tape, keep = "stats";
  std::int64_t steps = 10, budget = 512;
  bool echo = false;
};

std::atomic<see::Stepper*> interrupted_stepper{nullptr};

extern "C" void interrupt(int) {
  if (see::Stepper* stepper = interrupted_stepper.load()) stepper->interrupt();
}

see::TapeLevel level_of(const std::string& keep) {
  return keep == "full" ? see::TapeLevel::full : see::TapeLevel::stats;
}

/// One session: lines until there are no more, the program running on whenever a motion needs it.
int session(const StepFlags& f, see::Tape& tape, see::Rerun* rerun) {
  const Terminal terminal;
  see::Stepper stepper(tape,
                       {.style = {.width = terminal.width(), .utf8 = terminal.has_utf8()},
                        .json = f.json,
                        .bold = !f.json && !terminal.bold("").empty()},
                       rerun);
  interrupted_stepper = &stepper;
  if (::isatty(STDIN_FILENO)) see::on_interrupt(interrupt);
  std::int64_t steps = tape.steps();
  const auto say = [&](const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  };
  const auto advance = [&] {
    if (!rerun || steps >= f.steps) return false;
    ++steps;
    try {
      rerun->advance();
    } catch (const Error& error) {  // the tape reaches up to there: step back and look
      say(std::string(f.json ? "" : "the program ended: ") + error.what() + "\n");
      steps = f.steps;
    }
    return true;
  };
  advance();
  if (!rerun || steps >= f.steps) stepper.ended();
  say(stepper.show());
  LineReader lines("(gradus) ", [&](const std::string& word, bool begins) {
    return stepper.completions(word, begins);
  });
  while (!stepper.has_quit()) {
    const std::optional<std::string> line = lines.next();
    if (!line) break;
    if (f.echo) say("(gradus) " + *line + "\n");
    stepper.set_width(terminal.width());
    say(stepper.execute(*line));
    while (stepper.wants_more()) say(advance() ? stepper.grown() : stepper.ended());
  }
  interrupted_stepper = nullptr;
  if (!f.tape.empty()) see::save_tape(f.tape, tape);
  if (!f.tape.empty() && !f.json && rerun && steps < f.steps)
    say("the tape holds " + std::to_string(steps) + " of " + std::to_string(f.steps) +
        " steps; j step=" + std::to_string(f.steps - 1) + " t=0 and end run the others\n");
  return 0;
}

std::vector<Option> options_of(StepFlags& f) {
  return {{"file", &f.file, "a tape to look at, instead of a run"},
          {"--data", &f.data,
           "digits (drawn by gradus) or a folder of MNIST-shaped IDX files; GRADUS_DATA names a "
           "default folder"},
          {"--size", &f.size, "how many digits to draw: 3/4 are trained on [2000]"},
          {"--net",
           &f.net,
           "lesson: 784-50-1, mean squared error; classifier: as gradus train",
           {"lesson", "classifier"}},
          {"--hidden", &f.hidden, "units of the hidden layers: 50 or 128,64"},
          {"--steps", &f.steps, "how many steps there are to run"},
          {"--batch-size", &f.batch_size, "images a step, in order; 0 takes all"},
          {"--lr", &f.lr, "learning rate"},
          {"--optimizer", &f.optimizer, "update rule", {"sgd", "adam", "adamw"}},
          {"--momentum", &f.momentum, "momentum of sgd"},
          {"--weight-decay", &f.weight_decay, "pull of the weights to 0"},
          {"--seed", &f.seed, "seed of the weights"},
          {"--scale", &f.scale, "pixels are divided by this", {"256", "255"}},
          {"--threads", &f.threads, "threads of the kernels; results do not depend on it"},
          {"--keep",
           &f.keep,
           "what the tape keeps: stats (elements are replayed), or full",
           {"stats", "full"}},
          {"--budget", &f.budget, "MB of elements kept with --keep full"},
          {"--tape", &f.tape, "where the tape goes in the end"},
          {"--echo", &f.echo, "write each command before its answer: for transcripts"},
          {"--json", &f.json, "one JSON object for each stop and answer"}};
}

StepFlags defaults() {
  StepFlags f;
  f.lr = 1e-4;
  f.seed = 42;
  f.default_size = 2000;
  f.batch_size = 0;
  return f;
}

/// What is recorded already is not run again: the options of a run say nothing about it.
void refuse_options_of_runs(StepFlags& f) {
  StepFlags plain = defaults();
  const std::vector<Option> given = options_of(f), unsaid = options_of(plain);
  for (std::size_t i = 0; i < given.size(); ++i)
    if (given[i].names != "file" && given[i].names != "--tape" &&
        given[i].value() != unsaid[i].value())
      throw UsageError(given[i].names,
                       f.file + " is recorded already, so it takes no options of a run",
                       "leave " + given[i].names + " out, or the tape");
}

int step(StepFlags& f) {
  if (!f.tape.empty()) io::check_writable(f.tape);  // not when the session is over
  if (!f.file.empty()) {
    refuse_options_of_runs(f);
    see::Tape tape = see::open_tape(f.file);
    return session(f, tape, nullptr);
  }
  if (f.steps < 1) throw UsageError("--steps", std::to_string(f.steps) + ": give 1 or more");
  if (f.budget < 1) throw UsageError("--budget", std::to_string(f.budget) + ": give 1 or more");
  const bool all_rows = f.batch_size == 0;
  f.batch_size += all_rows;  // 0 means all, which is fine here
  check(f);
  f.batch_size -= all_rows;
  if (const std::size_t layers = hidden_sizes(f).size(); f.net == "lesson" && layers != 1)
    throw UsageError(
        "--hidden",
        f.hidden + ": the lesson's net has one hidden layer, not " + std::to_string(layers),
        "write --hidden 50, or --net classifier");
  kernels::set_num_threads(static_cast<int>(f.threads));
  see::Rerun rerun(make_step_program(f), {.level = level_of(f.keep), .budget = f.budget << 20});
  return session(f, rerun.tape(), &rerun);
}

}  // namespace

Command step_command() {
  auto f = std::make_shared<StepFlags>(defaults());
  return {"step", "Step through training, forwards and backwards in time", options_of(*f),
          [f] { return step(*f); }};
}

}  // namespace gradus::app
