// SPDX-License-Identifier: BSD-3-Clause
// Which service listens where.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "net/address.hpp"
#include "tcp/config.hpp"
#include "tcp/listener.hpp"

namespace tern::stack {

struct ListenAddress {
  net::Ipv4Address address;
  uint16_t port = 0;
};

// Few and settled at start, so a sorted list that lies in a cache line or two is the table.
class Listeners {
 public:
  // Adds a listener whose profile is the index of its config and service. The address must not be in use.
  void add(ListenAddress where, uint16_t profile, const tcp::Config& config);
  // Null when nothing listens there.
  const tcp::Listener* find(net::Ipv4Address address, uint16_t port) const;

 private:
  std::vector<uint64_t> keys_;  // address and port as one number, ascending
  std::vector<tcp::Listener> listeners_;
};

}  // namespace tern::stack
