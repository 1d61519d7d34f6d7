// SPDX-License-Identifier: BSD-3-Clause
// The retransmission timeout. RFC 6298.
#include "tcp/rto.hpp"

#include <algorithm>

namespace tern::tcp {
namespace {

// G of RFC 6298 section 2: the step of the clock that timers run by, here the timer wheel's tick.
constexpr net::Duration kGranularity = std::chrono::milliseconds(1);
// Above any round trip: what is longer is cut, so that the sums below stay within their words.
constexpr int64_t kLongestSampleUs = 1'000'000'000;

}  // namespace

void RttEstimate::sample(net::Duration rtt) {
  const auto r = static_cast<uint32_t>(std::clamp<int64_t>(rtt.count() / 1000, 1, kLongestSampleUs));
  if (srtt_us == 0) {  // section 2.2
    srtt_us = r;
    rttvar_us = r / 2;
    return;
  }
  // Section 2.3; RTTVAR first, since it takes SRTT as it was. SRTT is rounded to nearest, so that a steady
  // sample is reached from below as well as from above.
  const uint64_t difference = r > srtt_us ? r - srtt_us : srtt_us - r;
  rttvar_us = static_cast<uint32_t>((3 * uint64_t{rttvar_us} + difference) / 4);
  srtt_us = static_cast<uint32_t>((7 * uint64_t{srtt_us} + r + 4) / 8);
}

net::Duration RttEstimate::timeout(net::Duration initial, net::Duration min, net::Duration max) const {
  if (srtt_us == 0) return std::min(initial, max);  // section 2.1
  const net::Duration variation = std::chrono::microseconds(4 * int64_t{rttvar_us});
  const net::Duration rto = std::chrono::microseconds(int64_t{srtt_us}) + std::max(kGranularity, variation);
  return std::min(std::max(rto, min), max);  // sections 2.4 and 2.5
}

net::Duration backed_off(net::Duration timeout, uint32_t expiries, net::Duration max) {
  // Compared before it is doubled, so that no count overflows.
  if (expiries >= 63 || timeout > net::Duration(max.count() >> expiries)) return max;
  return net::Duration(timeout.count() << expiries);
}

}  // namespace tern::tcp
