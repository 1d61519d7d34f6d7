// SPDX-License-Identifier: BSD-3-Clause
// A small configuration that is right, and the machine that it is right for, for tests to vary.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tern/config.hpp"

namespace tern::app {

inline Machine eight_cpus() { return {{0, 1, 2, 3, 4, 5, 6, 7}}; }

// Line 2 is workers, 4 and 5 are the port's keys, 7 to 9 those of the service; what is added begins at
// line 10.
inline constexpr std::string_view kMinimal =
    "[dataplane]\n"
    "workers = [1]\n"
    "[[port]]\n"
    "device = \"net_tap0\"\n"
    "addresses = [\"192.0.2.2/24\"]\n"
    "[[service]]\n"
    "name = \"web\"\n"
    "kind = \"http\"\n"
    "listen = [\"192.0.2.2:80\"]\n";

// kMinimal with the line that holds old (which must be there) replaced, and more behind it.
inline std::string minimal(std::string_view old = {}, std::string_view line = {},
                           std::string_view more = {}) {
  std::string text(kMinimal);
  if (!old.empty()) {
    const size_t at = text.find(old);
    const size_t begin = text.rfind('\n', at) + 1;
    text.replace(begin, text.find('\n', at) - begin, line);
  }
  return text.append(more);
}

// A configuration that is right with one pool, one backend and a proxy, each with more keys behind its own,
// which end at lines 7, 11 and 16.
inline std::string balanced(std::string_view pool_keys = {}, std::string_view backend_keys = {},
                            std::string_view service_keys = {}) {
  std::string text(kMinimal.substr(0, kMinimal.find("[[service]]")));
  text.append("[[pool]]\nname = \"web\"\n").append(pool_keys);
  text.append("[[backend]]\npool = \"web\"\nname = \"a\"\naddress = \"192.0.2.11:80\"\n")
      .append(backend_keys);
  text.append(
      "[[service]]\nname = \"front\"\nkind = \"proxy\"\nlisten = [\"192.0.2.2:80\"]\npool = \"web\"\n");
  return text.append(service_keys);
}

inline LoadedConfig parse(std::string_view text) { return parse_config(text, "t.toml", eight_cpus()); }

inline std::string lines(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

inline std::string errors(std::string_view text) { return lines(parse(text).errors); }

}  // namespace tern::app
