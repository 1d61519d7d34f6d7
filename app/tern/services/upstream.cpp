// SPDX-License-Identifier: BSD-3-Clause
// A pool of backends as one worker uses it.
#include "tern/services/upstream.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace tern::app {

Upstream::Upstream(const PoolConfig& settings, uint64_t seed, net::Instant now)
    : config(settings),
      pool(settings.balance, seed, now),
      wanted(pool.size()),
      ways_(pool.size() * std::max<size_t>(1, config.sources.size())),
      next_id_{seed, 0} {
  for (size_t i = 0; i < ways_.size() && !config.sources.empty(); ++i)
    ways_[i].source = config.sources[i % sources()];
}

tcp::Error Upstream::connect(stack::Stack& stack, uint32_t backend, uint64_t word, stack::Opened& opened) {
  tcp::Error error = tcp::Error::kNetworkUnreachable;
  for (Way& way : std::span(ways_).subspan(backend * sources(), sources())) {
    error = stack.connect(tuple_of(way, backend), word, opened);
    if (error == tcp::Error::kNone || error == tcp::Error::kNoBuffers) break;
    if (error == tcp::Error::kAddressNotAvailable) ++way.ports_exhausted;
  }
  return error;
}

void Upstream::look_at_ports(const stack::Stack& stack) {
  for (size_t i = 0; i < ways_.size(); ++i) {
    const stack::PortsLeft left = stack.ports_left(tuple_of(ways_[i], static_cast<uint32_t>(i / sources())));
    ways_[i].ports_free.set(left.free);
    ways_[i].ports_waiting.set(left.waiting);
  }
}

bool Upstream::send_proxy_header(stack::Socket& socket, const net::FourTuple* client) {
  if (config.send_proxy == lb::ProxyVersion::kNone) return true;
  net::Packet packet = socket.allocate();
  if (!packet) return false;
  lb::ProxyHeader header;
  header.version = config.send_proxy;
  if (client != nullptr) {
    header.proxied = true;
    header.source = client->remote;
    header.source_port = client->remote_port;
    header.destination = client->local;
    header.destination_port = client->local_port;
  }
  header.with_crc = config.send_crc;
  ++next_id_[1];
  const auto id = std::bit_cast<std::array<uint8_t, sizeof next_id_>>(next_id_);
  if (config.send_unique_id && client != nullptr) header.unique_id = id;
  std::array<uint8_t, lb::kMostProxyHeaderWritten> bytes;
  packet.append(bytes.data(), lb::write_proxy_header(header, bytes));
  socket.send(packet);
  return true;
}

}  // namespace tern::app
