// Sessions that a page of the documentation shows: "```text", "$ COMMAND", and what was typed and
// answered. A test runs them and compares; with GRADUS_UPDATE_GOLDENS the page is written anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/folder.h"

namespace gradus::test {

struct Transcript {
  std::string command;             ///< behind "$ "
  std::string typed;               ///< what stands behind "(gradus) ", line by line
  std::string text;                ///< everything below the command
  std::size_t begin = 0, end = 0;  ///< of the text in the page
};

inline std::vector<Transcript> transcripts(const std::string& page) {
  const std::string open = "```text\n$ ", prompt = "(gradus) ";
  std::vector<Transcript> found;
  for (std::size_t at = page.find(open); at != page.npos; at = page.find(open, at)) {
    Transcript t;
    at += open.size();
    t.begin = page.find('\n', at) + 1;
    t.end = page.find("```", t.begin);
    t.command = page.substr(at, t.begin - 1 - at);
    t.text = page.substr(t.begin, t.end - t.begin);
    std::istringstream lines(t.text);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(prompt)) t.typed += line.substr(prompt.size()) + "\n";
    found.push_back(std::move(t));
  }
  return found;
}

/// Runs the transcripts of docs/NAME for which `run` gives an output; the number of those.
inline int expect_true_page(
    const std::string& name,
    const std::function<std::optional<std::string>(const Transcript&)>& run) {
  const std::string path = GRADUS_SOURCE_DIR "/docs/" + name;
  std::string page = whole_file(path);
  const std::vector<Transcript> all = transcripts(page);
  const bool update = std::getenv("GRADUS_UPDATE_GOLDENS") != nullptr;
  std::vector<std::optional<std::string>>
      outs;  // in order: a session may use an earlier one's file
  for (const Transcript& t : all) outs.push_back(run(t));
  int count = 0;
  for (std::size_t i = all.size(); i-- > 0;) {  // from the back, so that places stay
    if (!outs[i]) continue;
    ++count;
    if (update)
      page.replace(all[i].begin, all[i].end - all[i].begin, *outs[i]);
    else
      EXPECT_EQ(*outs[i], all[i].text) << name << ": " << all[i].command;
  }
  if (update) std::ofstream(path) << page;
  return count;
}

}  // namespace gradus::test
