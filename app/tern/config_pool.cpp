// SPDX-License-Identifier: BSD-3-Clause
// [[pool]] and [[backend]]: whom proxies pass their clients to.
#include <algorithm>
#include <array>

#include "lb/maglev.hpp"
#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kAlgorithms{lb::Algorithm::kRoundRobin, lb::Algorithm::kLeastConnections,
                                 lb::Algorithm::kRandomTwo, lb::Algorithm::kSourceHash,
                                 lb::Algorithm::kMaglev};
constexpr size_t kMostBackends = 1000;  // of a pool

// One of the words of a key, as the number of its place; nothing when it is absent or, reported, another.
template <size_t N>
std::optional<size_t> read_word(const TableReader& reader, std::string_view name,
                                const std::array<std::string_view, N>& words) {
  const auto text = reader.text(name);
  if (!text) return std::nullopt;
  const auto* const found = std::ranges::find(words, text->value);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  reader.refuse(name, text->at, in_quotes(text->value));
  return std::nullopt;
}

void read_algorithm(const TableReader& reader, lb::PoolConfig& pool, ProblemLog& log) {
  std::array<std::string_view, kAlgorithms.size()> names;
  std::ranges::transform(kAlgorithms, names.begin(), [](lb::Algorithm a) { return lb::to_string(a); });
  if (const auto word = read_word(reader, "algorithm", names)) pool.algorithm = kAlgorithms[*word];
  reader.read_integer("maglev_size", pool.maglev_size);
  if (!lb::is_prime(pool.maglev_size)) {
    log.error(reader.where("maglev_size"), "pool.maglev_size",
              "found " + std::to_string(pool.maglev_size) +
                  ", which is no prime number; allowed is one such as 65537 or 655373");
  }
}

// What goes into a request's line or field: printable, and without spaces.
void read_request_word(const TableReader& reader, std::string_view name, std::string_view must_begin,
                       std::string& word) {
  const auto text = reader.text(name);
  if (!text) return;
  word = text->value;
  const bool good = word.starts_with(must_begin) && word.size() <= 255 &&
                    std::ranges::all_of(word, [](char c) { return c > ' ' && c <= '~'; });
  if (!good) reader.refuse(name, text->at, in_quotes(word));
}

void read_check(const TableReader& reader, PoolConfig& pool, ProblemLog& log) {
  constexpr std::array<std::string_view, 3> kWords{"none", "tcp", "http"};
  if (const auto word = read_word(reader, "check", kWords)) pool.check = static_cast<CheckKind>(*word);
  lb::HealthConfig& health = pool.balance.health;
  reader.read_duration<milliseconds>("check_interval_ms", health.interval);
  reader.read_duration<milliseconds>("check_timeout_ms", health.timeout);
  reader.read_integer("check_rise", health.rise);
  reader.read_integer("check_fall", health.fall);
  reader.read_integer("check_status", pool.check_status);
  reader.read_boolean("initially_up", health.initially_up);
  reader.read_integer("eject_after", health.failures);
  reader.read_duration<milliseconds>("eject_ms", health.ejection);
  reader.read_duration<milliseconds>("eject_most_ms", health.ejection_most);
  read_request_word(reader, "check_path", "/", pool.check_path);
  read_request_word(reader, "check_host", "", pool.check_host);
  if (health.timeout > health.interval) {
    log.error(reader.where("check_timeout_ms"), "pool.check_timeout_ms",
              "found " + std::to_string(health.timeout / milliseconds(1)) +
                  ", longer than check_interval_ms = " + std::to_string(health.interval / milliseconds(1)) +
                  "; allowed is no more than that: a check ends before the next begins");
  }
  if (health.ejection > health.ejection_most) {
    log.error(reader.where("eject_ms"), "pool.eject_ms",
              "found " + std::to_string(health.ejection / milliseconds(1)) +
                  ", longer than eject_most_ms = " + std::to_string(health.ejection_most / milliseconds(1)) +
                  "; allowed is no more than that");
  }
  if (pool.check == CheckKind::kNone) health.interval = net::Duration::zero();
}

void read_send_proxy(const TableReader& reader, PoolConfig& pool, ProblemLog& log) {
  constexpr std::array<std::string_view, 3> kWords{"none", "v1", "v2"};
  if (const auto word = read_word(reader, "send_proxy", kWords))
    pool.send_proxy = static_cast<lb::ProxyVersion>(*word);
  for (const auto& option : reader.texts("proxy_options")) {
    if (option.value == "crc32c") {
      pool.send_crc = true;
    } else if (option.value == "unique-id") {
      pool.send_unique_id = true;
    } else {
      reader.refuse("proxy_options", option.at, in_quotes(option.value));
    }
  }
  if (reader.length("proxy_options") != 0 && pool.send_proxy != lb::ProxyVersion::kV2) {
    log.error(
        reader.where("proxy_options"), "pool.proxy_options",
        "found options of version 2 of the PROXY protocol; write send_proxy = \"v2\", or leave them out");
  }
}

void read_sources(const TableReader& reader, const PortTable& ports, PoolConfig& pool, ProblemLog& log) {
  for (const auto& text : reader.texts("sources")) {
    const auto address = net::parse_ipv4(text.value);
    if (!address) {
      reader.refuse("sources", text.at, in_quotes(text.value));
    } else if (!ports.of.contains(*address) && ports.complete) {
      log.error(text.at, "pool.sources",
                "found " + in_quotes(text.value) + ", which no port has; allowed are addresses of ports");
    } else {
      pool.sources.push_back(*address);
    }
  }
}

