// SPDX-License-Identifier: BSD-3-Clause
// The value of the user timeout option: RFC 5482 section 3.
#pragma once

#include <cstdint>

#include "net/instant.hpp"
#include "tcp/config.hpp"

namespace tern::tcp {

constexpr uint32_t kUserTimeoutOptionBytes = 4;

// As on the wire: fifteen bits of seconds, or of minutes where the highest bit is set; rounded up, and the
// largest value for what is beyond it. A timeout of 0, which is none, is 0, and not sent.
uint16_t user_timeout_value(net::Duration timeout);
net::Duration user_timeout_of(uint16_t value);

// What a connection says of its own user timeout; 0: nothing.
inline uint16_t advertised_user_timeout(const Config& config) {
  return config.user_timeout_option ? user_timeout_value(config.user_timeout) : uint16_t{0};
}

}  // namespace tern::tcp
