// SPDX-License-Identifier: BSD-3-Clause
// What few connections have: options that their user chose for them alone, and the state of rare features.
// One slot of a pool for all of it, taken when first needed and kept until the connection is released.
#pragma once

#include "tcp/config.hpp"

namespace tern::tcp {

struct Extra {
  // Options are the service's until the user chooses others for this connection.
  KeepAlive keep_alive;
  net::Duration user_timeout{0};

  // For the user timeout: the retransmission timer has run out, and what it waits for was due since.
  bool stalled = false;
  net::Instant stalled_since;
};

}  // namespace tern::tcp
