// The word that somebody meant: for messages that ask "did you mean ...?".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// The word of `words` that is nearest to `word` in edits (a letter put in, left out, changed, or
/// two neighbours exchanged; one in three letters, capital letters as good as small ones), or the
/// only one that begins with it; empty where none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& words);

}  // namespace gradus
