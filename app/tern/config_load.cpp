// SPDX-License-Identifier: BSD-3-Clause
// From a file to a validated configuration: reads, parses, walks the tables and collects all that is wrong.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "tern/config.hpp"
#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

// A configuration of any sense is a few kilobytes; more is a wrong path, such as that of a device.
constexpr size_t kLargestFile = 1 << 20;
constexpr size_t kMostPorts = 32;  // RTE_MAX_ETHPORTS

constexpr Position kTop{1, 1};

LoadedConfig failed(const std::string& file, Position at, std::string key, std::string text) {
  LoadedConfig result;
  result.errors.push_back({file, at, std::move(key), std::move(text)});
  return result;
}

// The whole file; on failure nothing, and reason says why.
std::optional<std::string> read_file(const std::string& path, std::string& reason) {
  std::string text(kLargestFile + 1, '\0');
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  text.resize(file == nullptr ? 0 : std::fread(text.data(), 1, text.size(), file.get()));
  if (file == nullptr || std::ferror(file.get()) != 0) {
    reason = std::string("cannot be read: ") + std::strerror(errno);
    return std::nullopt;
  }
  if (text.size() <= kLargestFile) return text;
  reason = "is larger than 1 MiB";
  return std::nullopt;
}

// The table that is written once as [name]; nullptr when it is absent or, reported, something else.
const toml::table* single_table(const toml::table& root, std::string_view name, ProblemLog& log) {
  const auto* const node = root.get(name);
  if (node == nullptr || node->is_table()) return node == nullptr ? nullptr : node->as_table();
  log.error(position_of(*node), name,
            "found " + describe(*node) + "; allowed is one table, write " + header(name) + " once");
  return nullptr;
}

// The tables that are written as [[name]] any number of times.
std::vector<const toml::table*> repeated_tables(const toml::table& root, std::string_view name,
                                                ProblemLog& log) {
  std::vector<const toml::table*> tables;
  const auto* const node = root.get(name);
  if (node == nullptr) return tables;
  const std::string remedy = "; allowed is an array of tables, write " + header(name) + " above each";
  if (!node->is_array()) {
    log.error(position_of(*node), name, "found " + describe(*node) + remedy);
    return tables;
  }
  for (const auto& item : *node->as_array()) {
    if (item.is_table()) {
      tables.push_back(item.as_table());
    } else {
      log.error(position_of(item), name, "found " + describe(item) + " in the array" + remedy);
    }
  }
  return tables;
}

void check_table_names(const toml::table& root, ProblemLog& log) {
  std::vector<std::string_view> names;
  for (const KnownTable& table : known_tables()) names.push_back(table.name);
  for (const auto& [key, value] : root) {
    if (std::find(names.begin(), names.end(), key.str()) != names.end()) continue;
    const bool is_table = value.is_table() || value.is_array_of_tables();
    const auto& begin = key.source().begin;
    log.error({begin.line, begin.column}, printable(key.str()),
              unknown_key_text(key.str(), {}, names, is_table));
  }
}

PortTable read_ports(const toml::table& root, ProblemLog& log) {
  PortTable ports;
  const auto tables = repeated_tables(root, "port", log);
  ports.complete = !tables.empty();
  const bool none = !root.contains("port") || (root["port"].is_array() && root["port"].as_array()->empty());
  if (none) {
    log.error(root.contains("port") ? position_of(*root.get("port")) : kTop, "port",
              "missing; at least one port is needed, write [[port]] with its device and addresses below");
  }
  for (const auto* table : tables) read_port(*table, ports, log);
  if (tables.size() > kMostPorts) {
    log.error(position_of(*tables[kMostPorts]), "port",
              "found " + std::to_string(tables.size()) + " ports; allowed are 32");
  }
  return ports;
}

// --no-pci and a port that is a PCI device exclude each other.
void check_pci(const std::vector<Placed<std::string>>& eal_args, const PortTable& ports, ProblemLog& log) {
  for (size_t i = 0; i < ports.ports.size(); ++i) {
    if (!ports.ports[i].is_pci()) continue;
    for (const auto& argument : eal_args) {
      if (argument.value != "--no-pci") continue;
      log.error(argument.at, "eal.args",
                "found \"--no-pci\" though the port of line " + std::to_string(ports.where[i].line) +
                    " is the PCI device " + ports.ports[i].device +
                    "; leave it out, tern probes no other PCI device than those that ports name");
    }
    return;
  }
}

Pools read_pools(const toml::table& root, const TcpSettings& defaults, const PortTable& ports,
                 ProblemLog& log) {
  Pools pools;
  for (const auto* table : repeated_tables(root, "pool", log)) read_pool(*table, defaults, ports, pools, log);
  for (const auto* table : repeated_tables(root, "backend", log)) read_backend(*table, ports, pools, log);
  check_pools(pools, log);
  return pools;
}

std::vector<ServiceConfig> read_services(const toml::table& root, const TcpSettings& defaults,
                                         const PortTable& ports, const Pools& pools, ProblemLog& log) {
  Services services;
  for (const auto* table : repeated_tables(root, "service", log)) {
    read_service(*table, defaults, ports, pools, services, log);
  }
  if (!root.contains("service")) {
    log.warning(kTop, "service", "none; tern will answer ARP and ping only, write [[service]] for more");
  }
  return std::move(services.services);
}

void read_tables(const toml::table& root, const Machine& machine, Config& config, ProblemLog& log) {
  check_table_names(root, log);
  const auto* const eal = single_table(root, "eal", log);
  const auto eal_args = eal != nullptr ? read_eal(*eal, log) : std::vector<Placed<std::string>>{};
  for (const auto& argument : eal_args) config.eal_args.push_back(argument.value);
  const auto* const dataplane = single_table(root, "dataplane", log);
  if (dataplane != nullptr) config.dataplane = read_dataplane(*dataplane, machine, log);
  if (!root.contains("dataplane")) {
    log.error(kTop, "dataplane.workers",
              "missing; write [dataplane] and below it workers = [...], the CPUs that tern may keep busy; "
              "this machine has " +
                  format_cpu_list(machine.cpus));
  }
  PortTable ports = read_ports(root, log);
  check_pci(eal_args, ports, log);
  const auto* const tcp = single_table(root, "tcp", log);
  const TcpSettings defaults = read_tcp(tcp, log);
  Pools pools = read_pools(root, defaults, ports, log);
  config.services = read_services(root, defaults, ports, pools, log);
  config.pools = std::move(pools.pools);
  config.ports = std::move(ports.ports);
}

}  // namespace

LoadedConfig parse_config(std::string_view text, const std::string& file, const Machine& machine) {
  toml::table root;
  try {
    root = toml::parse(text, std::string_view(file));
  } catch (const toml::parse_error& error) {
    const auto& begin = error.source().begin;
    return failed(file, {std::max(begin.line, 1u), std::max(begin.column, 1u)}, "TOML syntax",
                  std::string(error.description()) + "; correct this first, the rest is not read yet");
  }
  ProblemLog log(file);
  LoadedConfig result;
  Config config;
  read_tables(root, machine, config, log);
  result.errors = log.take_errors();
  result.warnings = log.take_warnings();
  if (result.errors.empty()) result.config = std::move(config);
  return result;
}

LoadedConfig load_config(const std::string& path, const Machine& machine) {
  std::string reason;
  const auto text = read_file(path, reason);
  if (text) return parse_config(*text, path, machine);
  return failed(path, kTop, "--config", reason + "; give the path of a TOML file that this user may read");
}

}  // namespace tern::app
