// SPDX-License-Identifier: BSD-3-Clause
// SYN cookies: the state of a half-open connection kept in the sequence number and timestamp that the peer
// must echo. RFC 4987 section 3.6.
//
// Sequence number of our SYN-ACK:   MAC (16 bits) | tag (8) | MSS index (3) | window scale index (3) | SACK
// (1) | epoch's parity (1), where the seven bits above the parity are masked with bits of the PRF so that
// they do not show. The PRF takes the connection's name and the epoch: one AES block. Its output gives a
// and b of a strongly universal hash (Dietzfelbinger's multiply-shift), of which the MAC is the upper 16 bits
// of a * (IRS << 8 | lower eight) + b, and with eight bits more the tag, which tells a cookie of ours where
// the IRS does not show. A forger without the key is right once in 2^24 tries. Where the peer sent
// timestamps, the lowest six bits of our TSval carry the window scale (4 bits, 15 for none), SACK (1) and
// ECN (1) exactly; without them the scale survives by index, rounded down.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "net/connection_name.hpp"
#include "net/instant.hpp"
#include "net/prf.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

// What the peer's SYN offered.
struct CookieOptions {
  uint16_t mss = 0;  // what survives is rounded down to one of the table's eight values
  uint8_t window_scale = kNoWindowScale;
  bool sack_permitted = false;
  bool timestamps = false;
  bool ecn = false;
  friend constexpr bool operator==(const CookieOptions&, const CookieOptions&) = default;
};

// A cookie made for a SYN: our initial sequence number and, if options.timestamps, our TSval.
struct Cookie {
  Seq iss;
  uint32_t ts_val = 0;
};

class SynCookies {
 public:
  // A cookie is good in the epoch it was made in and in the next one: for 64 to 128 s.
  static constexpr net::Duration kEpoch = std::chrono::seconds(64);

  // secret: random, the same on every worker; the keys of epochs are derived from it.
  SynCookies(const net::PrfKey& secret, net::Instant now);

  // Enters the epoch of now, if it has begun, with keys of its own. To be called once per poll.
  void advance(net::Instant now);
  // Replaces the secret from the next epoch on; cookies made before stay good as long as they would have.
  void rotate(const net::PrfKey& secret) { next_secret_ = secret; }

  // The work comes in two steps, so that the PRF can be run over a burst: for each SYN or ACK that no
  // connection knows, a query; then seal() over all queries; then make() or check() with the query's seal.
  struct Query {
    net::PrfBlock block;
    bool previous_epoch = false;  // which key
  };
  Query query_for_syn(net::ConnectionName name) const;
  // ack: SEG.ACK of the handshake's third segment.
  Query query_for_ack(net::ConnectionName name, Seq ack) const;
  // seals[i] answers queries[i]; both have the same size.
  void seal(std::span<const Query> queries, std::span<net::PrfBlock> seals) const;

  // seal: of a query_for_syn since the last advance(). ts_now: the core's timestamp clock; the cookie's TSval
  // is at most ts_now + the connection's offset and less than 64 behind it, so a round trip measured by its
  // echo is that much too long.
  Cookie make(const net::PrfBlock& seal, Seq irs, const CookieOptions& options, uint32_t ts_now) const;
  // Whether segment is the third of a handshake whose SYN-ACK carried our cookie: then what the SYN had
  // offered. A third segment without timestamps though the SYN had them is accepted with the options that the
  // sequence number alone carries; those of one that has them come from SEG.TSecr. That is not under the MAC:
  // a client that completes the handshake may alter it, and gains what it could have offered in its SYN
  // anyway, for its own connection; who cannot see our SYN-ACK has the MAC to guess first. The caller has
  // looked at the flags.
  std::optional<CookieOptions> check(const net::PrfBlock& seal, const Segment& segment) const;

  // Whether segment acknowledges a cookie made for its four-tuple, wherever in the client's first flight it
  // stands; without its IRS that is right by chance once in 2^8 tries, with timestamps once in 2^23.
  static bool may_answer(const net::PrfBlock& seal, const Segment& segment, uint32_t ts_now);

  // The offset that this connection's timestamps have to the core's clock (RFC 7323 section 5.4), from its
  // seal.
  static uint32_t timestamp_offset(const net::PrfBlock& seal) { return static_cast<uint32_t>(seal.words[1]); }

 private:
  uint32_t epoch_ = 0;
  net::PrfKey next_secret_{};
  net::Prf current_;
  net::Prf previous_;
};

}  // namespace tern::tcp
