// SPDX-License-Identifier: BSD-3-Clause
// Which local address and port the next connection has.
#pragma once

#include <cstdint>

#include "net/address.hpp"

namespace tern::load {

// Goes through all addresses of ours with one port, then with the next, and round: a four-tuple comes again
// as late as can be.
class FourTuples {
 public:
  FourTuples(net::Ipv4Address first, uint32_t addresses, uint16_t first_port, uint16_t last_port,
             net::FourTuple remote, uint64_t start)
      : next_(remote),
        first_(first),
        last_{first.value + addresses - 1},
        first_port_(first_port),
        last_port_(last_port) {
    next_.local = {first.value + static_cast<uint32_t>(start % addresses)};
    next_.local_port = static_cast<uint16_t>(first_port + start / addresses % (last_port - first_port + 1u));
  }

  uint64_t count() const {
    return uint64_t{last_.value - first_.value + 1} * (uint64_t{last_port_} - first_port_ + 1);
  }

  net::FourTuple next() {
    const net::FourTuple tuple = next_;
    if (next_.local.value++ == last_.value) {
      next_.local = first_;
      next_.local_port =
          next_.local_port == last_port_ ? first_port_ : static_cast<uint16_t>(next_.local_port + 1);
    }
    return tuple;
  }

 private:
  net::FourTuple next_;
  net::Ipv4Address first_, last_;
  uint16_t first_port_, last_port_;
};

}  // namespace tern::load
