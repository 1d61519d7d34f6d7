// SPDX-License-Identifier: BSD-3-Clause
// What few connections have: options that their user chose for them alone, and the state of rare features.
// One slot of a pool for all of it, taken when first needed and kept until the connection is released, but
// for Fast Open, which gives one that only it used back with the handshake.
#pragma once

#include "tcp/config.hpp"
#include "tcp/fast_open.hpp"

namespace tern::tcp {

struct Extra {
  // Options are the service's until the user chooses others for this connection.
  KeepAlive keep_alive;
  net::Duration user_timeout{0};

  // For the user timeout: the retransmission timer has run out, and what it waits for was due since.
  bool stalled = false;
  net::Instant stalled_since;

  bool borrowed = false;  // nobody but Fast Open has a use for it
  FastOpenAttempt fast_open;
};

}  // namespace tern::tcp
