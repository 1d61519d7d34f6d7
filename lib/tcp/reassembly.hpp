// SPDX-License-Identifier: BSD-3-Clause
// Text that arrived ahead of RCV.NXT. RFC 9293 section 3.10.7.4, seventh step; bounded against CVE-2018-5390.
//
// Kept as at most kMaxRuns runs of contiguous bytes, so that inserting looks at 32 places however many
// segments there are; small segments are copied behind their predecessor where its buffer has room, so that
// they do not pin a buffer each. Every byte is held once: the part of a segment that is here already is cut
// off before it is kept, but for runs that lie wholly within it: those it replaces.
#pragma once

#include <array>
#include <cstdint>

#include "net/packet.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

class Reassembly {
 public:
  static constexpr uint32_t kMaxRuns = 32;
  // A segment of at most this many bytes is copied behind its predecessor rather than kept in a buffer of its
  // own.
  static constexpr uint32_t kCopyBelow = 256;

  struct Outcome {
    bool kept = false;           // at least one new byte was stored
    bool duplicate = false;      // all of it was here already
    bool refused = false;        // it would have opened a run beyond kMaxRuns
    uint32_t packets_freed = 0;  // buffers given back at once (the argument's too, if copied or dropped)
  };
  // Stores text whose first byte has sequence number seq. The caller has trimmed it to the window already.
  // Text of no bytes is a duplicate.
  Outcome insert(Seq seq, net::Packet text);

  // If the first run begins at or before rcv_nxt, moves its packets, trimmed to begin at rcv_nxt, to the back
  // of queue and returns how many bytes became in order; else 0. packets_freed grows by buffers given back on
  // the way. Runs that end at or before rcv_nxt are given back whole.
  uint32_t take(Seq rcv_nxt, net::PacketQueue& queue, uint32_t& packets_freed);

  // The first part of [left, right) that is here; empty, both ends left, when nothing of it is.
  SackBlock overlap(Seq left, Seq right) const;

  // The peer's FIN has come, and this is its number.
  void keep_fin(Seq seq) { has_fin_ = true, fin_ = seq; }
  // Whether the FIN is next; it is no longer kept then, nor if text has gone beyond it.
  bool take_fin(Seq rcv_nxt) {
    if (!has_fin_ || rcv_nxt < fin_) return false;
    has_fin_ = false;
    return rcv_nxt == fin_;
  }

  bool empty() const { return count_ == 0 && !has_fin_; }
  uint32_t runs() const { return count_; }
  uint32_t bytes() const;
  uint32_t packets() const { return packets_; }
  void clear();

  // The blocks to report, the one that the latest segment belongs to first, then those reported most recently
  // (RFC 2018 section 4). Returns how many were written, at most limit.
  uint32_t sack_blocks(std::array<SackBlock, kMaxSackBlocks>& blocks, uint32_t limit) const;

 private:
  // Bytes [left, right), in packets without a gap.
  struct Run {
    Seq left;
    Seq right;
    uint32_t touched = 0;  // value of touches_ when a segment last belonged to it
    uint32_t packets = 0;  // how many queue holds
    net::PacketQueue queue;
  };

  void append(Run& run, net::Packet text);
  void prepend(Run& run, net::Packet text);
  void open(uint32_t place, Seq seq, net::Packet text);
  void join(uint32_t place);
  void close(uint32_t first, uint32_t last);

  uint32_t count_ = 0;
  uint32_t packets_ = 0;
  uint32_t touches_ = 0;
  bool has_fin_ = false;
  Seq fin_;
  std::array<Run, kMaxRuns> runs_;  // [0, count_) are used: ascending, a gap of at least one byte between two
};

}  // namespace tern::tcp
