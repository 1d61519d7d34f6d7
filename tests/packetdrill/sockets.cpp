// SPDX-License-Identifier: BSD-3-Clause
// Descriptors and the calls on them: opening, text, closing.
#include "packetdrill/sockets.hpp"

#include <netinet/in.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "support/heap_packet.hpp"

namespace tern::packetdrill {

using namespace tcp;

namespace {

constexpr uint32_t kLargestPacket = 60'000;

// As Linux: what a reset after the peer's FIN means to a writer is EPIPE.
int errno_of(CloseReason reason, bool after_fin) {
  switch (error_of(reason)) {
    case Error::kConnectionReset:
      return after_fin ? EPIPE : ECONNRESET;
    case Error::kTimedOut:
      return ETIMEDOUT;
    case Error::kConnectionRefused:
      return ECONNREFUSED;
    case Error::kHostUnreachable:
      return EHOSTUNREACH;
    case Error::kNetworkUnreachable:
      return ENETUNREACH;
    default:
      return 0;
  }
}

// A descriptor that the kernel knows, since packetdrill closes those that are left through libc.
int kernel_descriptor(int type) { return ::socket(AF_INET, type, 0); }

}  // namespace

Sockets::Sockets() {
  host_.tell = [this](uint32_t slot, uint16_t marks) { tell(slot, marks); };
}

Sockets::~Sockets() = default;

Socket* Sockets::find(int fd) {
  const auto it = sockets_.find(fd);
  return it == sockets_.end() ? nullptr : &it->second;
}

const Config& Sockets::config_of(const Socket& socket) const {
  return socket.slot == kNoSlot ? socket.config : host_.config(socket.slot);
}

// --- Opening
// ------------------------------------------------------------------------------------------------------

Settings Sockets::read_settings() {
  const char* path = std::getenv("TERN_PACKETDRILL_SETTINGS");
  return path != nullptr ? packetdrill::read_settings(path) : default_settings();
}

Result Sockets::socket(int type, int protocol) {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (kind != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP)) return -EPROTONOSUPPORT;
  settings_ = read_settings();
  apply_fast_open_settings();
  host_.abort_on_overflow = settings_.abort_on_overflow;
  const int fd = kernel_descriptor(type);
  if (fd < 0) return -errno;
  sockets_[fd] = Socket{};
  sockets_[fd].config = settings_.config;
  return fd;
}

Result Sockets::bind(int fd, net::Ipv4Address address, uint16_t port) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->port != 0) return -EINVAL;
  socket->address = address;
  socket->port = port != 0 ? port : host_.free_port();
  return 0;
}

Result Sockets::listen(int fd, int backlog) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind != Socket::Kind::kFresh && socket->kind != Socket::Kind::kListening) return -EINVAL;
  if (socket->kind == Socket::Kind::kFresh) {
    if (socket->port == 0) socket->port = host_.free_port();
    socket->kind = Socket::Kind::kListening;
    socket->door = std::make_unique<Door>();
    host_.add_door(*socket->door);
  }
  Door& door = *socket->door;
  door.address = socket->address;
  door.port = socket->port;
  door.config = socket->config;
  door.backlog = static_cast<uint32_t>(std::max(backlog, 0));
  set_up_fast_open(*socket);
  return 0;
}

Result Sockets::accept(int fd, net::FourTuple& peer) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind != Socket::Kind::kListening) return -EINVAL;
  std::deque<uint32_t>& queue = socket->door->accept_queue;
  if (queue.empty()) return kAgain;
  const int accepted = kernel_descriptor(SOCK_STREAM);
  if (accepted < 0) return -errno;
  Socket& child = sockets_[accepted];
  child = Socket{};
  child.slot = queue.front();
  queue.pop_front();
  peer = host_.tuple(child.slot);
  child.kind = Socket::Kind::kConnected;
  child.address = peer.local;
  child.port = peer.local_port;
  child.options = socket->options;
  // What it missed in the accept queue.
  const Tcb& tcb = host_.connection(child.slot).tcb;
  if (tcb.state == State::kClosed || tcb.state == State::kTimeWait) tell(child.slot, kMarkClosed);
  return accepted;
}

Result Sockets::begin_connect(int fd, net::Ipv4Address address, uint16_t port, FastOpen how) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind == Socket::Kind::kConnected) return -EISCONN;
  if (socket->kind == Socket::Kind::kConnecting) return -EALREADY;
  if (socket->kind == Socket::Kind::kListening) return -EISCONN;
  if (socket->address.is_unspecified()) socket->address = kOurs;
  if (socket->port == 0) socket->port = host_.free_port();
  socket->config.fast_open_connect = how;
  socket->slot = host_.connect({socket->address, address, socket->port, port}, socket->config);
  if (socket->slot == kNoSlot) return -ENOBUFS;
  socket->kind = Socket::Kind::kConnecting;
  socket->error = 0;
  socket->closed = false;
  return kAgain;
}

Result Sockets::finish_connect(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind == Socket::Kind::kConnected) return 0;
  if (socket->kind == Socket::Kind::kConnecting && !socket->closed) return kAgain;
  const Result error = take_error(*socket);
  return error != 0 ? error : -ECONNABORTED;
}

