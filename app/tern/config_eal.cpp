// SPDX-License-Identifier: BSD-3-Clause
// EAL arguments that would contradict what tern works out from the rest of its configuration.
#include "tern/config_eal.hpp"

#include <array>

namespace tern::app {
namespace {

constexpr std::string_view kCores = "is set by tern; name the CPUs in [dataplane] workers";
constexpr std::string_view kDevices =
    "is set by tern; a [[port]] whose device is a PCI address is allowed by that alone";

struct ShortOption {
  char letter;
  std::string_view reason;
};
constexpr std::array kShort = std::to_array<ShortOption>({
    {'c', kCores},
    {'l', kCores},
    {'a', kDevices},
    {'w', kDevices},
});

// EAL parses with getopt_long, which takes any unambiguous beginning of a name; shortest is how short it can
// get.
struct LongOption {
  std::string_view name;
  size_t shortest;
  std::string_view reason;
};
constexpr std::array kLong = std::to_array<LongOption>({
    {"lcores", 2, kCores},
    {"main-lcore", 3, kCores},
    {"allow", 1, kDevices},
});

std::string_view reason_for_long(std::string_view name) {
  for (const LongOption& option : kLong) {
    if (name.size() >= option.shortest && option.name.starts_with(name)) return option.reason;
  }
  return {};
}

}  // namespace

std::string refused_eal_argument(std::string_view argument) {
  if (argument.empty()) return "is empty; leave it out";
  if (argument == "--") return "ends EAL's arguments, which tern does by itself; leave it out";
  if (!argument.starts_with('-')) return {};
  if (argument.find(" -") != argument.npos)
    return "holds several arguments; write each as a string of its own";
  if (argument.starts_with("--")) {
    return std::string(reason_for_long(argument.substr(2, argument.find('=') - 2)));
  }
  for (const ShortOption& option : kShort) {
    if (argument.size() > 1 && argument[1] == option.letter) return std::string(option.reason);
  }
  return {};
}

}  // namespace tern::app
