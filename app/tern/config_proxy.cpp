// SPDX-License-Identifier: BSD-3-Clause
// [[service]] of kind "proxy": which pool, whom it takes, and how long anybody waits.
#include <array>

#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

using std::chrono::milliseconds;

constexpr auto kProxyKeys = std::to_array<std::string_view>({"pool",
                                                             "connect_timeout_ms",
                                                             "retries",
                                                             "queue_timeout_ms",
                                                             "queue_length",
                                                             "client_timeout_ms",
                                                             "server_timeout_ms",
                                                             "client_fin_timeout_ms",
                                                             "server_fin_timeout_ms",
                                                             "spare_connections",
                                                             "spare_age_ms",
                                                             "accept_proxy_from",
                                                             "allow",
                                                             "deny",
                                                             "max_per_source",
                                                             "max_per_prefix",
                                                             "prefix_length",
                                                             "rate_per_source",
                                                             "rate_burst",
                                                             "tracked_sources",
                                                             "refuse"});

std::vector<net::Ipv4Interface> read_prefixes(const TableReader& reader, std::string_view name) {
  std::vector<net::Ipv4Interface> prefixes;
  for (const auto& text : reader.texts(name)) {
    const auto prefix = net::parse_ipv4_interface(text.value);
    if (prefix) {
      prefixes.push_back(*prefix);
    } else {
      reader.refuse(name, text.at, in_quotes(text.value),
                    net::parse_ipv4(text.value)
                        ? "write " + in_quotes(text.value + "/32") + " for one address"
                        : std::string{});
    }
  }
  return prefixes;
}

void read_pool_name(const TableReader& reader, const Pools& pools, ProxyConfig& proxy, ProblemLog& log) {
  const auto name = reader.text("pool");
  if (!name) {
    if (!reader.has("pool")) {
      log.error(reader.where("pool"), "service.pool",
                "missing below [[service]] of kind \"proxy\"; allowed is the name of a [[pool]]");
    }
    return;
  }
  std::vector<std::string_view> known;
  for (size_t i = 0; i < pools.names.size(); ++i) {
    known.emplace_back(pools.names[i].value);
    if (pools.names[i].value != name->value) continue;
    proxy.pool = i;
    return;
  }
  reader.refuse("pool", name->at, in_quotes(name->value),
                known.empty()
                    ? "there is none yet: write [[pool]] with its name, and [[backend]] for each backend"
                    : "there are " + enumerate(known));
}

void read_limits(const TableReader& reader, ProxyConfig& proxy) {
  lb::LimitsConfig& limits = proxy.limits;
  for (const auto& prefix : read_prefixes(reader, "allow")) limits.access.allow(prefix);
  for (const auto& prefix : read_prefixes(reader, "deny")) limits.access.deny(prefix);
  reader.read_integer("max_per_source", limits.per_source);
  reader.read_integer("max_per_prefix", limits.per_prefix);
  reader.read_integer("prefix_length", limits.prefix_length);
  reader.read_integer("rate_per_source", limits.rate);
  reader.read_integer("rate_burst", limits.burst);
  reader.read_integer("tracked_sources", limits.sources);
  if (const auto refuse = reader.text("refuse")) {
    proxy.refuse_silently = refuse->value == "silent";
    if (!proxy.refuse_silently && refuse->value != "reset")
      reader.refuse("refuse", refuse->at, in_quotes(refuse->value));
  }
}

}  // namespace

void read_proxy_keys(const TableReader& reader, const Pools& pools, ServiceConfig& service, ProblemLog& log) {
  if (service.kind != ServiceKind::kProxy) {
    for (const std::string_view name : kProxyKeys) {
      if (!reader.has(name)) continue;
      log.error(reader.where(name), reader.path(name),
                "found below a service of kind " + in_quotes(to_string(service.kind)) +
                    "; allowed is it with kind = \"proxy\" only");
    }
    return;
  }
  ProxyConfig& proxy = service.proxy;
  read_pool_name(reader, pools, proxy, log);
  reader.read_duration<milliseconds>("connect_timeout_ms", proxy.connect_timeout);
  reader.read_integer("retries", proxy.retries);
  reader.read_duration<milliseconds>("queue_timeout_ms", proxy.queue_timeout);
  reader.read_integer("queue_length", proxy.queue_length);
  reader.read_duration<milliseconds>("client_timeout_ms", proxy.idle_timeouts[0]);
  reader.read_duration<milliseconds>("server_timeout_ms", proxy.idle_timeouts[1]);
  reader.read_duration<milliseconds>("client_fin_timeout_ms", proxy.fin_timeouts[0]);
  reader.read_duration<milliseconds>("server_fin_timeout_ms", proxy.fin_timeouts[1]);
  reader.read_integer("spare_connections", proxy.spares);
  reader.read_duration<milliseconds>("spare_age_ms", proxy.spare_age);
  for (const auto& prefix : read_prefixes(reader, "accept_proxy_from")) {
    proxy.trusted.allow(prefix);
    proxy.accept_proxy = true;
  }
  read_limits(reader, proxy);
}

}  // namespace tern::app
