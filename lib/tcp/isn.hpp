// SPDX-License-Identifier: BSD-3-Clause
// Initial sequence numbers for connections that we open. RFC 6528: ISN = M + F(four-tuple, secret), M a 4 us
// clock.
#pragma once

#include "net/address.hpp"
#include "net/instant.hpp"
#include "net/prf.hpp"
#include "tcp/seq.hpp"

namespace tern::tcp {

// prf: keyed with this boot's secret.
Seq initial_sequence_number(const net::Prf& prf, const net::FourTuple& tuple, net::Instant now);
// RFC 7323 section 5.4: what such a connection adds to the clock of its timestamps, its own as iss is.
uint32_t timestamp_offset(const net::Prf& prf, const net::FourTuple& tuple, Seq iss);

}  // namespace tern::tcp
