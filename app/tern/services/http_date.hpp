// SPDX-License-Identifier: BSD-3-Clause
// HTTP's dates: RFC 9110 section 5.6.7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::app {

// Seconds since 1970, UTC.
using HttpTime = int64_t;

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that may be sent.
std::string format_http_date(HttpTime time);

// That form, or one of the two that were sent once: "Sunday, 06-Nov-94 08:49:37 GMT" (RFC 850), "Sun Nov  6
// 08:49:37 1994" (asctime). now: to tell the century of two digits, which is never more than 50 years ahead.
// Nothing for any other text, which a recipient must take as if the field were not there.
std::optional<HttpTime> parse_http_date(std::string_view text, HttpTime now);

}  // namespace tern::app
