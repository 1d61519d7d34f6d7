// SPDX-License-Identifier: BSD-3-Clause
// Initial sequence numbers for connections that we open. RFC 6528: ISN = M + F(four-tuple, secret), M a 4 us
// clock.
#pragma once

#include "net/connection_name.hpp"
#include "net/instant.hpp"
#include "net/prf.hpp"
#include "tcp/seq.hpp"

namespace tern::tcp {

// Where a connection's numbers begin.
struct Beginning {
  Seq iss;
  // What it adds to the clock of its timestamps (RFC 7323 section 5.4). The same for a four-tuple's next
  // connection, whose timestamps so are later ones, by which the peer's TIME-WAIT knows it (RFC 6191).
  uint32_t ts_offset = 0;
};

// prf: keyed with this boot's secret.
Beginning begin(const net::Prf& prf, net::ConnectionName name, net::Instant now);

}  // namespace tern::tcp
