// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a configuration file, where, and what would be right.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

// A place in a text file. Both count from 1; columns count characters, not bytes.
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;

  friend constexpr auto operator<=>(const Position&, const Position&) = default;
};

struct Problem {
  std::string file;
  Position at;
  std::string key;   // "dataplane.idle"
  std::string text;  // what was found; what is allowed

  friend bool operator==(const Problem&, const Problem&) = default;
};

// "FILE:LINE:COLUMN: key: what was found; what is allowed", which editors and compilers' users know how to
// follow.
std::string to_string(const Problem& problem);
// The same with "warning: " before the key.
std::string to_warning(const Problem& problem);

// Collects every problem of one file, so that the operator mends them all in one go; each once, however often
// it is met.
class ProblemLog {
 public:
  explicit ProblemLog(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  void error(Position at, std::string_view key, std::string text);
  void warning(Position at, std::string_view key, std::string text);

  // In the order of the file.
  std::vector<Problem> take_errors();
  std::vector<Problem> take_warnings();

 private:
  static void add(std::vector<Problem>& problems, Problem problem);

  std::string file_;
  std::vector<Problem> errors_;
  std::vector<Problem> warnings_;
};

// text in double quotes, fit for a terminal and for one line: control characters and non-ASCII bytes escaped,
// what is very long cut.
std::string in_quotes(std::string_view text);

// A key as it was written: bare where TOML lets it stand bare, else quoted.
std::string printable(std::string_view key);

// The word among known that the operator probably meant: one that begins with "written_", else the one fewest
// typing mistakes away, if they are few for its length. Empty when there is none.
std::string_view closest(std::string_view written, std::span<const std::string_view> known);

// "a, b and c"
std::string enumerate(std::span<const std::string_view> words);

}  // namespace tern::app
