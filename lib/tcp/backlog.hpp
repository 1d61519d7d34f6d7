// SPDX-License-Identifier: BSD-3-Clause
// What passive connections pass through before their service hears of them: the SYN queue, where they are
// half open, and the accept queue, where they are established and wait for their turn. RFC 9293
// section 3.10.7.2, RFC 4987 section 3; the rules of overflow are Linux's.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "net/counter.hpp"
#include "net/instant.hpp"
#include "tcp/config.hpp"
#include "tcp/pool.hpp"

namespace tern::tcp {

// One service's queues. The gauges may be read by any thread.
struct Backlog {
  struct Queue {  // first in, first out, by index
    uint32_t head = kNoSlot;
    uint32_t tail = kNoSlot;
    net::Counter count;
  };
  Queue half_open;             // SYN-RECEIVED: the handshake is under way
  Queue waiting;               // established: the service is told when others have ended
  net::Counter served;         // passive connections that the service has been told of, or is about to be
  net::Instant cookies_until;  // a cookie sent to whom found the SYN queue full is good until then
};

// The queues of all services, as lists through the connections' indices: nothing is allocated after the
// start.
class Backlogs {
 public:
  Backlogs(size_t connections, size_t services, std::pmr::memory_resource* memory)
      : links_(connections, memory), backlogs_(services) {}

  Backlog& operator[](uint16_t service) { return backlogs_[service]; }
  const Backlog& operator[](uint16_t service) const { return backlogs_[service]; }

  // Whether the service may be told of one more.
  bool may_serve(uint16_t service, const Config& config) const {
    return backlogs_[service].served.value() < config.max_connections;
  }
  // Whether a handshake must not be completed: the service has as many as it may, and so has its accept
  // queue.
  bool overflows(uint16_t service, const Config& config) const {
    return !may_serve(service, config) && backlogs_[service].waiting.count.value() >= config.accept_backlog;
  }
  // The half-open connection that has been so longest, of the service that has most of them; kNoSlot when
  // there is none.
  uint32_t oldest_half_open() const;

  void push_back(Backlog::Queue& queue, uint32_t index);
  void erase(Backlog::Queue& queue, uint32_t index);

 private:
  struct Links {
    uint32_t next = kNoSlot;
    uint32_t previous = kNoSlot;
  };
  std::pmr::vector<Links> links_;  // a connection is in one queue at most
  std::vector<Backlog> backlogs_;
};

}  // namespace tern::tcp
