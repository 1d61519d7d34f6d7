// SPDX-License-Identifier: BSD-3-Clause
// What the path takes: path MTU discovery by ICMP, RFC 1191, with the checks of RFC 5927 section 7.
//
// An MSS here is as in the option: text and TCP options of a segment. What the network's headers take is
// known below TCP.
#include <algorithm>
#include <array>
#include <utility>

#include "tcp/congestion.hpp"
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

// Where a router does not say what its next hop takes, the largest MTU in use below what it refused: RFC 1191
// section 7.1, less 40 bytes of headers.
uint16_t plateau_below(uint16_t mss) {
  constexpr std::array<uint16_t, 10> kPlateaus = {31960, 17874, 8126, 4312, 1962, 1452, 966, 468, 256, 28};
  const auto* found = std::find_if(kPlateaus.begin(), kPlateaus.end(), [mss](uint16_t p) { return p < mss; });
  return found == kPlateaus.end() ? mss : *found;
}

}  // namespace

uint16_t Connection::option_bytes() const { return has(kTimestampsOn) ? kTimestampOptionBytes : 0; }

void Connection::limit_path(uint16_t mss, net::Instant until, Core& core) {
  Extra* own = extra(core);
  if (own == nullptr) return;
  own->path_mss = mss;
  own->widen_at = until;
  if (tcb.mss != 0) use_path(core);
}

// RFC 5927 section 7.2: a message that would lower what has been getting through waits for the timeout that
// must follow if it is true.
void Connection::on_too_big(const net::IcmpReport& report, Core& core) {
  ++core.counters.icmp_too_big;
  uint16_t mss =
      report.room > kMinHeaderBytes ? static_cast<uint16_t>(report.room - kMinHeaderBytes) : uint16_t{0};
  if (report.room == 0 && report.length > kMinHeaderBytes) {
    mss = plateau_below(static_cast<uint16_t>(report.length - kMinHeaderBytes));
  }
  const bool synchronized = tcb.state > State::kSynReceived;
  const auto current = synchronized ? path_mss() : core.config(*this).mss;
  mss = std::max(mss, std::min(core.config(*this).mss_floor, current));
  if (mss >= current) return;  // it says what we know, or what nobody can
  // Nothing from the number that it quotes on was too large for that, so that no router has said it.
  if (synchronized && mss >= tcb.snd.nxt - Seq{report.sequence} + option_bytes()) return;
  Extra* own = extra(core);
  if (own == nullptr) return;
  if (!synchronized) {
    withdraw_syn_text(core);
    return limit_path(mss, core.now + kPathBelieved, core);
  }
  const Seq since = own->full_mss == 0 ? tcb.iss + 1 : own->mss_since;
  // Of what was sent since the segments have this size, has a whole one been acknowledged?
  const bool getting_through = since - tcb.snd.una > flight() && tcb.snd.una - since >= tcb.mss;
  if (getting_through) {
    own->doubtful_mss = mss;
    own->doubtful_una = tcb.snd.una;
    return;
  }
  narrow_path(mss, core);
}

// Whether a timeout has come true that a message foretold; then what was too long is sent again.
bool Connection::confirm_too_big(Core& core) {
  if (tcb.extra == kNoSlot) return false;
  Extra& own = core.extras[tcb.extra];
  const uint16_t mss = std::exchange(own.doubtful_mss, uint16_t{0});
  if (mss == 0 || own.doubtful_una != tcb.snd.una || mss >= path_mss()) return false;
  narrow_path(mss, core);
  return true;
}

// The path takes less: what is in flight is cut anew and sent again, which is no sign of congestion.
void Connection::narrow_path(uint16_t mss, Core& core) {
  Extra* own = extra(core);
  if (own == nullptr) return;
  ++core.counters.path_mtu_lowered;
  own->path_mss = mss;
  own->widen_at = core.now + kPathBelieved;
  own->doubtful_mss = 0;
  own->search_low = std::min(own->search_low, mss);
  own->search_high = std::min(own->search_high, mss);
  use_path(core);
  own->mss_since = tcb.snd.nxt;
  if (core.narrowed.size() < Core::kNarrowed) core.narrowed.push_back(core.index_of(*this));
  if (flight() != 0) resend_flight(core);
}

// Makes what the two ends agreed on and what the path takes the size of our segments.
void Connection::use_path(Core& core) {
  Extra& own = core.extras[tcb.extra];
  const bool opening = tcb.state <= State::kSynReceived;
  if (own.full_mss == 0 || opening) {
    own.full_mss = path_mss();
    own.mss_since = tcb.iss + 1;
  }
  const uint16_t mss = own.path_mss == 0 ? own.full_mss : std::min(own.path_mss, own.full_mss);
  tcb.mss = static_cast<uint16_t>(mss - option_bytes());
  tcb.ssthresh = std::max(tcb.ssthresh, 2u * tcb.mss);  // as RFC 5681, equation (4), has it
  tcb.cwnd = opening ? initial_window(tcb.mss, core.config(*this)) : std::max(tcb.cwnd, uint32_t{tcb.mss});
  congestion_control(*this, core).resize(*this, core);
  watch_peer(core);
}

// All that is in flight is lost, and the congestion window stays as it is (RFC 1191 section 6.5).
void Connection::resend_flight(Core& core) {
  tcb.flags = static_cast<uint16_t>(tcb.flags & ~kRttTimed);
  if ((tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) == 0) tcb.recover = tcb.snd.nxt;
  tcb.hold = static_cast<uint16_t>((tcb.hold & ~(kHoldFastRecovery | kHoldDuplicates)) | kHoldLossRecovery);
  tcb.duplicate_acks = 0;
  if (keep_scoreboard(core)) {
    Recovery& recovery = core.recoveries[tcb.recovery];
    recovery.probing = false;
    recovery.may_undo = false;
    if (recovery.board.reneged()) recovery.board.forget_sacks();
    recovery.board.lose_all();
    core.mark(*this, 0);
  } else {
    core.mark(*this, kMarkRetransmitHead);
  }
  start_retransmission_timer(core);
}

// The estimate has aged: the path may have widened. If not, a router says so again, or a probe is lost.
void Connection::widen_path(Core& core) {
  Extra& own = core.extras[tcb.extra];
  if (own.searching) return begin_search(own.path_mss, core);
  own.widen_at = net::Instant::never();
  own.path_mss = 0;
  own.mss_since = tcb.snd.nxt;
  use_path(core);
}

}  // namespace tern::tcp