// The port whose network holds the address, which tern can reach so; null when there is none.
const PortConfig* port_toward(const PortTable& ports, net::Ipv4Address address) {
  for (const PortConfig& port : ports.ports) {
    for (const net::Ipv4Interface& interface : port.addresses) {
      if (interface.contains(address) && interface.address != address) return &port;
    }
  }
  return nullptr;
}

void read_address(const TableReader& reader, const PortTable& ports, lb::BackendConfig& backend,
                  ProblemLog& log) {
  const auto text = reader.text("address");
  if (!text) return;
  const auto address = parse_listen(text->value);
  if (!address) return reader.refuse("address", text->at, in_quotes(text->value));
  backend.address = address->address;
  backend.port = address->port;
  if (!ports.complete) return;
  if (ports.of.contains(address->address)) {
    log.error(text->at, "backend.address",
              "found " + in_quotes(text->value) + ", which is tern's own address; allowed is another host's");
  } else if (port_toward(ports, address->address) == nullptr) {
    log.error(text->at, "backend.address",
              "found " + in_quotes(text->value) +
                  ", which is on no port's network; allowed is an address that a port reaches without a "
                  "router: give a port an address of that network");
  }
}

}  // namespace

// Backends may be behind any port, so the narrowest of all decides mss where the operator did not.
tcp::Config read_pool_tcp(const toml::table& pool, TcpSettings settings, const PortTable& ports,
                          ProblemLog& log) {
  const TableReader reader(pool, {"pool", "tcp"}, log);
  read_opening_keys(reader, settings, log);
  tcp::Config config = settings.config();
  uint16_t mtu = 9216;
  for (const PortConfig& port : ports.ports) mtu = std::min(mtu, port.mtu);
  const auto fits = static_cast<uint16_t>(mtu - 40);
  if (reader.has("mss") && config.mss > fits) {
    log.error(reader.where("mss"), reader.path("mss"),
              "found " + std::to_string(config.mss) + ", but the narrowest port's mtu of " +
                  std::to_string(mtu) + " leaves " + std::to_string(fits) + "; allowed is at most " +
                  std::to_string(fits) + ", or 0 (from the port's mtu)");
  }
  if (config.mss == 0) config.mss = fits;
  return config;
}

void read_pool(const toml::table& table, const TcpSettings& defaults, const PortTable& ports, Pools& pools,
               ProblemLog& log) {
  const TableReader reader(table, {"pool", "tcp"}, log);
  reader.check_keys();
  PoolConfig pool;
  read_name(reader, "pool", pools.names, pool.balance.name, log);
  read_algorithm(reader, pool.balance, log);
  reader.read_duration<seconds>("slow_start_s", pool.balance.slow_start);
  reader.read_duration<seconds>("persistence_s", pool.balance.persistence);
  reader.read_integer("persistence_entries", pool.balance.persistence_entries);
  read_check(reader, pool, log);
  read_send_proxy(reader, pool, log);
  read_sources(reader, ports, pool, log);
  pool.tcp = read_pool_tcp(table, defaults, ports, log);
  pools.names.push_back({pool.balance.name, position_of(table)});
  pools.tables.push_back(&table);
  pools.pools.push_back(std::move(pool));
}

void read_backend(const toml::table& table, const PortTable& ports, Pools& pools, ProblemLog& log) {
  const TableReader reader(table, {"backend"}, log);
  reader.check_keys();
  const auto pool_name = reader.text("pool");
  PoolConfig* pool = nullptr;
  for (size_t i = 0; pool_name && i < pools.names.size(); ++i) {
    if (pools.names[i].value == pool_name->value) pool = &pools.pools[i];
  }
  if (pool_name && pool == nullptr) reader.refuse("pool", pool_name->at, in_quotes(pool_name->value));
  std::vector<Placed<std::string>> taken;
  if (pool != nullptr) {
    for (const lb::BackendConfig& other : pool->balance.backends) taken.push_back({other.name, {}});
  }
  lb::BackendConfig backend;
  read_name(reader, "backend", {}, backend.name, log);
  if (std::ranges::any_of(taken, [&](const auto& other) { return other.value == backend.name; })) {
    log.error(reader.where("name"), "backend.name",
              "found " + in_quotes(backend.name) +
                  ", which another backend of the pool has; allowed is a name "
                  "of its own in the pool");
  }
  read_address(reader, ports, backend, log);
  reader.read_integer("weight", backend.weight);
  reader.read_integer("max_connections", backend.max_connections);
  reader.read_boolean("backup", backend.backup);
  if (pool != nullptr) pool->balance.backends.push_back(std::move(backend));
}

void check_pools(const Pools& pools, ProblemLog& log) {
  for (size_t i = 0; i < pools.pools.size(); ++i) {
    const std::vector<lb::BackendConfig>& backends = pools.pools[i].balance.backends;
    const Position at = pools.names[i].at;
    const std::string found = "pool " + in_quotes(pools.names[i].value);
    if (backends.empty()) {
      log.error(at, "pool.name",
                found + " has no backends; write [[backend]] with pool = " + in_quotes(pools.names[i].value) +
                    " for each");
    } else if (backends.size() > kMostBackends) {
      log.error(at, "pool.name",
                found + " has " + std::to_string(backends.size()) + " backends; allowed are " +
                    std::to_string(kMostBackends));
    } else if (std::ranges::all_of(backends, [](const auto& b) { return b.weight == 0; })) {
      log.error(at, "pool.name",
                found +
                    " has no backend with a weight: none would get a connection; give one a weight from 1 "
                    "to 256");
    } else if (std::ranges::all_of(backends, [](const auto& b) { return b.backup; })) {
      log.error(at, "pool.name", found + " has backups only; leave backup out for one of its backends");
    }
  }
}

}  // namespace tern::app
