// SPDX-License-Identifier: BSD-3-Clause
// libtern_packetdrill.so: the functions that packetdrill calls in place of the kernel's.
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "net/byte_order.hpp"
#include "packetdrill/calls.hpp"
#include "packetdrill/interface.hpp"

namespace tern::packetdrill {

namespace {

Calls& of(void* userdata) { return *static_cast<Calls*>(userdata); }

// As libc reports: -1 and errno.
int64_t libc(Result result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}
int as_int(Result result) { return static_cast<int>(libc(result)); }

bool waits(int fd, int flags = 0) {
  return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 && (flags & MSG_DONTWAIT) == 0;
}

std::optional<net::Duration> span_of(int timeout_ms) {
  if (timeout_ms < 0) return std::nullopt;
  return std::chrono::milliseconds(timeout_ms);
}

bool read_address(const sockaddr* address, socklen_t length, net::Ipv4Address& ip, uint16_t& port) {
  if (address == nullptr || length < sizeof(sockaddr_in) || address->sa_family != AF_INET) return false;
  sockaddr_in in{};
  std::memcpy(&in, address, sizeof in);
  ip = {ntohl(in.sin_addr.s_addr)};
  port = ntohs(in.sin_port);
  return true;
}

std::optional<Address> address_of(const sockaddr* address, socklen_t length) {
  Address found;
  if (!read_address(address, length, found.ip, found.port)) return std::nullopt;
  return found;
}

void write_address(sockaddr* address, socklen_t* length, net::Ipv4Address ip, uint16_t port) {
  if (address == nullptr || length == nullptr) return;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(ip.value);
  in.sin_port = htons(port);
  std::memcpy(address, &in, std::min<socklen_t>(*length, sizeof in));
  *length = sizeof in;
}

// --- Opening ---

int do_socket(void* u, int domain, int type, int protocol) {
  if (domain != AF_INET) return as_int(-EAFNOSUPPORT);
  return as_int(of(u).run([&](Sockets& s) { return s.socket(type, protocol); }));
}

int do_bind(void* u, int fd, const sockaddr* address, socklen_t length) {
  net::Ipv4Address ip;
  uint16_t port = 0;
  if (!read_address(address, length, ip, port)) return as_int(-EINVAL);
  return as_int(of(u).run([&](Sockets& s) { return s.bind(fd, ip, port); }));
}

int do_listen(void* u, int fd, int backlog) {
  return as_int(of(u).run([&](Sockets& s) { return s.listen(fd, backlog); }));
}

int do_accept(void* u, int fd, sockaddr* address, socklen_t* length) {
  net::FourTuple peer;
  const Result result =
      of(u).run_waiting(waits(fd), std::nullopt, kAgain, [&](Sockets& s) { return s.accept(fd, peer); });
  if (result >= 0) write_address(address, length, peer.remote, peer.remote_port);
  return as_int(result);
}

int do_connect(void* u, int fd, const sockaddr* address, socklen_t length) {
  net::Ipv4Address ip;
  uint16_t port = 0;
  if (!read_address(address, length, ip, port)) return as_int(-EINVAL);
  const Result begun = of(u).run([&](Sockets& s) { return s.connect(fd, ip, port); });
  if (begun != kAgain) return as_int(begun);
  if (!waits(fd)) return as_int(-EINPROGRESS);
  return as_int(
      of(u).run_waiting(true, std::nullopt, kAgain, [&](Sockets& s) { return s.finish_connect(fd); }));
}

// --- Text ---

ssize_t receive(void* u, int fd, std::span<const iovec> into, int flags) {
  for (const iovec& piece : into) {
    if (piece.iov_base == nullptr && piece.iov_len != 0) return libc(-EFAULT);
  }
  return libc(of(u).run_waiting(waits(fd, flags), std::nullopt, kAgain,
                                [&](Sockets& s) { return s.receive(fd, into, flags); }));
}

// Blocking, it returns when all is taken. to: where a send that opens the connection goes.
ssize_t send_pieces(void* u, int fd, std::span<const iovec> from, int flags,
                    std::optional<Address> to = std::nullopt) {
  size_t size = 0;
  for (const iovec& piece : from) {
    if (piece.iov_base == nullptr && piece.iov_len != 0) return libc(-EFAULT);
    size += piece.iov_len;
  }
  const bool all = waits(fd, flags);
  size_t done = 0;
  std::optional<Sockets::Opening> opening;
  of(u).run([&](Sockets& s) -> Result { return opening = s.open_by_sending(fd, from, flags, to), 0; });
  if (opening) {
    const Result taken = opening->result;
    if (taken < 0 || opening->complete) return libc(taken);
    if (!all) return libc(taken != 0 ? taken : -EINPROGRESS);
    done = static_cast<size_t>(taken);
  }
  bool connecting = opening.has_value();
  const Result result = of(u).run_waiting(all, std::nullopt, kAgain, [&](Sockets& s) -> Result {
    if (connecting) {
      if (const Result opened = s.finish_connect(fd); opened < 0) return opened;
      connecting = false;
      if (done == size) return static_cast<Result>(done);
    }
    const Result taken = s.send(fd, from, done, flags);
    if (taken < 0) return taken != kAgain && done != 0 ? static_cast<Result>(done) : taken;
    done += static_cast<size_t>(taken);
    return all && done < size ? kAgain : static_cast<Result>(done);
  });
  return libc(result);
}

ssize_t do_read(void* u, int fd, void* bytes, size_t size) {
  const iovec piece{bytes, size};
  return receive(u, fd, std::span(&piece, 1), 0);
}
ssize_t do_readv(void* u, int fd, const iovec* pieces, int count) {
  return receive(u, fd, std::span(pieces, static_cast<size_t>(count)), 0);
}
ssize_t do_recv(void* u, int fd, void* bytes, size_t size, int flags) {
  const iovec piece{bytes, size};
  return receive(u, fd, std::span(&piece, 1), flags);
}
ssize_t do_recvfrom(void* u, int fd, void* bytes, size_t size, int flags, sockaddr*, socklen_t* length) {
  if (length != nullptr) *length = 0;
  return do_recv(u, fd, bytes, size, flags);
}
// What TCP_INQ promises beside the text: how much is left.
void report_unread(void* u, int fd, msghdr* message) {
  constexpr int kInq = 36;  // TCP_INQ and TCP_CM_INQ
  const int left = static_cast<int>(of(u).run([&](Sockets& s) -> Result {
    const Socket* socket = s.find(fd);
    const bool asked = socket != nullptr && socket->options.count({IPPROTO_TCP, kInq}) != 0;
    return asked ? s.bytes_unread(fd) : -1;
  }));
  const bool fits = message->msg_control != nullptr && message->msg_controllen >= CMSG_SPACE(sizeof left);
  message->msg_controllen = left >= 0 && fits ? CMSG_SPACE(sizeof left) : 0;
  if (message->msg_controllen == 0) return;
  cmsghdr* entry = CMSG_FIRSTHDR(message);
  entry->cmsg_level = IPPROTO_TCP;
  entry->cmsg_type = kInq;
  entry->cmsg_len = CMSG_LEN(sizeof left);
  std::memcpy(CMSG_DATA(entry), &left, sizeof left);
}

ssize_t do_recvmsg(void* u, int fd, msghdr* message, int flags) {
  message->msg_namelen = 0;
  message->msg_flags = 0;
  if ((flags & MSG_ERRQUEUE) != 0) return libc(kAgain);
  const ssize_t n = receive(u, fd, std::span(message->msg_iov, message->msg_iovlen), flags);
  const int error = errno;
  report_unread(u, fd, message);
  errno = error;
  return n;
}
ssize_t do_write(void* u, int fd, const void* bytes, size_t size) {
  const iovec piece{const_cast<void*>(bytes), size};
  return send_pieces(u, fd, std::span(&piece, 1), 0);
}
ssize_t do_writev(void* u, int fd, const iovec* pieces, int count) {
  return send_pieces(u, fd, std::span(pieces, static_cast<size_t>(count)), 0);
}
ssize_t do_send(void* u, int fd, const void* bytes, size_t size, int flags) {
  const iovec piece{const_cast<void*>(bytes), size};
  return send_pieces(u, fd, std::span(&piece, 1), flags);
}
ssize_t do_sendto(void* u, int fd, const void* bytes, size_t size, int flags, const sockaddr* to,
                  socklen_t length) {
  const iovec piece{const_cast<void*>(bytes), size};
  return send_pieces(u, fd, std::span(&piece, 1), flags, address_of(to, length));
}
ssize_t do_sendmsg(void* u, int fd, const msghdr* message, int flags) {
  return send_pieces(u, fd, std::span(message->msg_iov, message->msg_iovlen), flags,
                     address_of(static_cast<const sockaddr*>(message->msg_name), message->msg_namelen));
}

// --- Control ---

int do_fcntl(void*, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  return ::fcntl(fd, command, argument);
}

int do_ioctl(void* u, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  int* answer = va_arg(arguments, int*);
  va_end(arguments);
  if (request != FIONREAD && request != TIOCOUTQ) return as_int(-EINVAL);
  const Result result = of(u).run(
      [&](Sockets& s) { return request == FIONREAD ? s.bytes_unread(fd) : s.bytes_unacknowledged(fd); });
  if (result >= 0 && answer != nullptr) *answer = static_cast<int>(result);
  return as_int(std::min<Result>(result, 0));
}

int do_close(void* u, int fd) {
  return as_int(of(u).run([&](Sockets& s) { return s.close(fd); }));
}
int do_shutdown(void* u, int fd, int how) {
  return as_int(of(u).run([&](Sockets& s) { return s.shutdown(fd, how); }));
}
int do_getsockopt(void* u, int fd, int level, int name, void* value, socklen_t* length) {
  return as_int(of(u).run([&](Sockets& s) {
    return s.get_option(fd, level, name, std::span(static_cast<uint8_t*>(value), *length), *length);
  }));
}
int do_setsockopt(void* u, int fd, int level, int name, const void* value, socklen_t length) {
  return as_int(of(u).run([&](Sockets& s) {
    return s.set_option(fd, level, name, std::span(static_cast<const uint8_t*>(value), length));
  }));
}

// --- Readiness ---

int do_poll(void* u, pollfd* fds, nfds_t count, int timeout_ms) {
  return as_int(of(u).run_waiting(timeout_ms != 0, span_of(timeout_ms), 0,
                                  [&](Sockets& s) { return s.poll(std::span(fds, count)); }));
}
int do_epoll_create(void* u, int) {
  return as_int(of(u).run([](Sockets& s) { return s.epoll_create(); }));
}
int do_epoll_ctl(void* u, int epoll, int operation, int fd, epoll_event* event) {
  return as_int(of(u).run([&](Sockets& s) { return s.epoll_control(epoll, operation, fd, event); }));
}
int do_epoll_wait(void* u, int epoll, epoll_event* events, int most, int timeout_ms) {
  return as_int(of(u).run_waiting(timeout_ms != 0, span_of(timeout_ms), 0, [&](Sockets& s) {
    return s.epoll_wait(epoll, std::span(events, static_cast<size_t>(std::max(most, 0))));
  }));
}

// --- Pipes are the kernel's ---

int do_pipe(void*, int fds[2]) { return ::pipe(fds); }

ssize_t splice_out(void* u, int from, int pipe, size_t size, int flags) {
  std::vector<uint8_t> bytes(std::min<size_t>(size, 65'536));
  const ssize_t n = do_recv(u, from, bytes.data(), bytes.size(), flags);
  return n > 0 ? ::write(pipe, bytes.data(), static_cast<size_t>(n)) : n;
}
ssize_t splice_in(void* u, int pipe, int to, size_t size) {
  std::vector<uint8_t> bytes(std::min<size_t>(size, 65'536));
  const ssize_t n = ::read(pipe, bytes.data(), bytes.size());
  return n > 0 ? do_write(u, to, bytes.data(), static_cast<size_t>(n)) : n;
}
int do_splice(void* u, int from, loff_t*, int to, loff_t*, size_t size, unsigned flags) {
  bool ours = false;
  of(u).run([&](Sockets& s) -> Result { return ours = s.owns(from), 0; });
  constexpr unsigned kNonblock = 2;  // SPLICE_F_NONBLOCK
  const int how = (flags & kNonblock) != 0 ? MSG_DONTWAIT : 0;
  return static_cast<int>(ours ? splice_out(u, from, to, size, how) : splice_in(u, from, to, size));
}

// --- Link and clock ---

int do_netdev_send(void* u, const void* bytes, size_t size) {
  of(u).deliver(std::span(static_cast<const uint8_t*>(bytes), size));
  return 0;
}

int do_netdev_receive(void* u, void* bytes, size_t* size, long long* time_us) {
  const auto packet = of(u).next_packet();
  if (!packet) {
    *size = 0;
    return 0;
  }
  *size = std::min(*size, packet->bytes.size());
  std::memcpy(bytes, packet->bytes.data(), *size);
  *time_us = packet->when.microseconds();
  return 0;
}

int do_usleep(void* u, useconds_t span) {
  of(u).pass(std::chrono::microseconds(span));
  return 0;
}

int do_gettimeofday(void* u, struct timeval* time, struct timezone*) {
  const int64_t us = of(u).read_clock().microseconds();
  time->tv_sec = us / 1'000'000;
  time->tv_usec = us % 1'000'000;
  return 0;
}

void do_free(void* u) { delete &of(u); }

}  // namespace

}  // namespace tern::packetdrill

// packetdrill asks libc, not the interface, for the TCP_INFO that scripts' assertions look at. Where this
// library is preloaded as well, it answers for its own descriptors.
extern "C" __attribute__((visibility("default"))) int getsockopt(int fd, int level, int name, void* value,
                                                                 socklen_t* length) noexcept {
  using namespace tern::packetdrill;
  Calls* calls = Calls::current();
  if (calls != nullptr && calls->owns(fd)) return do_getsockopt(calls, fd, level, name, value, length);
  static const auto next = reinterpret_cast<decltype(&getsockopt)>(dlsym(RTLD_NEXT, "getsockopt"));
  return next(fd, level, name, value, length);
}

void packetdrill_interface_init(const char*, PacketdrillInterface* interface) {
  using namespace tern::packetdrill;
  *interface = {.userdata = new Calls,
                .free = do_free,
                .socket = do_socket,
                .bind = do_bind,
                .listen = do_listen,
                .accept = do_accept,
                .connect = do_connect,
                .read = do_read,
                .readv = do_readv,
                .recv = do_recv,
                .recvfrom = do_recvfrom,
                .recvmsg = do_recvmsg,
                .write = do_write,
                .writev = do_writev,
                .send = do_send,
                .sendto = do_sendto,
                .sendmsg = do_sendmsg,
                .fcntl = do_fcntl,
                .ioctl = do_ioctl,
                .close = do_close,
                .shutdown = do_shutdown,
                .getsockopt = do_getsockopt,
                .setsockopt = do_setsockopt,
                .poll = do_poll,
                .netdev_send = do_netdev_send,
                .netdev_receive = do_netdev_receive,
                .usleep = do_usleep,
                .gettimeofday = do_gettimeofday,
                .epoll_create = do_epoll_create,
                .epoll_ctl = do_epoll_ctl,
                .epoll_wait = do_epoll_wait,
                .pipe = do_pipe,
                .splice = do_splice};
}
