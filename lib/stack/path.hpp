// SPDX-License-Identifier: BSD-3-Clause
// How the segments of a connection reach its peer: everything below TCP that a header needs.
#pragma once

#include <cstdint>
#include <span>

#include "net/address.hpp"
#include "net/dpdk/flow_table.hpp"

namespace tern::stack {

// One per connection, by index beside the TCB. For a passive connection it is where its third segment came
// from: replies go back the way the frame came (auto last hop), with no route and no neighbour looked up.
struct Path {
  net::FourTuple tuple;
  uint32_t hash = 0;         // of the tuple, as the flow table wants it
  net::MacAddress next_hop;  // the station that the frames go to
  uint8_t attachment = 0;    // index of the worker's port
  bool lent = false;         // its local port is LocalPorts', and goes back to them
};
static_assert(sizeof(Path) == 24);

// The four-tuples of paths, as keys of the table.
inline net::dpdk::FlowTable::Keys keys_of(std::span<Path> paths) {
  return {&paths.data()->tuple, sizeof(Path)};
}

}  // namespace tern::stack
