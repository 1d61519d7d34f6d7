// SPDX-License-Identifier: BSD-3-Clause
// The stations on our links: IPv4 address to Ethernet address. RFC 826, RFC 1122 section 2.3.2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/address.hpp"
#include "net/instant.hpp"

namespace tern::stack {

// Answers to passive connections go back the way their frames came and need no entry here; connections that
// we open do.
class Neighbours {
 public:
  static constexpr uint32_t kCapacity = 1024;                           // entries; the oldest makes room
  static constexpr net::Duration kLifetime = std::chrono::minutes(10);  // since it was heard last
  static constexpr net::Duration kRetry = std::chrono::seconds(1);  // RFC 1122: at most one request a second
  static constexpr uint32_t kTries = 3;

  Neighbours() { entries_.reserve(kCapacity); }

  // Somebody said where an address is. Unknown ones are remembered only if create.
  void learn(uint8_t attachment, net::Ipv4Address address, const net::MacAddress& mac, bool create,
             net::Instant now);

  enum class Answer : uint8_t { kKnown, kAsk, kWait, kUnreachable };
  // Where the address is: known (mac is set); or the caller is to send a request now; or one is under way; or
  // kTries went unanswered, which is forgotten with this answer.
  Answer resolve(uint8_t attachment, net::Ipv4Address address, net::Instant now, net::MacAddress& mac);
  // What is known of the address may be out of date: the next resolve() asks anew.
  void doubt(uint8_t attachment, net::Ipv4Address address);
  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }

 private:
  struct Entry {
    net::Ipv4Address address;
    net::MacAddress mac;
    uint8_t attachment;
    uint8_t tries;  // requests sent since it was heard last
    bool known;
    net::Instant when;  // heard, or asked
  };
  Entry* find(uint8_t attachment, net::Ipv4Address address);
  Entry& create(uint8_t attachment, net::Ipv4Address address, net::Instant now);

  std::vector<Entry> entries_;
};

}  // namespace tern::stack
