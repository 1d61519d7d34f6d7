// SPDX-License-Identifier: BSD-3-Clause
// What a request asks of a file beyond its name: conditions (RFC 9110 section 13) and a range (section 14).
#pragma once

#include <cstdint>
#include <string_view>

#include "tern/services/http_date.hpp"
#include "tern/services/http_request.hpp"

namespace tern::app {

// What is compared: a file's strong entity tag, quotes included, when it was changed, and how long it is.
struct HttpValidators {
  std::string_view tag;
  HttpTime modified = 0;
  uint32_t size = 0;
};

enum class HttpOutcome : uint8_t {
  kWhole,               // 200
  kPart,                // 206
  kNotModified,         // 304
  kPreconditionFailed,  // 412
  kUnsatisfiable,       // 416
};

struct HttpSelection {
  HttpOutcome outcome = HttpOutcome::kWhole;
  uint32_t first = 0;  // of the bytes to send, with length: all of them unless kPart
  uint32_t length = 0;
};

// What to send in answer to a GET or HEAD. In the order of section 13.2.2; a range is looked at for GET only.
// Where several ranges are asked for the whole is sent, as section 14.2 allows, and so where what is asked
// for is not understood.
HttpSelection select(const HttpRequest& request, const HttpValidators& file);

}  // namespace tern::app
