// SPDX-License-Identifier: BSD-3-Clause
// What the path takes, found without its routers' help: RFC 4821, RFC 8899. A path that swallows large
// segments in silence shows by timeouts in a row; segments are made small, and then probes of real text say
// what gets through. A probe that is lost is no sign of congestion.
//
// An MSS here is as in the option, see path_mtu.cpp.
#include <algorithm>
#include <utility>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {
constexpr uint8_t kSuspectAfter = 3;     // timeouts in a row: R1 of RFC 9293 section 3.8.3
constexpr uint16_t kCloseEnough = 8;     // bytes between what gets through and what does not
constexpr uint32_t kSegmentsBehind = 3;  // behind a probe, to tell of its loss: RFC 4821 section 7.4
}  // namespace

// A connection of which nothing is suspected begins to search. What has been said so far is a SYN, or little
// more: its first window is one of segments of the size that is really sent (RFC 6928 section 2).
void Connection::search_path(Core& core) {
  Extra* own = extra(core);
  if (own == nullptr) return;
  use_path(core);
  const uint16_t known = own->path_mss;
  const uint16_t base = known != 0 ? known : core.config(*this).base_mss;
  begin_search(std::min(base, own->full_mss), core);
  tcb.cwnd = std::min(tcb.cwnd, initial_window(tcb.mss, core.config(*this)));
}

void Connection::begin_search(uint16_t low, Core& core) {
  Extra& own = core.extras[tcb.extra];
  own.searching = true;
  own.search_low = own.path_mss = low;
  own.search_high = own.full_mss;
  own.halving = false;
  use_path(core);
  own.mss_since = tcb.snd.nxt;
  continue_search(core);
}

// Timeouts in a row: if what is lost is larger than what any path takes, that may be why. It goes by what is
// lost, which may be much less than a whole segment.
void Connection::suspect_black_hole(Core& core) {
  const Config& config = core.config(*this);
  if (config.mtu_probing == MtuProbing::kOff || tcb.retransmit_expiries < kSuspectAfter) return;
  const bool before = tcb.extra != kNoSlot && core.extras[tcb.extra].searching;
  const uint32_t lost = std::min<uint32_t>(flight(), tcb.mss) + option_bytes();
  const auto smaller =
      static_cast<uint16_t>(before ? std::max<uint32_t>(lost / 2, config.mss_floor) : config.base_mss);
  if (lost <= smaller || extra(core) == nullptr) return;
  ++core.counters.black_holes_suspected;
  use_path(core);  // notes what the ends agreed on
  begin_search(smaller, core);
}

// Another probe, as long as that may bring a larger segment.
void Connection::continue_search(Core& core) {
  Extra& own = core.extras[tcb.extra];
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkMtuProbe);
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldText);
  if (own.search_high - own.search_low >= kCloseEnough) {
    own.widen_at = net::Instant::never();
    return core.mark(*this, kMarkMtuProbe);
  }
  const bool whole = own.search_low == own.full_mss;
  own.widen_at = whole ? net::Instant::never() : core.now + kPathBelieved;
  if (!whole && core.narrowed.size() < Core::kNarrowed) core.narrowed.push_back(core.index_of(*this));
  watch_peer(core);
}

// The next size to try: all that the ends agreed on first, since most paths take it, then halfway. Where only
// room in the windows is lacking, other text waits until acknowledgments have made it: each brings too
// little.
bool Connection::emit_mtu_probe(Core& core) {
  constexpr uint16_t kAmiss =
      kHoldFastRecovery | kHoldLossRecovery | kHoldPersist | kHoldDuplicates | kHoldScoreboard;
  Extra& own = core.extras[tcb.extra];
  const auto size =
      static_cast<uint16_t>(own.halving ? (own.search_low + own.search_high + 1) / 2 : own.search_high);
  const auto length = static_cast<uint32_t>(size - option_bytes());
  const uint32_t wanted = length + kSegmentsBehind * tcb.mss;
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldText);
  if ((tcb.hold & kAmiss) != 0 || std::min({unsent_bytes(), tcb.snd.wnd, tcb.cwnd}) < wanted) return true;
  if (usable_window(core) < length) {
    tcb.hold |= kHoldText;
    return true;
  }
  if (core.outbox.full()) return false;
  ++core.counters.mtu_probes;
  own.probe_mss = size;
  own.probe_start = tcb.snd.nxt;
  if (flight() == 0) tcb.retransmit_deadline = Deadline::never();
  send_new_text(length, core);
  run_retransmission_timer(core);
  own.probe_end = tcb.snd.nxt;
  tcb.hold |= kHoldMtuProbe;
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkMtuProbe);
  return true;
}

// After an acknowledgment: the path takes the probe.
void Connection::settle_mtu_probe(Core& core) {
  Extra& own = core.extras[tcb.extra];
  if (tcb.snd.una < own.probe_end) return;
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldMtuProbe);
  own.search_low = own.path_mss = own.probe_mss;
  use_path(core);
  continue_search(core);
}

// Whether what was found lost is a probe, and no more. It is sent again in segments that get through, without
// a word to congestion control (RFC 4821 section 7.6.2, RFC 8899 section 3).
bool Connection::lost_mtu_probe(Core& core) {
  if ((tcb.hold & kHoldMtuProbe) == 0 || core.extras[tcb.extra].probe_start != tcb.snd.una) return false;
  Extra& own = core.extras[tcb.extra];
  give_up_mtu_probe(core);
  tcb.duplicate_acks = 0;
  tcb.recover = own.probe_end;
  tcb.hold = static_cast<uint16_t>((tcb.hold & ~kHoldDuplicates) | kHoldLossRecovery);
  // Without SACK a scoreboard would not learn what has left the network behind the probe.
  if (has(kSackOn) && keep_scoreboard(core)) {
    core.recoveries[tcb.recovery].board.lose_head(own.probe_end - own.probe_start);
    core.mark(*this, 0);
  } else {
    core.mark(*this, kMarkRetransmitHead);
  }
  return true;
}

// The probe is lost, or a timeout has made it impossible to know.
void Connection::give_up_mtu_probe(Core& core) {
  Extra& own = core.extras[tcb.extra];
  tcb.hold = static_cast<uint16_t>(tcb.hold & ~kHoldMtuProbe);
  if (own.probe_start == tcb.snd.una) {
    ++core.counters.mtu_probes_lost;
    own.search_high = std::max(static_cast<uint16_t>(own.probe_mss - 1), own.search_low);
    own.halving = true;
  }
  continue_search(core);
}

}  // namespace tern::tcp
