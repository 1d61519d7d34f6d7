// SPDX-License-Identifier: BSD-3-Clause
// What few connections have: the state of rare features. One slot of a pool for all of it, taken when first
// needed and kept until the connection is released, but for
// Fast Open, which gives one that only it used back with the handshake. Options that their user chose for
// them alone are a Config of their own at the slot's place, see socket_options.hpp.
#pragma once

#include "tcp/config.hpp"
#include "tcp/fast_open.hpp"

namespace tern::tcp {

struct Extra {
  uint16_t profile = 0;  // of the service, where the connection has a Config of its own

  // For the user timeout: the retransmission timer has run out, and what it waits for was due since.
  bool stalled = false;
  net::Instant stalled_since;

  bool borrowed = false;  // nobody but Fast Open has a use for it
  FastOpenAttempt fast_open;
};

}  // namespace tern::tcp
