// SPDX-License-Identifier: BSD-3-Clause
// Initial sequence numbers for connections that we open. RFC 6528 section 3.
#include "tcp/isn.hpp"

#include "tcp/name_block.hpp"

namespace tern::tcp {

Beginning begin(const net::Prf& prf, net::ConnectionName name, net::Instant now) {
  constexpr int64_t kStepNs = 4000;
  const net::PrfBlock f = prf(name_block(name, 0));
  const auto m = static_cast<uint32_t>(now.ns / kStepNs);
  return {{m + static_cast<uint32_t>(f.words[0])}, static_cast<uint32_t>(f.words[1])};
}

}  // namespace tern::tcp
