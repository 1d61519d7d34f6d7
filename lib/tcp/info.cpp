// SPDX-License-Identifier: BSD-3-Clause
// What a user may learn of a connection: RFC 9293 section 3.9.1.6, RFC 4898.
#include "tcp/info.hpp"

#include <algorithm>

#include "tcp/connection.hpp"
#include "tcp/user_timeout.hpp"

namespace tern::tcp {

namespace {

LossState loss_state(const Tcb& tcb) {
  if ((tcb.hold & kHoldLossRecovery) != 0) return LossState::kLoss;
  if ((tcb.hold & kHoldFastRecovery) != 0) return LossState::kRecovery;
  return (tcb.hold & kHoldDuplicates) != 0 ? LossState::kDisorder : LossState::kOpen;
}

// Bytes from the first after the SYN up to a number; a SYN that is not acknowledged is none.
uint32_t bytes_since(Seq initial, Seq next) { return next == initial ? 0 : next - (initial + 1); }

// Where the core had no room left for BBR it is NewReno.
Congestion congestion_in_charge(const Connection& connection, const Core& core) {
  const Congestion wanted = core.config(connection).congestion;
  const Tcb& tcb = connection.tcb;
  if (wanted != Congestion::kBbr || tcb.state < State::kEstablished) return wanted;
  const bool has_model = tcb.congestion != kNoSlot && core.congestions[tcb.congestion].bbr != kNoSlot;
  return has_model ? Congestion::kBbr : Congestion::kNewReno;
}

}  // namespace

LimitedBy Connection::limited_by() const {
  const uint32_t unsent = unsent_bytes();
  if (flight() == 0 && unsent == 0) return LimitedBy::kIdle;
  const uint32_t window = std::min(tcb.snd.wnd, tcb.cwnd);
  if (unsent != 0 && flight() + std::min<uint32_t>(unsent, tcb.mss) > window) {
    return tcb.snd.wnd < tcb.cwnd ? LimitedBy::kReceiver : LimitedBy::kCongestion;
  }
  return (tcb.marks & kMarkWantsRoom) != 0 ? LimitedBy::kSendBuffer : LimitedBy::kSender;
}

// From now on, where the configuration wants it.
void Connection::begin_accounting(Core& core) {
  Extra* own = core.config(*this).account_limits ? extra(core) : nullptr;
  if (own == nullptr) return;
  own->limit_times = {};
  own->limited_by = limited_by();
  own->limited_since = core.now;
}

// Once a round, after output: RFC 4898, tcpEStatsPerfSndLimTime*.
void Connection::account_limits(Core& core) {
  if (!core.config(*this).account_limits) return;
  Extra& own = core.extras[tcb.extra];
  const LimitedBy now = limited_by();
  if (now == own.limited_by) return;
  own.limit_times[static_cast<size_t>(own.limited_by)] += core.now - own.limited_since;
  own.limited_by = now;
  own.limited_since = core.now;
}

Info Connection::info(const Core& core) const {
  Info info;
  info.state = tcb.state;
  info.service = core.service_of(*this);
  info.half_open = half_open();
  info.waiting = waiting();
  info.timestamps = has(kTimestampsOn);
  info.sack = has(kSackOn);
  info.window_scale = has(kWindowScaleOn);
  info.ecn = has(kEcnOn);
  info.syn_text = has(kSynTextTaken);
  info.send_scale = tcb.snd_scale;
  info.receive_scale = tcb.rcv_scale;
  info.congestion = congestion_in_charge(*this, core);
  info.loss_state = loss_state(tcb);
  info.expiries = tcb.retransmit_expiries;
  info.mss = tcb.mss;
  info.advertised_mss = core.config(*this).mss;
  info.rtt_us = tcb.srtt_us;
  info.rttvar_us = tcb.rttvar_us;
  info.rto = rto(core);
  info.cwnd = tcb.cwnd;
  info.ssthresh = tcb.ssthresh;
  info.flight = flight();
  info.unsent = unsent_bytes();
  info.limited_by = limited_by();
  if (tcb.extra != kNoSlot) {
    info.peer_user_timeout = user_timeout_of(core.extras[tcb.extra].peer_user_timeout);
  }
  if (tcb.extra != kNoSlot && core.config(*this).account_limits) {
    const Extra& own = core.extras[tcb.extra];
    info.limit_times = own.limit_times;
    info.limit_times[static_cast<size_t>(own.limited_by)] += core.now - own.limited_since;
  }
  info.unread = tcb.unread;
  info.send_window = tcb.snd.wnd;
  info.receive_window = tcb.rcv.wnd;
  info.retransmissions = tcb.retransmitted;
  info.bytes_sent = bytes_since(tcb.iss, tcb.snd.nxt) - (has(kFinSent) ? 1 : 0);
  info.bytes_acknowledged = bytes_since(tcb.iss, tcb.snd.una) - (info.flight == 0 && has(kFinSent) ? 1 : 0);
  info.bytes_received = bytes_since(tcb.irs, tcb.rcv.nxt) - (has(kFinReceived) ? 1 : 0);
  if (tcb.state != State::kSynSent) info.silence = silence(core);
  return info;
}

}  // namespace tern::tcp