// What a connection's marks mean to its socket.
void Sockets::tell(uint32_t slot, uint16_t marks) {
  for (auto& [fd, socket] : sockets_) {
    if (socket.kind == Socket::Kind::kListening && (marks & kMarkOpened) != 0) ++socket.in_edges;
    if (socket.slot != slot) continue;
    if ((marks & kMarkOpened) != 0) {
      socket.kind = Socket::Kind::kConnected;
      ++socket.out_edges;
    }
    if ((marks & (kMarkText | kMarkEnded)) != 0) ++socket.in_edges;
    if ((marks & kMarkWritable) != 0) ++socket.out_edges;
    if ((marks & kMarkClosed) != 0) {
      const Connection& connection = host_.connection(slot);
      socket.closed = true;
      socket.error = errno_of(connection.tcb.close_reason, connection.has(kFinReceived));
      ++socket.in_edges;
      ++socket.out_edges;
      if (socket.kind == Socket::Kind::kConnecting) {  // it may try again
        host_.orphan(slot);
        socket.slot = kNoSlot;
        socket.kind = Socket::Kind::kFresh;
      }
    }
    return;
  }
}

Result Sockets::take_error(Socket& socket) { return -std::exchange(socket.error, 0); }

// --- Text
// ---------------------------------------------------------------------------------------------------------

Result Sockets::receive(int fd, std::span<const iovec> into, int flags) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind == Socket::Kind::kDeferred) return kAgain;
  if (socket->slot == kNoSlot) return socket->error != 0 ? take_error(*socket) : -ENOTCONN;
  Connection& connection = host_.connection(socket->slot);
  const net::PacketQueue& queue = connection.tcb.receive_queue;
  size_t copied = 0;
  rte_mbuf* buffer = queue.front();
  uint32_t offset = 0;
  for (const iovec& piece : into) {
    size_t filled = 0;
    while (filled < piece.iov_len && buffer != nullptr) {
      const net::PacketField& field = net::buffer::field(buffer);
      const size_t n = std::min<size_t>(piece.iov_len - filled, field.length - offset);
      if ((flags & MSG_TRUNC) == 0 || (flags & MSG_PEEK) != 0) {
        std::memcpy(static_cast<uint8_t*>(piece.iov_base) + filled,
                    net::buffer::start(buffer) + field.offset + offset, n);
      }
      filled += n;
      offset += static_cast<uint32_t>(n);
      if (offset == field.length) buffer = queue.after(buffer), offset = 0;
    }
    copied += filled;
  }
  if (copied != 0) {
    if ((flags & MSG_PEEK) == 0) connection.skip(static_cast<uint32_t>(copied), host_.core());
    return static_cast<Result>(copied);
  }
  if (socket->error != 0) return take_error(*socket);
  const bool ended = connection.at_end() || socket->read_shut || socket->closed;
  return ended || into.empty() ? 0 : kAgain;
}

Result Sockets::send(int fd, std::span<const iovec> from, size_t offset, int flags) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->error != 0) return take_error(*socket);
  if (socket->kind == Socket::Kind::kConnecting) return kAgain;
  if (socket->kind != Socket::Kind::kConnected || socket->write_shut || socket->closed) return -EPIPE;
  Connection& connection = host_.connection(socket->slot);
  Result taken = 0;
  for (const iovec& piece : from) {
    size_t at = std::min(offset, piece.iov_len);
    offset -= at;
    while (at < piece.iov_len) {
      const size_t room = std::min(connection.send_room(host_.core()), kLargestPacket);
      const size_t n = std::min(piece.iov_len - at, room);
      net::Packet packet = test::make_packet(
          std::span(static_cast<const uint8_t*>(piece.iov_base) + at, std::max<size_t>(n, 1)));
      // A send with no room asks to be told when there is.
      const bool sent = (flags & MSG_MORE) != 0 ? connection.send_more(packet, host_.core())
                                                : connection.send(packet, host_.core());
      if (!sent || n == 0) {
        socket->refused_room = true;
        return taken != 0 ? taken : kAgain;
      }
      at += n;
      taken += static_cast<Result>(n);
    }
  }
  return taken;
}

// --- Closing
// ------------------------------------------------------------------------------------------------------

Result Sockets::shutdown(int fd, int how) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->slot == kNoSlot || socket->closed) return -ENOTCONN;
  if (how == SHUT_RD || how == SHUT_RDWR) {
    socket->read_shut = true;
    ++socket->in_edges;
  }
  if (how == SHUT_WR || how == SHUT_RDWR) {
    socket->write_shut = true;
    ++socket->out_edges;
    host_.connection(socket->slot).shutdown(host_.core());
  }
  return 0;
}

Result Sockets::close(int fd) {
  if (epolls_.erase(fd) != 0) return ::close(fd) < 0 ? -errno : 0;
  Socket* socket = find(fd);
  if (socket == nullptr) return ::close(fd) < 0 ? -errno : 0;
  if (socket->door) host_.remove_door(*socket->door);
  if (socket->slot != kNoSlot) {
    host_.connection(socket->slot).close(host_.core());
    host_.orphan(socket->slot);
  }
  for (auto& [epoll, watches] : epolls_) std::erase_if(watches, [fd](const Watch& w) { return w.fd == fd; });
  sockets_.erase(fd);
  return ::close(fd) < 0 ? -errno : 0;
}

Result Sockets::bytes_unread(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->slot == kNoSlot) return socket->door ? -EINVAL : 0;
  const Connection& connection = host_.connection(socket->slot);
  return connection.tcb.unread;
}

Result Sockets::bytes_unacknowledged(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->slot == kNoSlot) return 0;
  const Tcb& tcb = host_.connection(socket->slot).tcb;
  return tcb.send_end - tcb.snd.una;
}

}  // namespace tern::packetdrill
