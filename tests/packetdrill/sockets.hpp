// SPDX-License-Identifier: BSD-3-Clause
// Descriptors and the calls on them, with Linux's results and errors, over one Host.
//
// A call that cannot be answered yet returns kAgain; whether the caller then waits is library.cpp's concern.
// Errors are returned as negative errno.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "packetdrill/host.hpp"

namespace tern::packetdrill {

using Result = int64_t;
constexpr Result kAgain = -EAGAIN;
constexpr net::Ipv4Address kOurs{0xc0a80001};  // where a script binds nothing

struct Address {
  net::Ipv4Address ip;
  uint16_t port = 0;
};

struct Socket {
  enum class Kind : uint8_t {
    kFresh,
    kListening,
    kDeferred,  // connect() was called, and the SYN waits for text
    kConnecting,
    kConnected,
  };

  Kind kind = Kind::kFresh;
  net::Ipv4Address address;  // as bound
  uint16_t port = 0;
  tcp::Config config;
  std::unique_ptr<Door> door;
  uint32_t slot = kNoSlot;
  int error = 0;  // errno, told once
  bool closed = false;
  bool write_shut = false;
  bool read_shut = false;
  bool refused_room = false;  // the last write found the buffer full
  int fast_open_queue = 0;    // TCP_FASTOPEN
  bool fast_open_connect = false;
  bool fast_open_no_cookie = false;
  std::optional<net::PrfKey> fast_open_key;
  std::optional<net::PrfKey> fast_open_backup_key;
  net::Ipv4Address peer;  // while deferred
  uint16_t peer_port = 0;
  uint32_t in_edges = 0;  // events that an edge-triggered watch is to hear of
  uint32_t out_edges = 0;
  std::map<std::pair<int, int>, int> options;  // as set
};

struct Watch {
  int fd = -1;
  epoll_event event{};
  uint32_t in_seen = 0;
  uint32_t out_seen = 0;
  bool disabled = false;  // EPOLLONESHOT has fired
};

class Sockets {
 public:
  Sockets();
  ~Sockets();

  Host& host() { return host_; }
  bool owns(int fd) const { return sockets_.count(fd) != 0; }
  Socket* find(int fd);

  // Reads the settings anew: a script may change them between sockets.
  Result socket(int type, int protocol);
  Result bind(int fd, net::Ipv4Address address, uint16_t port);
  Result listen(int fd, int backlog);
  Result accept(int fd, net::FourTuple& peer);
  // Begins; finish_connect() then says how it went, kAgain while it goes on. 0: it will begin with a send.
  Result connect(int fd, net::Ipv4Address address, uint16_t port);
  Result finish_connect(int fd);
  Result receive(int fd, std::span<const iovec> into, int flags);
  struct Opening {
    Result result = 0;      // the bytes that the SYN will carry, or that are queued behind it
    bool complete = false;  // the call waits for nothing more
  };
  // A send that opens the connection first.
  // Nothing when it is a send as any other.
  std::optional<Opening> open_by_sending(int fd, std::span<const iovec> from, int flags,
                                         std::optional<Address> to);
  // Takes as much as there is room for; offset: bytes that earlier attempts took.
  Result send(int fd, std::span<const iovec> from, size_t offset, int flags);
  Result shutdown(int fd, int how);
  Result close(int fd);

  Result get_option(int fd, int level, int name, std::span<uint8_t> value, socklen_t& length);
  Result set_option(int fd, int level, int name, std::span<const uint8_t> value);
  Result bytes_unread(int fd);  // SIOCINQ
  Result bytes_unacknowledged(int fd);

  uint32_t ready_events(int fd);
  Result poll(std::span<pollfd> fds);
  Result epoll_create();
  Result epoll_control(int epoll, int operation, int fd, const epoll_event* event);
  Result epoll_wait(int epoll, std::span<epoll_event> events);

 private:
  static Settings read_settings();
  void apply_fast_open_settings();
  void refresh_fast_open();
  void set_up_fast_open(Socket& socket);
  tcp::FastOpen fast_open_of(const Socket& socket) const;
  Result set_fast_open_option(Socket& socket, int name, std::span<const uint8_t> value);
  Result begin_connect(int fd, net::Ipv4Address address, uint16_t port, tcp::FastOpen how);
  void tell(uint32_t slot, uint16_t marks);
  Result take_error(Socket& socket);
  const tcp::Config& config_of(const Socket& socket) const;
  Result describe(Socket& socket, std::span<uint8_t> value, socklen_t& length);
  Result choose(Socket& socket, tcp::Option option, int64_t value);

  Host host_;
  Settings settings_;
  std::string fast_open_forgotten_;
  std::map<int, Socket> sockets_;
  std::map<int, std::vector<Watch>> epolls_;
};

}  // namespace tern::packetdrill
