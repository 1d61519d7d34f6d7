// SPDX-License-Identifier: BSD-3-Clause
// An ICMP error about a segment of ours: RFC 9293 section 3.9.2.2, RFC 5927. Anyone can send one, so that it
// counts only if it quotes a sequence number that is in flight, ends nothing that is synchronized, and is
// otherwise remembered as the reason if the connection should time out.
#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {

// RFC 1122 section 4.2.3.9, to which the prohibitions of RFC 1812 were added.
bool is_hard(net::IcmpError error) {
  return error == net::IcmpError::kProtocolUnreachable || error == net::IcmpError::kPortUnreachable ||
         error == net::IcmpError::kProhibited;
}

CloseReason reason_of(net::IcmpError error) {
  if (error == net::IcmpError::kNetUnreachable) return CloseReason::kNetworkUnreachable;
  return is_hard(error) ? CloseReason::kRefused : CloseReason::kUnreachable;
}

}  // namespace

void Connection::on_icmp(const net::IcmpReport& report, Core& core) {
  if (tcb.state == State::kClosed || tcb.state == State::kTimeWait) return;
  const Seq quoted{report.sequence};
  if (quoted < tcb.snd.una || quoted >= tcb.snd.nxt) {  // RFC 5927 section 4.1
    ++core.counters.icmp_out_of_window;
    return;
  }
  core.mark(*this, 0);
  if (report.error == net::IcmpError::kTooBig) return on_too_big(report, core);
  if (tcb.state == State::kSynSent) note_fast_open_failure(core);
  const bool hard = is_hard(report.error);
  ++(hard ? core.counters.icmp_hard_errors : core.counters.icmp_soft_errors);
  // SHLD-26, but in synchronized states only a reason: RFC 5927 section 5.2. A half-open connection of a
  // listener answers the peer's SYN; its own timeout ends it soon enough.
  const bool opening = tcb.state == State::kSynSent || (tcb.state == State::kSynReceived && !half_open());
  if (hard && opening) return give_up(CloseReason::kRefused, core);
  tcb.soft_error = reason_of(report.error);
}

}  // namespace tern::tcp
