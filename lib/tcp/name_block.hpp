// SPDX-License-Identifier: BSD-3-Clause
// A connection's name and a number as one block of the PRF, which they fill exactly.
#pragma once

#include <cstdint>
#include <cstring>

#include "net/connection_name.hpp"
#include "net/prf.hpp"

namespace tern::tcp {

inline net::PrfBlock name_block(net::ConnectionName name, uint32_t number) {
  static_assert(sizeof name + sizeof number == sizeof(net::PrfBlock));
  net::PrfBlock block;
  auto* bytes = reinterpret_cast<uint8_t*>(&block);
  std::memcpy(bytes, &name, sizeof name);
  std::memcpy(bytes + sizeof name, &number, sizeof number);
  return block;
}

}  // namespace tern::tcp
