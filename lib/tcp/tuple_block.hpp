// SPDX-License-Identifier: BSD-3-Clause
// A four-tuple and a number as one block of the PRF, which they fill exactly.
#pragma once

#include <cstdint>
#include <cstring>

#include "net/address.hpp"
#include "net/prf.hpp"

namespace tern::tcp {

inline net::PrfBlock tuple_block(const net::FourTuple& tuple, uint32_t number) {
  static_assert(sizeof tuple + sizeof number == sizeof(net::PrfBlock));
  net::PrfBlock block;
  auto* bytes = reinterpret_cast<uint8_t*>(&block);
  std::memcpy(bytes, &tuple, sizeof tuple);
  std::memcpy(bytes + sizeof tuple, &number, sizeof number);
  return block;
}

}  // namespace tern::tcp
