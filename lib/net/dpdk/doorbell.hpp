// SPDX-License-Identifier: BSD-3-Clause
// What a worker sleeps on: the receive interrupts of its queues, and the ring of another thread.
#pragma once

#include <cstdint>
#include <vector>

#include "net/dpdk/port.hpp"
#include "net/instant.hpp"

namespace tern::net::dpdk {

class Doorbell {
 public:
  Doorbell();  // throws std::system_error when the process has no file descriptors left
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Makes frames of this queue ring; the port must outlive this.
  void add(const Port& port, uint16_t queue);
  // Whether each queue added has an interrupt: otherwise frames may come and nobody ring.
  bool hears_all() const { return hears_all_; }

  // From arm() to disarm() the queues ring once for frames that come. One that came before arm() may ring or
  // not: look at the queues after it, and sleep only when they are empty.
  void arm();
  void disarm();
  // Sleeps until it rings, or for this long; returns whether it rang. It may ring for no reason.
  bool sleep(Duration longest);

  // From any thread: ends the sleep under way, or else the next one.
  void ring();

 private:
  struct Queue {
    uint16_t port;
    uint16_t number;
  };

  std::vector<Queue> queues_;  // those that have interrupts
  bool hears_all_ = true;
  int interrupts_;  // an epoll instance with the queues' descriptors
  int rung_;        // an eventfd
};

}  // namespace tern::net::dpdk
