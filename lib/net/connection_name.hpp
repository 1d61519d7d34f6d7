// SPDX-License-Identifier: BSD-3-Clause
// What tells a connection from all others, to those who need not care which network carries it.
#pragma once

#include <array>
#include <cstdint>

namespace tern::net {

// Twelve bytes, seen from our side: over IPv4 the four-tuple as it is. Over a network whose addresses are
// longer, a digest of them under a secret key, which is as good: it is only compared and fed to a PRF.
struct ConnectionName {
  std::array<uint32_t, 3> words{};
  friend constexpr bool operator==(const ConnectionName&, const ConnectionName&) = default;
};

}  // namespace tern::net
