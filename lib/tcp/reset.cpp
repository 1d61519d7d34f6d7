// SPDX-License-Identifier: BSD-3-Clause
// The answer to a segment that belongs to nothing. RFC 9293 section 3.10.7.1.
#include "tcp/reset.hpp"

namespace tern::tcp {

std::optional<SegmentHeader> reset_for(const Segment& seg) {
  if (seg.has(kRst)) return std::nullopt;
  SegmentHeader header;
  if (seg.has(kAck)) {
    header.seq = seg.ack;
    header.flags = kRst;
  } else {
    header.seq = Seq{0};
    header.ack = seg.end();
    header.flags = kRst | kAck;
  }
  return header;
}

}  // namespace tern::tcp
