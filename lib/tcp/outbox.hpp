// SPDX-License-Identifier: BSD-3-Clause
// Segments that connections have decided to send, waiting for egress to build frames of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "net/packet.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

// One segment to be sent. The text stays in the connection's send queue, which outlives the outbox's burst.
struct Departure {
  uint32_t connection = 0;  // index
  uint32_t text_length = 0;
  rte_mbuf* text = nullptr;  // the packet with the first byte; more text follows in its queue's order
  uint32_t text_offset = 0;  // into that packet's payload
  EcnField ecn = EcnField::kNotCapable;
  bool doubts_path = false;  // the next hop may be gone: ask whether it is there (RFC 9293 MUST-20)
  SegmentHeader header;
};

// A bounded list, emptied once per burst. When it is full a connection stays ready and goes on in the next
// burst.
class Outbox {
 public:
  explicit Outbox(uint32_t capacity) : departures_(capacity) {}

  bool full() const { return count_ == departures_.size(); }
  uint32_t room() const { return static_cast<uint32_t>(departures_.size()) - count_; }
  // A fresh record; not to be called when full.
  Departure& add() { return departures_[count_++]; }
  std::span<const Departure> departures() const { return {departures_.data(), count_}; }
  void clear() { count_ = 0; }

 private:
  std::vector<Departure> departures_;
  uint32_t count_ = 0;
};

}  // namespace tern::tcp
