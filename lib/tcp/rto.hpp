// SPDX-License-Identifier: BSD-3-Clause
// The retransmission timeout. RFC 6298.
#pragma once

#include <cstdint>

#include "net/instant.hpp"

namespace tern::tcp {

// R1 of RFC 9293 section 3.8.3: after so many retransmissions in a row that were in vain the next hop is
// asked for anew, and the service is told.
constexpr uint8_t kR1 = 3;

// Smoothed round-trip time and its variation; in microseconds, to be small.
struct RttEstimate {
  uint32_t srtt_us = 0;  // 0 until the first sample
  uint32_t rttvar_us = 0;

  // Section 2.2 and 2.3 with alpha 1/8, beta 1/4. A sample of 0 counts as 1 us.
  void sample(net::Duration rtt);
  // Section 2.2 to 2.5: max(srtt + max(G, 4 rttvar), min), at most max; initial before the first sample.
  net::Duration timeout(net::Duration initial, net::Duration min, net::Duration max) const;
};

// Section 5.5: the timeout after this many expiries in a row.
net::Duration backed_off(net::Duration timeout, uint32_t expiries, net::Duration max);

}  // namespace tern::tcp
