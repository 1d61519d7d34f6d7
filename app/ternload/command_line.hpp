// SPDX-License-Identifier: BSD-3-Clause
// ternload's command line: ternload [EAL options --] MODE TARGET --address A.B.C.D/LEN --device NAME[,ARGS]
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ternload/options.hpp"

namespace tern::load {

struct CommandLine {
  Options options;
  std::string text;   // not empty: to be printed, and nothing else to be done
  std::string error;  // not empty: what is wrong and how to mend it
};

// arguments are main's argv. Reads nothing else and prints nothing.
CommandLine parse_command_line(std::span<const char* const> arguments);

// "http://192.0.2.2:80/path", "tcp://192.0.2.2:7"; port and path may be left out of the former.
std::optional<Target> parse_target(std::string_view text);
// "net_tap0,iface=load0"
std::optional<PortChoice> parse_device(std::string_view text);
// "10", "2.5s", "200ms", "1m": a number without a unit is seconds.
std::optional<net::Duration> parse_duration(std::string_view text);
// "/index.html=3": a path, and its weight, 1 where it is left out
std::optional<WeightedPath> parse_weighted_path(std::string_view text);
// "1024-65535"
std::optional<std::pair<uint16_t, uint16_t>> parse_port_range(std::string_view text);

}  // namespace tern::load
