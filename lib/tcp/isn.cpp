// SPDX-License-Identifier: BSD-3-Clause
// Initial sequence numbers for connections that we open. RFC 6528 section 3.
#include "tcp/isn.hpp"

#include "tcp/tuple_block.hpp"

namespace tern::tcp {

Seq initial_sequence_number(const net::Prf& prf, const net::FourTuple& tuple, net::Instant now) {
  constexpr int64_t kStepNs = 4000;
  const auto m = static_cast<uint32_t>(now.ns / kStepNs);
  const auto f = static_cast<uint32_t>(prf(tuple_block(tuple, 0)).words[0]);
  return {m + f};
}

uint32_t timestamp_offset(const net::Prf& prf, const net::FourTuple& tuple, Seq iss) {
  return static_cast<uint32_t>(prf({{iss.value, tuple.remote.value}}).words[1]);
}

}  // namespace tern::tcp
