// The gradus command: reads the command line, runs one command, turns errors into messages and exit
// codes: 0 well, 2 a wrong command line, 1 anything else, 130 interrupted.
#include <apps/commands/commands.h>

#include <cstdio>
#include <new>

#include <gradus/core/error.h>

int main(int argc, char** argv) {
  using namespace gradus;
  CLI::App app{"gradus: train small networks and see what they do", "gradus"};
  app.set_version_flag("--version", "gradus " GRADUS_VERSION);
  app.require_subcommand(1);
  app.footer("`gradus COMMAND --help` tells more. Try: gradus train");
  app::Run run;
  app::add_train(app, run);
  app::add_eval(app, run);
  app::add_predict(app, run);
  app::add_data(app, run);
  app::add_ops(app, run);
  app::add_apply(app, run);
  app::add_doctor(app, run);
  if (argc > 1 && argv[1][0] != '-') {
    bool known = false;
    std::string names;
    for (const CLI::App* command : app.get_subcommands({})) {
      known |= command->get_name() == argv[1];
      names += " " + command->get_name();
    }
    if (!known) {
      std::fprintf(stderr, "gradus: there is no command '%.40s'\n  hint: commands are%s\n", argv[1],
                   names.c_str());
      return 2;
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(
        stderr, "gradus: %s\n  hint: see `gradus%s --help`\n", error.what(),
        argc > 1 && argv[1][0] != '-' ? (" " + std::string(argv[1]).substr(0, 40)).c_str() : "");
    return 2;
  }
  try {
    return run();
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
    return 2;
  } catch (const Error& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "gradus: no memory left\n  hint: use a smaller network or batch\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
  }
  return 1;
}
