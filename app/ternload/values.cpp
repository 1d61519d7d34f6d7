// SPDX-License-Identifier: BSD-3-Clause
// The values of ternload's command line, from text.
#include <charconv>
#include <cmath>
#include <utility>

#include "ternload/command_line.hpp"

namespace tern::load {

namespace {

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kTcp = "tcp://";
  Target target;
  if (text.starts_with(kTcp)) {
    target.protocol = Protocol::kRaw;
    text.remove_prefix(kTcp.size());
  } else if (text.starts_with(kHttp)) {
    text.remove_prefix(kHttp.size());
    const size_t slash = text.find('/');
    if (slash != text.npos) {
      target.path = text.substr(slash);
      if (target.path.find_first_of(" \r\n#") != std::string::npos) return std::nullopt;
      text = text.substr(0, slash);
    }
  } else {
    return std::nullopt;
  }
  const size_t colon = text.find(':');
  if (colon == text.npos && target.protocol == Protocol::kRaw) return std::nullopt;
  const auto address = net::parse_ipv4(text.substr(0, colon));
  const auto port =
      colon == text.npos ? std::optional(target.port) : number<uint16_t>(text.substr(colon + 1));
  if (!address || !port || *port == 0) return std::nullopt;
  target.address = *address;
  target.port = *port;
  return target;
}

std::optional<PortChoice> parse_device(std::string_view text) {
  const size_t comma = text.find(',');
  PortChoice port;
  port.device = text.substr(0, comma);
  if (comma != text.npos) port.arguments = text.substr(comma + 1);
  if (port.device.empty()) return std::nullopt;
  return port;
}

std::optional<WeightedPath> parse_weighted_path(std::string_view text) {
  constexpr uint32_t kHeaviest = 1000;
  const size_t equals = text.rfind('=');
  WeightedPath path{std::string(text.substr(0, equals)), 1};
  if (equals != text.npos) {
    const auto weight = number<uint32_t>(text.substr(equals + 1));
    if (!weight || *weight == 0 || *weight > kHeaviest) return std::nullopt;
    path.weight = *weight;
  }
  const bool fit = path.path.starts_with('/') && path.path.find_first_of(" \r\n#") == std::string::npos;
  return fit ? std::optional(path) : std::nullopt;
}

std::optional<net::Duration> parse_duration(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  constexpr double kLongest = 1000 * 3600e9;
  double unit = 1e9;
  for (const auto& [name, ns] : kUnits) {
    if (!text.ends_with(name)) continue;
    unit = ns;
    text.remove_suffix(name.size());
    break;
  }
  const auto value = number<double>(text);
  if (!value || !(*value >= 0) || *value * unit > kLongest) return std::nullopt;
  return net::Duration(std::llround(*value * unit));
}

std::optional<std::pair<uint16_t, uint16_t>> parse_port_range(std::string_view text) {
  const size_t dash = text.find('-');
  const auto first = number<uint16_t>(text.substr(0, dash));
  const auto last = dash == text.npos ? first : number<uint16_t>(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *last < *first) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace tern::load
