// SPDX-License-Identifier: BSD-3-Clause
// Which connections are awake, and where: each has an index for as long as it lives, its place in the flow
// table, but a slot with a TCB only while it is awake. See dormant.hpp.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <numeric>
#include <vector>

#include "tcp/pool.hpp"

namespace tern::tcp {

// Slots are handed out last in, first out: the TCBs of short connections stay in the cache.
class Slots {
 public:
  // So many slots for so many connections: 4 bytes a connection, 8 a slot.
  Slots(uint32_t connections, uint32_t slots,
        std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : slots_(connections, kNoSlot, memory), owners_(slots, kNoSlot, memory), free_(slots, memory) {
    std::iota(free_.rbegin(), free_.rend(), 0u);
  }
  // Each connection has the slot of its index, and keeps it.
  explicit Slots(uint32_t connections) : fixed_(true), slots_(connections), owners_(connections) {
    std::iota(slots_.begin(), slots_.end(), 0u);
    std::iota(owners_.begin(), owners_.end(), 0u);
  }

  uint32_t connections() const { return static_cast<uint32_t>(slots_.size()); }
  // kNoSlot for one that is asleep, or for an index that no connection has.
  uint32_t slot_of(uint32_t index) const { return slots_[index]; }
  // Has the line with slot_of(index) fetched.
  void prefetch(uint32_t index) const { __builtin_prefetch(&slots_[index]); }
  uint32_t owner(uint32_t slot) const { return owners_[slot]; }
  bool full() const { return free_.empty() && !fixed_; }
  // For an index that has none; not full().
  uint32_t take(uint32_t index) {
    if (fixed_) return index;
    const uint32_t slot = free_.back();
    free_.pop_back();
    slots_[index] = slot;
    owners_[slot] = index;
    return slot;
  }
  void give_back(uint32_t slot) {
    if (fixed_) return;
    slots_[owners_[slot]] = kNoSlot;
    owners_[slot] = kNoSlot;
    free_.push_back(slot);
  }
  // All slots in turn, for who looks for one that can be given back.
  uint32_t ahead_in_turn(uint32_t by) const {
    return static_cast<uint32_t>((uint64_t{turn_} + by) % owners_.size());
  }
  uint32_t next_in_turn() { return turn_ = turn_ + 1 < owners_.size() ? turn_ + 1 : 0; }

 private:
  bool fixed_ = false;
  uint32_t turn_ = 0;
  std::pmr::vector<uint32_t> slots_;   // by index
  std::pmr::vector<uint32_t> owners_;  // index by slot
  std::pmr::vector<uint32_t> free_;
};

}  // namespace tern::tcp
