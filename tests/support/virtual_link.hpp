// SPDX-License-Identifier: BSD-3-Clause
// One direction of a bad network in virtual time: it loses, repeats, reorders, corrupts and delays by a
// seeded random source, and may be slow with a short queue.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "net/icmp_error.hpp"
#include "net/instant.hpp"
#include "tcp/segment.hpp"

namespace tern::test {

struct Faults {
  // Probabilities for each frame.
  double loss = 0;
  double duplication = 0;
  double corruption = 0;
  double reordering = 0;  // held back by up to ten delays
  double marking = 0;     // of those that are capable of ECN
  net::Duration delay = std::chrono::milliseconds(10);
  net::Duration jitter{0};
  net::Duration poll = std::chrono::microseconds(1);  // what arrives within one comes as one burst
  uint64_t bytes_per_second = 0;                      // 0: any number
  uint32_t queue_bytes = 30'000;                      // of a slow link: what does not fit is lost
  uint32_t mark_bytes = 0;  // beyond so many in the queue what is capable of ECN is marked; 0: never
  // So long after the first frame the path narrows to TCP headers and text of so many bytes, 0: never; and
  // whether its router says so, by ICMP.
  uint16_t narrow = 0;
  net::Duration narrow_after{0};
  bool says_so = false;
  // How likely a router that loses a frame says so, and by which error.
  double telling = 0;
  net::IcmpError tells = net::IcmpError::kHostUnreachable;
};

// A frame of a segment, and the ECN field of the IP header that it would have.
struct Carried {
  std::vector<uint8_t> bytes;
  tcp::EcnField ecn = tcp::EcnField::kNotCapable;
};

class VirtualLink {
 public:
  VirtualLink(const Faults& faults, uint64_t seed) : faults_(faults), random_(seed) {}

  void send(Carried frame, net::Instant now);
  // The next frame that has arrived by now.
  std::optional<Carried> receive(net::Instant now);
  // What a router has said by now, to who sends here, of a frame that was too large, or that it lost.
  std::optional<net::IcmpReport> refusal(net::Instant now);
  // When the next frame or word of a router arrives; never() when nothing is under way.
  net::Instant next() const {
    const net::Instant frame = frames_.empty() ? net::Instant::never() : frames_.begin()->first;
    return refusals_.empty() ? frame : std::min(frame, refusals_.front().first);
  }
  uint64_t corrupted() const { return corrupted_; }

 private:
  bool too_large(const Carried& frame, net::Instant now);
  void refuse(const Carried& frame, net::IcmpError error, net::Instant now);
  bool happens(double probability) { return std::uniform_real_distribution<>()(random_) < probability; }
  net::Duration up_to(net::Duration longest);
  static void mark(Carried& frame);
  void deliver(Carried frame, net::Instant now);

  Faults faults_;
  std::mt19937_64 random_;
  std::multimap<net::Instant, Carried> frames_;  // equal times keep their order
  std::deque<std::pair<net::Instant, net::IcmpReport>> refusals_;
  net::Instant begun_ = net::Instant::never();
  net::Instant free_at_;
  uint64_t corrupted_ = 0;
};

}  // namespace tern::test
