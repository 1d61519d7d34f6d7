// SPDX-License-Identifier: BSD-3-Clause
// A hierarchical timer wheel, one node per connection, linked by 32-bit index (Varghese and Lauck 1987).
//
// A connection has several absolute deadlines and one node, set for the earliest. Moving a deadline later
// touches no list: the node fires early, its owner finds nothing due and arms it again.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "net/instant.hpp"

namespace tern::tcp {

class TimerWheel {
 public:
  // One tick is 2^20 ns, about 1.05 ms; four levels of 256 slots reach 52 days, and what is farther waits in
  // the last slot of the top level, to be placed anew when the wheel gets there.
  static constexpr int kTickShift = 20;

  // nodes: how many there are, all allocated here: 16 bytes each. now: where the wheel begins.
  TimerWheel(uint32_t nodes, net::Instant now,
             std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // Sets the node to fire at the first expire() with now >= deadline, rounded up to a tick. If it is armed
  // already for the same tick or an earlier one it is left alone (the lazy rule); if for a later one it is
  // moved forward. never() does nothing.
  void arm(uint32_t node, net::Instant deadline);
  // Takes the node out, if it is in.
  void disarm(uint32_t node);
  // Has the node's line fetched.
  void prefetch(uint32_t node) const { __builtin_prefetch(&nodes_[node], 1); }
  bool armed(uint32_t node) const { return nodes_[node].next != kNone; }

  // Takes out one node that is due at now and returns its index, or kNone when no more is due. Called in a
  // loop; between calls any node may be armed or disarmed (one armed for a time not after now fires at the
  // next tick, not in this loop without end). Bounded work per call but for moving a slot's nodes down a
  // level. A now earlier than the last one counts as the last one.
  static constexpr uint32_t kNone = 0xffffffffu;
  static constexpr uint64_t kBytesPerNode = 16;
  uint32_t expire(net::Instant now);

  // An instant before which nothing fires; never() when nothing is armed. May be earlier than the first
  // node's own.
  net::Instant next_expiry() const;
  uint32_t armed_count() const { return armed_count_; }

 private:
  static constexpr uint32_t kLevels = 4;
  static constexpr uint32_t kSlotBits = 8;
  static constexpr uint32_t kSlots = 1u << kSlotBits;
  static constexpr uint64_t kReach = uint64_t{1} << (kLevels * kSlotBits);  // in ticks
  static constexpr uint64_t kNoTick = ~uint64_t{0};

  // In a circular list through its slot's own node; out of any list, next is kNone.
  struct Node {
    uint32_t next = kNone;
    uint32_t previous = kNone;
    uint64_t tick = 0;  // the first tick at which it is due
  };
  static_assert(sizeof(Node) == kBytesPerNode);

  // Slots are nodes too, behind the owners' ones: so a node is unlinked without knowing which slot it is in.
  uint32_t slot_node(uint32_t level, uint64_t slot) const {
    return count_ + level * kSlots + static_cast<uint32_t>(slot % kSlots);
  }
  void insert(uint32_t node);
  void unlink(uint32_t node);
  void mark(uint32_t slot_node, bool occupied);
  uint32_t distance_to_occupied(uint32_t level, uint64_t slot) const;
  uint64_t next_event() const;
  void enter(uint64_t tick);

  uint32_t count_;
  uint32_t armed_count_ = 0;
  uint64_t current_;  // slots of this tick and before have been emptied, but for the level-0 slot that is
                      // being expired
  uint64_t target_;   // the tick of the latest now: nothing is armed for it or before it any more
  std::array<std::array<uint64_t, kSlots / 64>, kLevels> occupied_{};  // a bit per slot that holds a node
  std::pmr::vector<Node> nodes_;
};

}  // namespace tern::tcp
