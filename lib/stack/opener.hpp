// SPDX-License-Identifier: BSD-3-Clause
// Opening connections of our own: the way there, and the station that its frames go to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/address.hpp"
#include "net/prf.hpp"
#include "stack/counters.hpp"
#include "stack/egress.hpp"
#include "stack/neighbours.hpp"
#include "stack/path.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"

namespace tern::stack {

// A path whose next hop may be gone.
struct Doubt {
  uint32_t index;
  net::FourTuple tuple;  // of the connection that doubts, for the slot may be another's by then
};

// Neighbours are asked by ARP; meanwhile the connection is in SYN-SENT and its SYN waits here for the answer.
class Opener {
 public:
  static constexpr size_t kMostDoubts = 256;  // at a time, see doubt()

  // isn_prf: keyed with the secret of initial sequence numbers, per boot (RFC 6528).
  Opener(const net::Prf& isn_prf, std::span<const Attachment> attachments, Neighbours& neighbours,
         Egress& egress, tcp::Core& core, Counters& counters, std::span<Path> paths)
      : isn_prf_(isn_prf),
        attachments_(attachments),
        neighbours_(neighbours),
        egress_(egress),
        core_(core),
        counters_(counters),
        paths_(paths) {}

  // The port whose network holds remote and which owns local; where local is 0, it becomes the port's address
  // there (RFC 9293 MUST-44).
  std::optional<uint8_t> attachment_for(net::FourTuple& tuple, tcp::Error& error) const;
  // Opens in the slot that index names; its path must be set but for the next hop.
  void open(uint32_t index, uint16_t profile);
  // Once per round: asks for what is unknown, lets go what has been answered, gives up what nobody answers
  // for.
  void resolve();
  // Where the path's remote address is; where that calls for it, a request is sent.
  Neighbours::Answer ask(const Path& path, net::MacAddress& mac);
  // A connection whose segments go unanswered doubts its next hop (R1 of RFC 9293 section 3.8.3): it is asked
  // for, and takes its place as it answers. Only stations of our own networks can be: of a router, which the
  // peer's frames came from, no address is known. Where a whole network has gone dumb, more than kMostDoubts
  // are not asked for at a time: connections by the thousand would be looked through in each round.
  void doubt(uint32_t index);

 private:
  static constexpr net::Duration kBetweenRenewals = std::chrono::milliseconds(1);

  bool resolve(uint32_t index);
  bool renew(const Doubt& doubt);

  const net::Prf& isn_prf_;
  std::span<const Attachment> attachments_;
  Neighbours& neighbours_;
  Egress& egress_;
  tcp::Core& core_;
  Counters& counters_;
  std::span<Path> paths_;
  std::vector<Doubt> doubted_;
  net::Instant next_renewal_;         // when those are looked at again
  std::vector<uint32_t> unresolved_;  // connections whose next hop is not known yet
};

}  // namespace tern::stack
