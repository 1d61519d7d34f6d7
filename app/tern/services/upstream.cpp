// SPDX-License-Identifier: BSD-3-Clause
// A pool of backends as one worker uses it.
#include "tern/services/upstream.hpp"

#include <array>
#include <bit>

namespace tern::app {

tcp::Error Upstream::connect(stack::Stack& stack, uint32_t backend, uint64_t word,
                             stack::Opened& opened) const {
  const lb::BackendConfig& to = config.balance.backends[backend];
  net::FourTuple tuple{{}, to.address, 0, to.port};
  if (config.sources.empty()) return stack.connect(tuple, word, opened);
  tcp::Error error = tcp::Error::kNetworkUnreachable;
  for (const net::Ipv4Address source : config.sources) {
    tuple.local = source;
    error = stack.connect(tuple, word, opened);
    if (error == tcp::Error::kNone || error == tcp::Error::kNoBuffers) break;
  }
  return error;
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
