// The judge of the lesson's rows, for CTest: one chapter is run once and leaves its rows in a file;
// then each row is a test of its own.
//   rows run COMMAND CHAPTER FILE   runs `COMMAND lesson CHAPTER --page` into FILE
//   rows row N FOLDER               0 when row N is declared once, checks something, and is right;
//                                   77 when it needs the real MNIST
//   rows titles FIRST LAST FOLDER COMMAND   0 when rows FIRST..LAST are declared, and no others,
//                                   and `COMMAND lesson` lists each with the chapters that check it
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace {

using Json = nlohmann::json;

int run(const std::string& command, const std::string& chapter, const std::string& file) {
  const std::string line = "\"" + command + "\" lesson " + chapter + " --page > \"" + file + "\"";
  const int status = std::system(line.c_str());
  // 1 is a row that is wrong: its own test will say so.
  if (WIFEXITED(status) && WEXITSTATUS(status) <= 1 && std::filesystem::file_size(file) > 0)
    return 0;
  std::cerr << line << " ended with " << status << "\n";
  return 1;
}

std::vector<Json> read(const std::string& folder) {
  std::vector<Json> rows;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const Json chapter = Json::parse(file);
    for (const Json& row : chapter["rows"]) rows.push_back(row);
  }
  return rows;
}

int row(int number, const std::string& folder) {
  int checks = 0, wrong = 0, left_out = 0;
  std::set<std::string> titles;
  for (const Json& r : read(folder)) {
    if (r["row"] != number) continue;
    if (r.value("title", false)) titles.insert(r["what"]);
    const bool is_out = r.value("left_out", false);
    left_out += is_out;
    checks += !is_out;
    if (!is_out && r["ok"] != true) {
      ++wrong;
      std::cout << "wrong: " << r.dump() << "\n";
    }
  }
  if (titles.size() != 1) {
    std::cout << "row " << number << " has " << titles.size() << " titles, expected one:\n";
    for (const std::string& title : titles) std::cout << "  " << title << "\n";
    return 1;
  }
  std::cout << "row " << number << ", " << *titles.begin() << ": " << checks - wrong << " of "
            << checks << " checks are right, " << left_out << " need the real MNIST\n";
  if (wrong > 0) return 1;
  return checks > 0 ? 0 : 77;
}

int titles(int first, int last, const std::string& folder, const std::string& command) {
  std::map<int, int> seen;
  std::map<int, std::set<int>> checked, listed;
  for (const Json& r : read(folder)) {
    ++seen[r["row"].get<int>()];
    checked[r["chapter"]].insert(r["row"].get<int>());
  }
  const std::string list = folder + "/list";
  if (std::system(("\"" + command + "\" lesson --json > \"" + list + "\"").c_str()) != 0) return 1;
  std::ifstream file(list);
  for (std::string line; std::getline(file, line);) {
    const Json chapter = Json::parse(line);
    const std::set<int> rows = chapter["rows"];
    if (!rows.empty()) listed[chapter["chapter"]] = rows;
  }
  int problems = 0;
  for (int number = first; number <= last; ++number)
    if (!seen.contains(number)) std::cout << "row " << number << " is missing\n", ++problems;
  for (const auto& [number, count] : seen)
    if (number < 1 || number > 107) std::cout << "there is no row " << number << "\n", ++problems;
  for (const auto& [chapter, rows] : checked)
    if (listed[chapter] != rows)
      std::cout << "the list has other rows for chapter " << chapter << "\n", ++problems;
  if (listed.size() != checked.size()) std::cout << "the list has other chapters\n", ++problems;
  return problems > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 4 && words[0] == "run") return run(words[1], words[2], words[3]);
    if (words.size() == 3 && words[0] == "row") return row(std::stoi(words[1]), words[2]);
    if (words.size() == 5 && words[0] == "titles")
      return titles(std::stoi(words[1]), std::stoi(words[2]), words[3], words[4]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  std::cerr << "see the head of rows.cpp\n";
  return 2;
}
