// SPDX-License-Identifier: BSD-3-Clause
// A hierarchical timer wheel, one node per connection, linked by 32-bit index (Varghese and Lauck 1987).
//
// A connection has several absolute deadlines and one node, set for the earliest. Moving a deadline later touches no
// list: the node fires early, its owner finds nothing due and arms it again.
#pragma once

#include <cstdint>
#include <vector>

#include "net/instant.hpp"

namespace tern::tcp {

class TimerWheel {
 public:
  // One tick is 2^20 ns, about 1.05 ms; four levels of 256 slots reach 52 days, and what is farther fires then.
  static constexpr int kTickShift = 20;

  // nodes: how many there are, all allocated here. now: where the wheel begins.
  TimerWheel(uint32_t nodes, net::Instant now);

  // Sets the node to fire at the first advance() with now >= deadline, rounded up to a tick. If it is armed already for
  // the same tick or an earlier one it is left alone (the lazy rule); if for a later one it is moved forward.
  // never() does nothing.
  void arm(uint32_t node, net::Instant deadline);
  // Takes the node out, if it is in.
  void disarm(uint32_t node);
  bool armed(uint32_t node) const;

  // Takes out one node that is due at now and returns its index, or kNone when no more is due. Called in a loop; between
  // calls any node may be armed or disarmed (one armed for a time not after now fires at the next tick, not in this loop
  // without end). Bounded work per call but for moving a slot's nodes down a level.
  static constexpr uint32_t kNone = 0xffffffffu;
  uint32_t expire(net::Instant now);

  // An instant before which nothing fires; never() when nothing is armed. May be earlier than the first node's own.
  net::Instant next_expiry() const;
  uint32_t armed_count() const;
};

}  // namespace tern::tcp
