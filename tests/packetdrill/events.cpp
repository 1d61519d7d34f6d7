// SPDX-License-Identifier: BSD-3-Clause
// Readiness: poll and epoll, level- and edge-triggered.
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "packetdrill/sockets.hpp"

namespace tern::packetdrill {

using namespace tcp;

uint32_t Sockets::ready_events(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return 0;
  if (socket->kind == Socket::Kind::kListening) {
    return socket->door->accept_queue.empty() ? 0u : uint32_t{EPOLLIN | EPOLLRDNORM};
  }
  uint32_t events = socket->error != 0 ? uint32_t{EPOLLERR} : 0u;
  if (socket->kind == Socket::Kind::kFresh) {
    if (socket->closed) events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;  // it was to be a connection
    return events | EPOLLOUT | EPOLLHUP;
  }
  if (socket->kind == Socket::Kind::kDeferred) return events | EPOLLOUT | EPOLLWRNORM;
  if (socket->kind == Socket::Kind::kConnecting) return events;
  const Connection& connection = host_.connection(socket->slot);
  const bool peer_done = connection.has(kFinReceived) || socket->read_shut || socket->closed;
  if (connection.tcb.unread != 0 || peer_done) events |= EPOLLIN | EPOLLRDNORM;
  if (peer_done) events |= EPOLLRDHUP;
  if (socket->closed || (peer_done && socket->write_shut)) events |= EPOLLHUP;
  // As Linux: writable once a third of the buffer is free.
  const uint32_t buffer = host_.config(socket->slot).send_buffer;
  const bool room = connection.send_room(host_.core()) >= buffer / 3;
  if (room || socket->write_shut || socket->closed) events |= EPOLLOUT | EPOLLWRNORM;
  return events;
}

Result Sockets::poll(std::span<pollfd> fds) {
  Result count = 0;
  for (pollfd& entry : fds) {
    entry.revents = 0;
    if (entry.fd < 0) continue;
    const uint32_t events = owns(entry.fd) ? ready_events(entry.fd) : uint32_t{POLLNVAL};
    entry.revents =
        static_cast<short>(events & (static_cast<uint32_t>(entry.events) | POLLERR | POLLHUP | POLLNVAL));
    if (entry.revents != 0) ++count;
  }
  return count == 0 ? kAgain : count;
}

Result Sockets::epoll_create() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return -errno;
  epolls_[fd] = {};
  return fd;
}

Result Sockets::epoll_control(int epoll, int operation, int fd, const epoll_event* event) {
  const auto it = epolls_.find(epoll);
  if (it == epolls_.end() || !owns(fd)) return -EBADF;
  std::vector<Watch>& watches = it->second;
  const auto watch =
      std::find_if(watches.begin(), watches.end(), [fd](const Watch& w) { return w.fd == fd; });
  if (operation == EPOLL_CTL_ADD) {
    if (watch != watches.end()) return -EEXIST;
    const Socket& socket = *find(fd);
    // What is ready now counts as an edge.
    watches.push_back({fd, *event, socket.in_edges - 1, socket.out_edges - 1, false});
    return 0;
  }
  if (watch == watches.end()) return -ENOENT;
  if (operation == EPOLL_CTL_DEL) {
    watches.erase(watch);
    return 0;
  }
  if (operation != EPOLL_CTL_MOD) return -EINVAL;
  const Socket& socket = *find(fd);
  *watch = {fd, *event, socket.in_edges - 1, socket.out_edges - 1, false};
  return 0;
}

Result Sockets::epoll_wait(int epoll, std::span<epoll_event> events) {
  const auto it = epolls_.find(epoll);
  if (it == epolls_.end()) return -EBADF;
  if (events.empty()) return -EINVAL;
  size_t count = 0;
  for (Watch& watch : it->second) {
    if (count == events.size() || watch.disabled) continue;
    const Socket& socket = *find(watch.fd);
    const uint32_t asked = watch.event.events | EPOLLERR | EPOLLHUP;
    const uint32_t ready = ready_events(watch.fd) & asked;
    if (ready == 0) continue;
    if ((watch.event.events & EPOLLET) != 0) {
      const bool news = (watch.in_seen != socket.in_edges && (ready & ~EPOLLOUT) != 0) ||
                        (watch.out_seen != socket.out_edges && (ready & EPOLLOUT) != 0);
      if (!news) continue;
      watch.in_seen = socket.in_edges;
      watch.out_seen = socket.out_edges;
    }
    if ((watch.event.events & EPOLLONESHOT) != 0) watch.disabled = true;
    events[count] = watch.event;
    events[count++].events = ready;
  }
  return count == 0 ? kAgain : static_cast<Result>(count);
}

}  // namespace tern::packetdrill
