// SPDX-License-Identifier: BSD-3-Clause
// [[service]]: what answers on which addresses, and with which TCP settings.
#include <algorithm>
#include <array>
#include <charconv>

#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

constexpr std::array kKinds{ServiceKind::kEcho, ServiceKind::kDiscard, ServiceKind::kChargen,
                            ServiceKind::kHttp, ServiceKind::kProxy};
constexpr uint16_t kHeaders = 40;  // IPv4 and TCP without options, RFC 9293 section 3.7.1

std::string addresses_of(const PortTable& ports) {
  std::vector<std::string> texts;
  for (const auto& [address, port] : ports.of) texts.push_back(net::to_string(address));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return enumerate(views);
}

void read_kind(const TableReader& reader, ServiceConfig& service) {
  const auto kind = reader.text("kind");
  if (!kind) return;
  for (const ServiceKind candidate : kKinds) {
    if (kind->value != to_string(candidate)) continue;
    service.kind = candidate;
    return;
  }
  reader.refuse("kind", kind->at, in_quotes(kind->value));
}

void read_listen(const TableReader& reader, const PortTable& ports, Services& services,
                 ServiceConfig& service, ProblemLog& log) {
  if (reader.has_array("listen") && reader.length("listen") == 0) {
    reader.refuse("listen", reader.where("listen"), "an empty array");
  }
  for (const auto& text : reader.texts("listen")) {
    const auto listen = parse_listen(text.value);
    const std::string found = "found " + in_quotes(text.value);
    if (!listen) {
      reader.refuse("listen", text.at, in_quotes(text.value),
                    net::parse_ipv4(text.value)
                        ? "add a port from 1 to 65535, such as " + in_quotes(text.value + ":80")
                        : "the address is one of a port, the port from 1 to 65535");
    } else if (!ports.of.contains(listen->address) && ports.complete) {
      log.error(text.at, "service.listen",
                found + ", whose address no port has; allowed are " + addresses_of(ports));
    } else if (const auto [other, fresh] = services.listeners.try_emplace(*listen, text.at); !fresh) {
      log.error(text.at, "service.listen",
                found + ", which line " + std::to_string(other->second.line) +
                    " listens on already; allowed is each address and port once");
    } else {
      service.listen.push_back(*listen);
    }
  }
}

// The largest segment that fits the ports that the service uses decides mss where the operator did not: those
// it listens on, and for a proxy all, since its backends may be behind any.
void settle_mss(const TableReader& reader, const TcpSettings& settings, const PortTable& ports,
                ServiceConfig& service, ProblemLog& log) {
  const PortConfig* narrowest = nullptr;
  const auto consider = [&](const PortConfig& candidate) {
    if (narrowest == nullptr || candidate.mtu < narrowest->mtu) narrowest = &candidate;
  };
  for (const ListenAddress& listen : service.listen) {
    if (const auto port = ports.of.find(listen.address); port != ports.of.end())
      consider(ports.ports[port->second]);
  }
  if (service.kind == ServiceKind::kProxy && narrowest != nullptr)
    std::ranges::for_each(ports.ports, consider);
  if (narrowest == nullptr) return;
  const auto fits = static_cast<uint16_t>(narrowest->mtu - kHeaders);
  service.tcp.mss = settings.values.mss == 0 ? fits : settings.values.mss;
  if (service.tcp.mss <= fits) return;
  const auto written = settings.written.find("mss");
  const Written where =
      written != settings.written.end() ? written->second : Written{reader.where("mss"), reader.path("mss")};
  log.error(where.at, where.path,
            "found " + std::to_string(service.tcp.mss) + ", but service " + in_quotes(service.name) +
                (service.kind == ServiceKind::kProxy ? " uses the port " : " listens on the port ") +
                in_quotes(narrowest->device) + " whose mtu of " + std::to_string(narrowest->mtu) +
                " leaves " + std::to_string(fits) + "; allowed is at most " + std::to_string(fits) +
                ", or 0 (from the port's mtu)");
}

constexpr size_t kLongestName = 32;

}  // namespace

std::optional<ListenAddress> parse_listen(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto address = net::parse_ipv4(text.substr(0, colon));
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size() && digits.front() != '0';
  if (!address || !whole) return std::nullopt;
  return ListenAddress{*address, port};
}

void read_name(const TableReader& reader, std::string_view of, const std::vector<Placed<std::string>>& taken,
               std::string& name, ProblemLog& log) {
  const auto text = reader.text("name");
  if (!text) return;
  name = text->value;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  const bool good =
      !name.empty() && name.size() <= kLongestName && name.find_first_not_of(kAllowed) == std::string::npos;
  if (!good) return reader.refuse("name", text->at, in_quotes(name));
  for (const auto& other : taken) {
    if (other.value != name) continue;
    log.error(text->at, reader.path("name"),
              "found " + in_quotes(name) + ", which the " + std::string(of) + " of line " +
                  std::to_string(other.at.line) + " has already; allowed is a name of its own");
  }
}

void read_service(const toml::table& table, const TcpSettings& defaults, const PortTable& ports,
                  const Pools& pools, Services& services, ProblemLog& log) {
  const TableReader reader(table, {"service", "tcp"}, log);
  reader.check_keys();
  ServiceConfig service;
  read_name(reader, "service", services.names, service.name, log);
  services.names.push_back({service.name, position_of(table)});
  read_kind(reader, service);
  read_listen(reader, ports, services, service, log);
  read_proxy_keys(reader, pools, service, log);
  read_http_keys(reader, service, log);
  TcpSettings settings = defaults;
  read_tcp_keys(reader, settings, log);
  service.tcp = settings.config();
  settle_mss(reader, settings, ports, service, log);
  if (service.kind == ServiceKind::kProxy && !pools.tables.empty())
    service.proxy.tcp = read_pool_tcp(*pools.tables[service.proxy.pool], settings, ports, log);
  services.services.push_back(std::move(service));
}

}  // namespace tern::app
