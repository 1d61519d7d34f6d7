// SPDX-License-Identifier: BSD-3-Clause
// A hierarchical timer wheel: a node lies at the level whose slots span its distance, in the slot of its own
// tick's digit there; when the wheel reaches the slot's first tick, its nodes move to finer levels.
#include "tcp/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace tern::tcp {
namespace {

// Instants are never negative, but a deadline reckoned backwards could be.
uint64_t tick_at_or_before(net::Instant t) {
  return static_cast<uint64_t>(std::max<int64_t>(t.ns, 0)) >> TimerWheel::kTickShift;
}

uint64_t tick_at_or_after(net::Instant t) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(t.ns, 0));
  const uint64_t within_tick = (uint64_t{1} << TimerWheel::kTickShift) - 1;
  return (ns >> TimerWheel::kTickShift) + ((ns & within_tick) != 0 ? 1 : 0);
}

}  // namespace

TimerWheel::TimerWheel(uint32_t nodes, net::Instant now, std::pmr::memory_resource* memory)
    : count_(nodes),
      current_(tick_at_or_before(now)),
      target_(current_),
      nodes_(nodes + kLevels * kSlots, memory) {
  for (uint32_t slot = count_; slot < nodes_.size(); ++slot) nodes_[slot].next = nodes_[slot].previous = slot;
}

void TimerWheel::arm(uint32_t node, net::Instant deadline) {
  if (deadline.is_never()) return;
  const uint64_t tick = std::max(tick_at_or_after(deadline), target_ + 1);
  if (armed(node)) {
    if (nodes_[node].tick <= tick) return;
    unlink(node);
  } else {
    ++armed_count_;
  }
  nodes_[node].tick = tick;
  insert(node);
}

void TimerWheel::disarm(uint32_t node) {
  if (!armed(node)) return;
  unlink(node);
  --armed_count_;
}

uint32_t TimerWheel::expire(net::Instant now) {
  target_ = std::max(target_, tick_at_or_before(now));
  for (;;) {
    const uint32_t due = slot_node(0, current_);
    const uint32_t node = nodes_[due].next;
    if (node != due) {
      unlink(node);
      --armed_count_;
      return node;
    }
    if (current_ == target_) return kNone;
    enter(std::min(next_event(), target_));
  }
}

net::Instant TimerWheel::next_expiry() const {
  const uint32_t due = slot_node(0, current_);
  const uint64_t tick = nodes_[due].next != due ? current_ : next_event();
  if (tick > tick_at_or_before(net::Instant::never())) return net::Instant::never();
  return {static_cast<int64_t>(tick << kTickShift)};
}

// Puts a node that is in no list where its tick belongs, seen from the current one.
void TimerWheel::insert(uint32_t node) {
  const uint64_t distance = std::min(nodes_[node].tick - current_, kReach - 1);
  const auto level = static_cast<uint32_t>(std::bit_width(distance | 1) - 1) / kSlotBits;
  const uint32_t slot = slot_node(level, (current_ + distance) >> (level * kSlotBits));
  const uint32_t last = nodes_[slot].previous;
  nodes_[node].next = slot;
  nodes_[node].previous = last;
  nodes_[last].next = node;
  nodes_[slot].previous = node;
  if (last == slot) mark(slot, true);
}

void TimerWheel::unlink(uint32_t node) {
  Node& n = nodes_[node];
  nodes_[n.next].previous = n.previous;
  nodes_[n.previous].next = n.next;
  if (n.next == n.previous) mark(n.next, false);  // only the slot itself is left
  n.next = kNone;
}

void TimerWheel::mark(uint32_t slot_node, bool occupied) {
  const uint32_t slot = slot_node - count_;
  uint64_t& word = occupied_[slot / kSlots][slot % kSlots / 64];
  const uint64_t bit = uint64_t{1} << (slot % 64);
  word = occupied ? word | bit : word & ~bit;
}

// How many slots, 1 to 256, the next one that holds a node is ahead of this one, which itself is 256 ahead; 0
// if none is.
uint32_t TimerWheel::distance_to_occupied(uint32_t level, uint64_t slot) const {
  const auto first = static_cast<uint32_t>((slot + 1) % kSlots);
  constexpr uint32_t kWords = kSlots / 64;
  for (uint32_t i = 0; i <= kWords; ++i) {
    const uint32_t at = (first / 64 + i) % kWords;
    uint64_t word = occupied_[level][at];
    if (i == 0) word &= ~uint64_t{0} << (first % 64);  // what is below comes last, in the fifth look
    if (word != 0) return (at * 64 + static_cast<uint32_t>(std::countr_zero(word)) - first) % kSlots + 1;
  }
  return 0;
}

// The next tick after the current one at which a slot is to be emptied; kNoTick when all are empty.
uint64_t TimerWheel::next_event() const {
  uint64_t earliest = kNoTick;
  for (uint32_t level = 0; level < kLevels; ++level) {
    const uint64_t slot = current_ >> (level * kSlotBits);
    const uint32_t distance = distance_to_occupied(level, slot);
    if (distance != 0) earliest = std::min(earliest, (slot + distance) << (level * kSlotBits));
  }
  return earliest;
}

// Makes tick the current one, which no occupied slot lies before, and moves down the slots that begin with
// it.
void TimerWheel::enter(uint64_t tick) {
  current_ = tick;
  for (uint32_t level = kLevels - 1; level > 0; --level) {
    const uint64_t slot = tick >> (level * kSlotBits);
    if (slot << (level * kSlotBits) != tick) continue;
    const uint32_t list = slot_node(level, slot);
    // None returns to this list: one that is too far still goes to the slot before it.
    while (nodes_[list].next != list) {
      const uint32_t node = nodes_[list].next;
      unlink(node);
      insert(node);
    }
  }
}

}  // namespace tern::tcp
