// SPDX-License-Identifier: BSD-3-Clause
// How problems of a configuration file are worded.
#include "tern/config_problem.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <utility>

namespace tern::app {
namespace {

constexpr size_t kLongestQuote = 64;

// Typing mistakes between two words: characters left out, added, changed, or swapped with their neighbour
// (the optimal string alignment distance).
size_t typing_mistakes(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  std::iota(previous.begin(), previous.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({changed, previous[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

std::string place_of(const Problem& problem) {
  return problem.file + ':' + std::to_string(problem.at.line) + ':' + std::to_string(problem.at.column) +
         ": ";
}

std::vector<Problem> in_order(std::vector<Problem> problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return a.at < b.at; });
  return problems;
}

}  // namespace

std::string to_string(const Problem& problem) {
  return place_of(problem) + problem.key + ": " + problem.text;
}

std::string to_warning(const Problem& problem) {
  return place_of(problem) + "warning: " + problem.key + ": " + problem.text;
}

void ProblemLog::error(Position at, std::string_view key, std::string text) {
  add(errors_, {file_, at, std::string(key), std::move(text)});
}

void ProblemLog::warning(Position at, std::string_view key, std::string text) {
  add(warnings_, {file_, at, std::string(key), std::move(text)});
}

void ProblemLog::add(std::vector<Problem>& problems, Problem problem) {
  if (std::ranges::find(problems, problem) == problems.end()) problems.push_back(std::move(problem));
}

std::vector<Problem> ProblemLog::take_errors() { return in_order(std::exchange(errors_, {})); }
std::vector<Problem> ProblemLog::take_warnings() { return in_order(std::exchange(warnings_, {})); }

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text.substr(0, kLongestQuote)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (result += '\\') += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(byte));
      result += escape.data();
    }
  }
  return result + (text.size() > kLongestQuote ? "...\"" : "\"");
}

std::string printable(std::string_view key) {
  constexpr std::string_view kBare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  const bool bare = !key.empty() && key.size() <= kLongestQuote && key.find_first_not_of(kBare) == key.npos;
  return bare ? std::string(key) : in_quotes(key);
}

std::string_view closest(std::string_view written, std::span<const std::string_view> known) {
  std::string_view best;
  size_t fewest = std::max<size_t>(1, written.size() / 3) + 1;
  for (const std::string_view word : known) {
    // Forgetting the unit, "msl" for "msl_s", is the likeliest mistake of all.
    if (!written.empty() && word.starts_with(written) && word.substr(written.size()).starts_with('_')) {
      return word;
    }
    const size_t mistakes = typing_mistakes(written, word);
    if (mistakes < fewest) {
      fewest = mistakes;
      best = word;
    }
  }
  return best;
}

std::string enumerate(std::span<const std::string_view> words) {
  std::string result;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) result += i + 1 == words.size() ? " and " : ", ";
    result += words[i];
  }
  return result;
}

}  // namespace tern::app
