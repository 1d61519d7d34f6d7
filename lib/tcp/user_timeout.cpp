// SPDX-License-Identifier: BSD-3-Clause
// The user timeout: RFC 9293 section 3.9.1.1, RFC 5482. How long text may go unacknowledged, or wait before
// a closed window, until the connection is given up. It is looked at when the retransmission timer runs out,
// so that it costs nothing while all goes well.
#include <algorithm>

#include "tcp/connection.hpp"

namespace tern::tcp {

// The timer has run out, perhaps for the first time in a row. What it waits for has gone unanswered since
// the timer was started.
bool Connection::outlived_user_timeout(Core& core) {
  const net::Duration limit = core.config(*this).user_timeout;
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
  const net::Duration limit = core.config(*this).user_timeout;
  if (limit.count() == 0 || tcb.extra == kNoSlot || !core.extras[tcb.extra].stalled) return timeout;
  const net::Duration left = core.extras[tcb.extra].stalled_since + limit - core.now;
  return std::clamp(left, net::Duration::zero(), timeout);
}

}  // namespace tern::tcp
