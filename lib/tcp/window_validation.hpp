// SPDX-License-Identifier: BSD-3-Clause
// Whether the congestion window was used of late: RFC 7661, for connections that keep theirs through pauses.
#pragma once

#include <cstdint>

#include "net/instant.hpp"
#include "tcp/seq.hpp"

namespace tern::tcp {

// Of one connection. Until it has begun it knows nothing, and every window is valid.
class WindowValidation {
 public:
  bool begun() const { return !valid_at_.is_never(); }
  // pipeACK is undefined from now on, so that the window is valid (sections 4.1 and 4.2).
  void forget(net::Instant now);
  // SND.UNA has moved from one number to another while nothing was being recovered.
  void acknowledged(Seq from, Seq una, uint32_t cwnd, net::Duration rtt, net::Instant now);
  // Whether this is the validated phase of section 4.3, in which half of the window was used of late.
  bool valid(uint32_t cwnd, Seq una, net::Duration rtt, net::Instant now) const;
  // Section 4.4.3: how many periods of five minutes have passed in the other phase; each is told once.
  uint32_t periods(net::Instant now);

  // Section 4.4.1. Something was lost in the non-validated phase, with so much in flight, and so many
  // segments sent again before. Returns the window for its recovery, in bytes.
  uint32_t lost(uint32_t flight, Seq una, net::Duration rtt, uint32_t segments_again, net::Instant now);
  // The window when that is over; 0 where the recovery did not begin so.
  uint32_t recovered(uint32_t segments_again, uint16_t mss) const;

 private:
  uint32_t pipe_ack(Seq una, net::Duration rtt, net::Instant now) const;
  void take_sample(uint32_t bytes, net::Duration rtt, net::Instant now);

  bool defined_ = false;
  uint32_t most_ = 0;         // the largest sample of this third of the sampling period, in bytes
  uint32_t most_before_ = 0;  // and of the one before; the last is left for samples that are taken late
  Seq round_from_;            // SND.UNA when the round trip began whose sample is under way
  uint32_t loss_ = 0;         // Max(pipeACK, LossFlightSize)
  uint32_t again_before_ = 0;
  net::Instant third_began_;
  net::Instant round_began_ = net::Instant::never();
  net::Instant valid_at_ = net::Instant::never();  // when the window was valid last
};

}  // namespace tern::tcp
