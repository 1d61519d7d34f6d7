// SPDX-License-Identifier: BSD-3-Clause
// TCP Fast Open: text in the SYN for who has proved before, by a cookie, to own its address. RFC 7413.
//
// Server: FastOpenCookies makes and checks cookies, FastOpenPending bounds what has been opened by them and
// whose handshake is not done. Client: FastOpenCache remembers servers' cookies, and who would have none of
// it. What a connection does with them stands in fast_open.cpp too, as its members.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/connection_name.hpp"
#include "net/instant.hpp"
#include "net/prf.hpp"
#include "tcp/segment.hpp"

namespace tern::tcp {

// Which side of Fast Open is on.
enum class FastOpen : uint8_t {
  kOff,
  kOn,
  kWithoutCookies,  // text is taken from, or sent to, anybody: for networks where no address can be forged
};

// --- Server ---

// The cookie is SipHash-2-4 of the client's and the server's address (section 4.1.2 wants a MAC): the same
// eight bytes that Linux gives for the same key, so that hosts behind one address may share a key.
class FastOpenCookies {
 public:
  // Section 5.2 wants cookies to expire: keys derived from the secret live this long, and one epoch more for
  // cookies that were given before.
  static constexpr net::Duration kEpoch = std::chrono::hours(12);
  static constexpr uint8_t kCookieBytes = 8;

  // secret: random, per boot, the same on every worker.
  FastOpenCookies(const net::PrfKey& secret, net::Instant now);

  // Enters the epoch of now, if it has begun. To be called once per poll.
  void advance(net::Instant now);
  // Uses this key from now on, and no epochs; cookies by previous stay good, though each is answered by a new
  // one. To rotate a key is to set the new one with the old one as previous.
  void set_key(const net::PrfKey& current, const std::optional<net::PrfKey>& previous);

  enum class Check : uint8_t {
    kInvalid,
    kAged,  // good, but by the key before
    kValid,
  };
  // addresses: the client's and ours, as the wire has them: 8 bytes over IPv4, 32 over IPv6. option: of the
  // client's SYN.
  Check check(std::span<const uint8_t> addresses, const FastOpenOption& option) const;
  // A cookie for the peer, in the form in which it asked.
  FastOpenOption make(std::span<const uint8_t> addresses, FastOpenOption::Form form) const;

 private:
  net::PrfKey secret_;
  int64_t epoch_ = 0;
  bool fixed_ = false;  // by set_key()
  net::PrfKey current_;
  std::optional<net::PrfKey> previous_;
};

// PendingFastOpenRequests of a listener: section 5.1. One that the peer ended by RST counts on for one to two
// minutes, as who forges SYNs makes their victims send RSTs.
class FastOpenPending {
 public:
  // Whether fewer than limit are pending.
  bool admits(uint32_t limit, net::Instant now);
  void begin() { ++open_; }
  void end() { --open_; }  // the handshake is done, or given up
  void note_reset(net::Instant now);
  uint32_t open() const { return open_; }

 private:
  static constexpr net::Duration kMinute = std::chrono::minutes(1);
  void advance(net::Instant now);

  uint32_t open_ = 0;
  int64_t minute_ = 0;
  std::array<uint32_t, 2> resets_{};  // in this minute and in the one before
};

// --- Client ---

// Whom a cookie is for: the name of a connection to the server from port 0. Section 4.1.3.1: the server's
// port belongs to it, since Fast Open is on or off by port.
using FastOpenServer = net::ConnectionName;

// What an attempt's SYN was answered with.
struct FastOpenAnswer {
  uint16_t mss = 0;         // of the SYN-ACK; 0: none
  FastOpenOption option{};  // of the SYN-ACK
  uint32_t text_sent = 0;   // in the SYN
  uint32_t text_acked = 0;  // by the SYN-ACK
  bool sent_again = false;  // the SYN, without the option and without text
};

// Cookies and MSS by server, a fixed number of them: section 4.1.3. The least recently used makes room.
class FastOpenCache {
 public:
  explicit FastOpenCache(uint32_t capacity);

  struct Offer {
    FastOpenOption option;  // absent where Fast Open is not to be tried
    uint16_t mss = 0;       // that the server's last SYN-ACK stated; 0: none known
  };
  // What a SYN to the server is to carry.
  Offer offer(const FastOpenServer& server, net::Instant now);
  // Section 4.1.3: the cookie and the MSS replace what is known; section 4.1.3.1: that the text was refused,
  // the option not understood, or the SYN lost for the second time in a row turns Fast Open off for a while.
  void learn(const FastOpenServer& server, const FastOpenAnswer& answer, net::Instant now);
  // No answer at all, or an ICMP error: off for a while.
  void note_failure(const FastOpenServer& server, net::Instant now);
  void clear();

  // Memory for so many servers, in bytes.
  static uint64_t footprint(uint32_t capacity) { return capacity * sizeof(Entry); }

 private:
  static constexpr net::Duration kRefusal = std::chrono::minutes(15);
  static constexpr uint8_t kTolerated = 1;  // losses in a row that may have been congestion's
  static constexpr uint8_t kMostLosses = 6;
  static constexpr uint32_t kWays = 4;

  // The experimental kind is tried once, by a request, where the standard one was passed over in silence.
  enum class Experiment : uint8_t { kNotTried, kNext, kTried };
  struct Entry {
    FastOpenServer server;
    bool used = false;
    Experiment experiment = Experiment::kNotTried;
    uint8_t losses = 0;  // in a row
    uint16_t mss = 0;
    FastOpenOption cookie;
    net::Instant off_until;
    net::Instant touched;
  };
  Entry* find(const FastOpenServer& server);
  Entry& find_or_add(const FastOpenServer& server, net::Instant now);
  std::span<Entry> ways_of(const FastOpenServer& server);
  void note_loss(Entry& entry, net::Instant now);

  std::vector<Entry> entries_;
};

// --- A connection's part, see Extra ---
struct FastOpenAttempt {
  bool under_way = false;
  FastOpenOption option;  // for our first SYN or SYN-ACK
  // Client:
  FastOpenServer server;
  uint16_t text_limit = 0;  // what the SYN may carry
  uint16_t text_sent = 0;
  bool withdrawn = false;  // the path does not take such a SYN, so that one without follows
  // Server:
  uint16_t listener = 0;  // index of the core's FastOpenPending
};

}  // namespace tern::tcp
