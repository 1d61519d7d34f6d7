// SPDX-License-Identifier: BSD-3-Clause
// Fast Open as sockets see it (RFC 7413 appendix A, and Linux's later ways): MSG_FASTOPEN,
// TCP_FASTOPEN_CONNECT, TCP_FASTOPEN and its key.
#include <linux/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "packetdrill/sockets.hpp"
#include "support/heap_packet.hpp"

namespace tern::packetdrill {

using namespace tcp;

namespace {

// Linux's net.ipv4.tcp_fastopen.
constexpr uint32_t kClient = 0x1;
constexpr uint32_t kServer = 0x2;
constexpr uint32_t kClientWithoutCookie = 0x4;
constexpr uint32_t kServerWithoutCookie = 0x200;
constexpr uint32_t kEveryListener = 0x400;

}  // namespace

void Sockets::apply_fast_open_settings() {
  FastOpenCookies& cookies = host_.fast_open_cookies();
  cookies.set_key(settings_.fast_open_key, settings_.fast_open_backup_key);
  if (std::exchange(fast_open_forgotten_, settings_.fast_open_forgotten) != settings_.fast_open_forgotten) {
    host_.core().fast_open_servers.clear();
  }
}

// A script may change its mind between any two calls.
void Sockets::refresh_fast_open() {
  const Settings now = read_settings();
  settings_.fast_open = now.fast_open;
  settings_.fast_open_key = now.fast_open_key;
  settings_.fast_open_backup_key = now.fast_open_backup_key;
  settings_.fast_open_forgotten = now.fast_open_forgotten;
  apply_fast_open_settings();
}

// What a listener does: it must have been allowed, and the listener have asked or all be taken to have.
void Sockets::set_up_fast_open(Socket& socket) {
  refresh_fast_open();
  Door& door = *socket.door;
  const bool asked = socket.fast_open_queue > 0;
  const bool on =
      (settings_.fast_open & kServer) != 0 && (asked || (settings_.fast_open & kEveryListener) != 0);
  const bool without_cookie = (settings_.fast_open & kServerWithoutCookie) != 0;
  door.config.fast_open_listen = !on              ? FastOpen::kOff
                                 : without_cookie ? FastOpen::kWithoutCookies
                                                  : FastOpen::kOn;
  door.config.fast_open_pending = asked ? static_cast<uint32_t>(socket.fast_open_queue) : door.backlog;
  if (socket.fast_open_key) {
    door.fast_open_cookies.emplace(*socket.fast_open_key, host_.now());
    door.fast_open_cookies->set_key(*socket.fast_open_key, socket.fast_open_backup_key);
  }
}

Result Sockets::set_fast_open_option(Socket& socket, int name, std::span<const uint8_t> value) {
  refresh_fast_open();
  if (name == TCP_FASTOPEN_KEY) {
    net::PrfKey key;
    if (value.size() != key.size() && value.size() != 2 * key.size()) return -EINVAL;
    std::memcpy(key.data(), value.data(), key.size());
    socket.fast_open_key = key;
    socket.fast_open_backup_key.reset();
    if (value.size() > key.size()) {
      std::memcpy(key.data(), value.data() + key.size(), key.size());
      socket.fast_open_backup_key = key;
    }
  } else {
    int number = 0;
    if (value.size() < sizeof number) return -EINVAL;
    std::memcpy(&number, value.data(), sizeof number);
    const bool fresh = socket.kind == Socket::Kind::kFresh;
    if (name == TCP_FASTOPEN) {
      if (number < 0 || (!fresh && socket.kind != Socket::Kind::kListening)) return -EINVAL;
      socket.fast_open_queue = number;
    } else if (name == TCP_FASTOPEN_CONNECT) {
      if (number < 0 || number > 1) return -EINVAL;
      if ((settings_.fast_open & kClient) == 0) return -EOPNOTSUPP;
      if (!fresh) return -EINVAL;
      socket.fast_open_connect = number != 0;
    } else {  // TCP_FASTOPEN_NO_COOKIE
      if (number < 0 || number > 1) return -EINVAL;
      socket.fast_open_no_cookie = number != 0;
    }
  }
  if (socket.door) set_up_fast_open(socket);
  return 0;
}

// With TCP_FASTOPEN_CONNECT and a cookie the SYN waits for the first text.
Result Sockets::connect(int fd, net::Ipv4Address address, uint16_t port) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind == Socket::Kind::kDeferred) return -EISCONN;
  if (!socket->fast_open_connect || socket->kind != Socket::Kind::kFresh) {
    return begin_connect(fd, address, port, FastOpen::kOff);
  }
  refresh_fast_open();
  const FastOpen how = fast_open_of(*socket);
  const net::Ipv4Address local = socket->address.is_unspecified() ? kOurs : socket->address;
  const FastOpenServer server = net::FourTuple{local, address, 0, port}.server_name();
  const auto offer = host_.core().fast_open_servers.offer(server, host_.now());
  if (how != FastOpen::kWithoutCookies && !offer.option.has_cookie()) {
    return begin_connect(fd, address, port, how);
  }
  socket->kind = Socket::Kind::kDeferred;
  socket->peer = address;
  socket->peer_port = port;
  return 0;
}

FastOpen Sockets::fast_open_of(const Socket& socket) const {
  const bool without = socket.fast_open_no_cookie || (settings_.fast_open & kClientWithoutCookie) != 0;
  if ((settings_.fast_open & kClient) == 0) return FastOpen::kOff;
  return without ? FastOpen::kWithoutCookies : FastOpen::kOn;
}

std::optional<Sockets::Opening> Sockets::open_by_sending(int fd, std::span<const iovec> from, int flags,
                                                         std::optional<Address> to) {
  Socket* socket = find(fd);
  if (socket == nullptr || socket->kind == Socket::Kind::kConnected || socket->error != 0)
    return std::nullopt;
  const bool deferred = socket->kind == Socket::Kind::kDeferred;
  const bool asked = (flags & MSG_FASTOPEN) != 0;
  const bool implied = settings_.implied_connect && to && socket->kind == Socket::Kind::kFresh;
  if (!deferred && !asked && !implied) return std::nullopt;

  refresh_fast_open();
  if (asked && ((settings_.fast_open & kClient) == 0 || !to)) return Opening{-EOPNOTSUPP};
  if (socket->kind == Socket::Kind::kConnecting) return Opening{-EALREADY};
  const Address peer = deferred ? Address{socket->peer, socket->peer_port} : *to;
  if (deferred) socket->kind = Socket::Kind::kFresh;
  const bool fast = !implied || socket->fast_open_queue > 0;
  const Result begun = begin_connect(fd, peer.ip, peer.port, fast ? fast_open_of(*socket) : FastOpen::kOff);
  if (begun != kAgain) return Opening{begun};

  Connection& connection = host_.connection(socket->slot);
  std::vector<uint8_t> bytes;
  for (const iovec& piece : from) {
    const auto* first = static_cast<const uint8_t*>(piece.iov_base);
    bytes.insert(bytes.end(), first, first + piece.iov_len);
  }
  if (!implied) bytes.resize(std::min<size_t>(bytes.size(), connection.syn_text_limit(host_.core())));
  if (bytes.empty()) return Opening{0};
  net::Packet packet = test::make_packet(bytes);
  connection.send(packet, host_.core());
  return Opening{static_cast<Result>(bytes.size()), implied};
}

}  // namespace tern::packetdrill
