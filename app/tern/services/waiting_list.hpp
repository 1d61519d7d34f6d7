// SPDX-License-Identifier: BSD-3-Clause
// Connections in the order in which they began to wait, so that the one whose patience ends first is in
// front: one interval for all needs no wheel.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "net/instant.hpp"

namespace tern::app {

class WaitingList {
 public:
  // connections: their indices are below it. 16 bytes each.
  WaitingList(uint32_t connections, net::Duration patience);

  // The connection waits from now on: to the end of the list, wherever it was.
  void begin(uint32_t connection, net::Instant now);
  // It is gone; in the list or not.
  void end(uint32_t connection);
  // Takes the first off the list if its patience has ended.
  std::optional<uint32_t> take_expired(net::Instant now);
  // When the first one's ends; never() for an empty list.
  net::Instant next() const;

 private:
  // A ring with a head of its own, the last of the nodes. next is a node's own number while it is in no list.
  struct Node {
    uint32_t next, previous;
    net::Instant since;
  };
  void unlink(uint32_t node);

  std::unique_ptr<Node[]> nodes_;
  const uint32_t head_;
  const net::Duration patience_;
};

}  // namespace tern::app
