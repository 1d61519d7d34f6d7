// SPDX-License-Identifier: BSD-3-Clause
// Options of segments after the handshake beside timestamps: SACK as its receiver (RFC 2018, RFC 2883), and
// the user timeout (RFC 5482). Few segments have any. A segment with text has the less text for them, so that
// it stays within what the path takes; one that is sent again keeps its text, and has the options that fit.
#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/options.hpp"
#include "tcp/user_timeout.hpp"

namespace tern::tcp {

// What was received again, if anything was (RFC 2883), then what is kept beyond a gap (RFC 2018).
uint32_t Connection::collect_sacks(std::array<SackBlock, kMaxSackBlocks>& blocks, const Core& core) const {
  if (!has(kSackOn)) return 0;
  uint32_t count = 0;
  if (tcb.reassembly != kNoReassembly) {
    count = core.reassemblies[tcb.reassembly].sack_blocks(blocks, kMaxSackBlocks);
  }
  if (core.duplicate.connection != core.index_of(*this)) return count;
  count = std::min(count + 1, kMaxSackBlocks);
  std::copy_backward(blocks.begin(), blocks.begin() + count - 1, blocks.begin() + count);
  blocks[0] = core.duplicate.text;
  return count;
}

// The text of a full segment that has all options which are due.
uint32_t Connection::text_beside_options(const Core& core) const {
  std::array<SackBlock, kMaxSackBlocks> blocks;
  const uint32_t timeout = (tcb.hold & kHoldUserTimeout) != 0 ? kUserTimeoutOptionBytes : 0;
  const uint32_t room = kMaxOptionBytes - option_bytes() - timeout;
  return tcb.mss - timeout - sack_bytes(sacks_in(room, collect_sacks(blocks, core)));
}

// room: bytes by which the segment may grow.
void Connection::add_rare_options(SegmentHeader& header, uint32_t room, Core& core) {
  if ((tcb.hold & kHoldUserTimeout) != 0 && room >= kUserTimeoutOptionBytes) {
    tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldUserTimeout);
    append_user_timeout(header, advertised_user_timeout(core.config(*this)));
    room -= kUserTimeoutOptionBytes;
  }
  std::array<SackBlock, kMaxSackBlocks> blocks;
  const uint32_t count = collect_sacks(blocks, core);
  if (append_sacks(header, std::span(blocks).first(count), room) == 0) return;
  if (core.duplicate.connection == core.index_of(*this)) core.duplicate.connection = Core::kNobody;
}

}  // namespace tern::tcp
