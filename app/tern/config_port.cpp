// SPDX-License-Identifier: BSD-3-Clause
// [[port]]: devices and their addresses.
#include <algorithm>
#include <cctype>

#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

constexpr std::string_view kLowercase = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// "01:00.0": bus, device (five bits) and function (three bits), as lspci prints them.
bool is_short_pci_address(std::string_view text) {
  return text.size() == 7 && text[2] == ':' && text[5] == '.' && all_hex(text.substr(0, 2)) &&
         all_hex(text.substr(3, 2)) && (text[3] == '0' || text[3] == '1') && '0' <= text[6] && text[6] <= '7';
}

bool is_pci_address(std::string_view text) {
  return text.size() == 12 && text[4] == ':' && all_hex(text.substr(0, 4)) &&
         is_short_pci_address(text.substr(5));
}

// DPDK's virtual network devices: "net_", the driver, a number that tells several apart.
bool is_virtual_device(std::string_view text) {
  if (!text.starts_with("net_")) return false;
  const size_t last_letter = text.find_last_not_of(kDigits);
  if (last_letter + 1 == text.size() || last_letter < 4) return false;
  const std::string_view driver = text.substr(4, last_letter - 3);
  return kLowercase.find(driver.front()) != kLowercase.npos && driver.back() != '_' &&
         std::all_of(driver.begin(), driver.end(), [](char c) {
           return c == '_' || kLowercase.find(c) != kLowercase.npos || kDigits.find(c) != kDigits.npos;
         });
}

std::string device_remedy(std::string_view device) {
  if (is_short_pci_address(device)) return "write 0000:" + std::string(device);
  if (const size_t comma = device.find(',');
      comma != device.npos && is_virtual_device(device.substr(0, comma))) {
    return "write what follows the comma as args = " + in_quotes(device.substr(comma + 1));
  }
  const std::string numbered = std::string(device) + '0';
  return is_virtual_device(numbered) ? "add a number: " + numbered : std::string{};
}

// Why address cannot be a host's own; empty if it can (RFC 1122 section 3.2.1.3).
std::string why_not_a_host(const net::Ipv4Interface& interface) {
  const net::Ipv4Address address = interface.address;
  if ((address.value >> 24) == 0) return "is in 0.0.0.0/8, which no host may have";
  if (address.is_loopback()) return "is a loopback address";
  if (address.is_multicast()) return "is a multicast address";
  if ((address.value >> 28) == 0xf) return "is in 240.0.0.0/4, which no host may have";
  if (interface.prefix_length >= 31) return {};  // RFC 3021: both addresses of a /31 are hosts
  if (address == interface.directed_broadcast()) return "is the broadcast address of its network";
  const bool is_network = (address.value & ~interface.mask()) == 0;
  return is_network ? "is the address of the network itself" : std::string{};
}

// Reports and returns false where text is not an address that a port may have.
bool check_address(const TableReader& reader, const Placed<std::string>& text,
                   const std::optional<net::Ipv4Interface>& interface, const PortTable& ports,
                   ProblemLog& log) {
  if (!interface || interface->prefix_length == 0) {
    const bool bare = net::parse_ipv4(text.value).has_value();
    reader.refuse("addresses", text.at, in_quotes(text.value),
                  bare ? "add the length of its network's prefix, such as " + in_quotes(text.value + "/24")
                       : "len is from 1 to 32");
    return false;
  }
  const std::string found = "found " + in_quotes(text.value);
  if (const std::string reason = why_not_a_host(*interface); !reason.empty()) {
    log.error(text.at, "port.addresses",
              found + ", which " + reason + "; allowed is a unicast address of a host");
    return false;
  }
  if (const auto other = ports.of.find(interface->address); other != ports.of.end()) {
    log.error(text.at, "port.addresses",
              found + ", which the port of line " + std::to_string(ports.where[other->second].line) +
                  " has already; allowed is each address once");
    return false;
  }
  return true;
}

void read_addresses(const TableReader& reader, PortConfig& port, PortTable& ports, ProblemLog& log) {
  const auto texts = reader.texts("addresses");
  if (reader.has_array("addresses") && reader.length("addresses") == 0) {
    reader.refuse("addresses", reader.where("addresses"), "an empty array");
  }
  for (const auto& text : texts) {
    const auto interface = net::parse_ipv4_interface(text.value);
    if (!check_address(reader, text, interface, ports, log)) continue;
    port.addresses.push_back(*interface);
    ports.of.emplace(interface->address, ports.ports.size());
  }
  if (port.addresses.empty() || port.addresses.size() != reader.length("addresses")) ports.complete = false;
}

void read_device(const TableReader& reader, PortConfig& port, const PortTable& ports, ProblemLog& log) {
  const auto device = reader.text("device");
  if (!device) return;
  port.device = device->value;
  if (is_pci_address(device->value)) {
    for (char& c : port.device) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  } else if (!is_virtual_device(device->value)) {
    reader.refuse("device", device->at, in_quotes(device->value), device_remedy(device->value));
    return;
  }
  for (size_t i = 0; i < ports.ports.size(); ++i) {
    if (ports.ports[i].device != port.device) continue;
    log.error(device->at, "port.device",
              "found " + in_quotes(device->value) + ", which is the port of line " +
                  std::to_string(ports.where[i].line) + " already; allowed is each device once");
  }
}

// What the last argument of this name says; empty where there is none.
std::string_view argument(std::string_view args, std::string_view name) {
  std::string_view value;
  for (size_t begin = 0; begin < args.size();) {
    const std::string_view one = args.substr(begin, args.find(',', begin) - begin);
    begin += one.size() + 1;
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      value = one.substr(name.size() + 1);
  }
  return value;
}

// As a client, which it is unless told otherwise, net_memif can show its server buffers where they lie. In
// DPDK 22.11 it reckons each as part of the first region of memory, whichever it lies in, and a frame of
// several buffers that finds the ring full keeps the references that it got.
bool loses_frames(std::string_view device, std::string_view args) {
  const std::string_view role = argument(args, "role");
  return device.starts_with("net_memif") && argument(args, "zero-copy") == "yes" && role != "server" &&
         role != "master";
}

void read_args(const TableReader& reader, PortConfig& port, ProblemLog& log) {
  const auto args = reader.text("args");
  if (!args) return;
  port.args = args->value;
  if (!loses_frames(port.device, port.args)) return;
  log.error(args->at, "port.args",
            "found " + in_quotes(args->value) +
                ", by which DPDK's driver loses frames of several buffers; leave zero-copy=yes out");
}

}  // namespace

void read_port(const toml::table& table, PortTable& ports, ProblemLog& log) {
  const TableReader reader(table, {"port"}, log);
  reader.check_keys();
  PortConfig port;
  read_device(reader, port, ports, log);
  read_args(reader, port, log);
  ports.where.push_back(position_of(table));
  read_addresses(reader, port, ports, log);
  reader.read_integer("mtu", port.mtu);
  reader.read_boolean("offload", port.offload);
  ports.ports.push_back(std::move(port));
}

}  // namespace tern::app
