// SPDX-License-Identifier: BSD-3-Clause
// What a connection keeps while something it sent is missing, or may be: from the first SACK block or timeout
// until all is mended. Few connections of a core need one at a time.
#pragma once

#include <cstdint>

#include "tcp/scoreboard.hpp"

namespace tern::tcp {

struct Recovery {
  Scoreboard board;
  Delivery delivery;  // of the acknowledgment that is being processed
  // Proportional rate reduction, RFC 6937 section 3: since fast recovery began.
  uint32_t delivered = 0;        // prr_delivered, bytes
  uint32_t sent = 0;             // prr_out, bytes
  uint32_t flight_at_start = 0;  // RecoverFS, bytes
};

}  // namespace tern::tcp
