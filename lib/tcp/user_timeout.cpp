// SPDX-License-Identifier: BSD-3-Clause
// The user timeout: RFC 9293 section 3.9.1.1, RFC 5482. How long text may go unacknowledged, or wait before
// a closed window, until the connection is given up. It is looked at when the retransmission timer runs out,
// so that it costs nothing while all goes well.
//
// RFC 5482's variables: ENABLED is Config::user_timeout_option, ADV_UTO and what holds without advice
// Config::user_timeout, L_LIMIT and U_LIMIT user_timeout_least and _most, REMOTE_UTO
// Extra::peer_user_timeout; CHANGEABLE is true until the user chooses a timeout for the connection alone.
#include "tcp/user_timeout.hpp"

#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

namespace {
using std::chrono::minutes;
using std::chrono::seconds;
constexpr uint16_t kInMinutes = 0x8000;  // the granularity bit
constexpr int64_t kMostUnits = 0x7fff;
}  // namespace

uint16_t user_timeout_value(net::Duration timeout) {
  const int64_t in_seconds = std::chrono::ceil<seconds>(timeout).count();
  if (in_seconds <= kMostUnits) return static_cast<uint16_t>(in_seconds);
  const int64_t in_minutes = std::min<int64_t>(std::chrono::ceil<minutes>(timeout).count(), kMostUnits);
  return static_cast<uint16_t>(kInMinutes | in_minutes);
}

net::Duration user_timeout_of(uint16_t value) {
  const int64_t units = value & kMostUnits;
  return (value & kInMinutes) != 0 ? net::Duration(minutes(units)) : net::Duration(seconds(units));
}

// Whether the peer's advice counts: not before the handshake is done (section 3.3).
bool Connection::takes_advice(const Core& core) const {
  if (!core.config(*this).user_timeout_option || tcb.extra == kNoSlot) return false;
  if (tcb.state <= State::kSynReceived) return false;
  const Extra& own = core.extras[tcb.extra];
  return own.peer_user_timeout != 0 && !own.user_timeout_chosen;
}

// USER_TIMEOUT of section 3.1. The lower limit lies above every retransmission timeout.
net::Duration Connection::user_timeout(const Core& core) const {
  const Config& config = core.config(*this);
  if (!takes_advice(core)) return config.user_timeout;
  const net::Duration advice = user_timeout_of(core.extras[tcb.extra].peer_user_timeout);
  const net::Duration longest = std::min(config.user_timeout_most, std::max(config.user_timeout, advice));
  return std::max({longest, config.user_timeout_least, config.rto_max + seconds(1)});
}

void Connection::take_user_timeout(uint16_t advice, Core& core) {
  if (!core.config(*this).user_timeout_option) return;
  if (Extra* own = extra(core)) own->peer_user_timeout = advice;
}

// Section 3.2: in the first segment after the handshake, since a SYN's may not have got through, and after
// each change.
void Connection::tell_user_timeout(Core& core) {
  const bool due = advertised_user_timeout(core.config(*this)) != 0;
  tcb.hold = static_cast<uint16_t>((tcb.hold & ~kHoldUserTimeout) | (due ? kHoldUserTimeout : 0));
}

// The timer has run out, perhaps for the first time in a row. What it waits for has gone unanswered since
// the timer was started.
bool Connection::outlived_user_timeout(Core& core) {
  const net::Duration limit = user_timeout(core);
  if (limit.count() == 0) return false;
  Extra* own = extra(core);
  if (own == nullptr) return false;  // retransmissions have a limit all the same
  if (tcb.retransmit_expiries == 0) {
    own->stalled = true;
    own->stalled_since = core.now - rto(core);
  } else if (!own->stalled) {  // the timeout was set in the midst of it
    own->stalled = true;
    own->stalled_since = core.now;
  }
  return core.now - own->stalled_since >= limit;
}

// What is left of the user timeout bounds the timer, or it would run out late (RFC 5482 section 4.1).
net::Duration Connection::bounded_by_user(net::Duration timeout, const Core& core) const {
  const net::Duration limit = user_timeout(core);
  if (limit.count() == 0 || tcb.extra == kNoSlot || !core.extras[tcb.extra].stalled) return timeout;
  const net::Duration left = core.extras[tcb.extra].stalled_since + limit - core.now;
  return std::clamp(left, net::Duration::zero(), timeout);
}

}  // namespace tern::tcp
