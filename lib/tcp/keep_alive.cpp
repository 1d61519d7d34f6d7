// SPDX-License-Identifier: BSD-3-Clause
// Keep-alive: RFC 9293 section 3.8.4. A peer that has been silent for long is asked whether it is still
// there.
//
// Nothing of it is done for a segment that arrives but a note of when that was. The idle deadline, which no
// other timer needs in the states that last, looks at the note when it runs out, and mostly finds that it
// has to wait on.
#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

net::Duration Connection::silence(const Core& core) const {
  return net::Duration(int64_t{core.coarse_now - tcb.heard_at} << Core::kCoarseShift);
}

// Whether the idle deadline is the end of a closing state, rather than the time to look after the peer.
bool Connection::ending() const {
  return tcb.state == State::kTimeWait || (tcb.state == State::kFinWait2 && has(kReadClosed)) ||
         (tcb.hold & kHoldLinger) != 0;
}

// When to look next: at the peer, or at what the path takes.
void Connection::watch_peer(Core& core) {
  if (tcb.state <= State::kSynReceived || ending()) return;
  const KeepAlive& settings = core.config(*this).keep_alive;
  if (!settings.on) return wake_idle(net::Instant::never(), core);
  const net::Duration due = (tcb.silent_probes == 0 ? settings.idle : settings.interval) - silence(core);
  wake_idle(core.now + std::max(due, net::Duration::zero()), core);
}

void Connection::wake_idle(net::Instant due, const Core& core) {
  tcb.idle_deadline = tcb.extra == kNoSlot ? due : std::min(due, core.extras[tcb.extra].widen_at);
}

void Connection::on_idle_timeout(Core& core) {
  tcb.idle_deadline = Deadline::never();
  if ((tcb.hold & kHoldLinger) != 0) return abort(core);
  if (ending()) return give_up(CloseReason::kFinished, core);  // 2MSL is over, or FIN-WAIT-2 was in vain
  if (tcb.extra != kNoSlot && core.extras[tcb.extra].widen_at <= core.now) widen_path(core);
  if (core.config(*this).keep_alive.on) return check_keep_alive(core);
  watch_peer(core);
}

void Connection::check_keep_alive(Core& core) {
  const KeepAlive& settings = core.config(*this).keep_alive;
  if (flight() != 0 || unsent_bytes() != 0) {  // MUST-26: retransmissions and probes of the window tell
    return wake_idle(core.now + settings.idle, core);
  }
  const net::Duration silent = silence(core);
  if (silent < (tcb.silent_probes == 0 ? settings.idle : settings.interval)) return watch_peer(core);
  const net::Duration patience = user_timeout(core);
  const bool over = patience.count() == 0 ? tcb.silent_probes >= settings.count
                                          : tcb.silent_probes != 0 && silent >= patience;
  if (over) {
    ++core.counters.connections_timed_out;
    give_up(timed_out(), core);
    core.mark(*this, kMarkReset);  // if the peer is there after all, let it know
    return;
  }
  ++tcb.silent_probes;
  tcb.hold |= kHoldKeepAlive;
  wake_idle(core.now + settings.interval, core);
  core.mark(*this, kMarkProbe);
}

// SHLD-12: no text, and a number that the peer has seen already, so that it answers by an ACK. It takes
// nothing from a segment out of its window, so that whatever was owed to it would be owed still; but after
// such a silence nothing is.
void Connection::emit_keep_alive(Core& core) {
  ++core.counters.keep_alive_probes;
  Departure& departure = core.outbox.add();
  departure = Departure{};
  departure.connection = core.index_of(*this);
  fill_header(departure.header, tcb.snd.nxt - 1, kAck, core);
}

}  // namespace tern::tcp
