// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1 request: RFC 9112 sections 2 to 5, strictly, since lenience is how requests are
// smuggled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tern::app {

enum class HttpMethod : uint8_t { kGet, kHead, kOther };

struct HttpRequest {
  HttpMethod method = HttpMethod::kOther;
  std::string_view target;  // its path, within the bytes parsed
  bool persistent = true;   // whether the client will use the connection again (RFC 9112 section 9.3)
  bool has_body = false;    // Content-Length other than 0, or Transfer-Encoding
  bool http_1_0 = false;    // an answer that persists must say so
  std::string_view fields;  // all of them, line by line, with each line's end
};

enum class HttpParse : uint8_t {
  kDone,
  kIncomplete,    // well-formed so far
  kMalformed,     // 400
  kTooLarge,      // 431: no end within kMaxHttpHead bytes
  kOtherVersion,  // 505: not HTTP/1.x
};

constexpr uint32_t kMaxHttpHead = 8192;

// Parses the head of the first request in bytes. On kDone length is the head's length, empty line included.
// Rubbish is refused as soon as it is met, without waiting for its line, or for an empty one, to be complete.
HttpParse parse_http_request(std::span<const uint8_t> bytes, HttpRequest& request, uint32_t& length);

// The value of the first field of this name, in lower case; for fields that few answers depend on.
std::optional<std::string_view> find_http_field(const HttpRequest& request, std::string_view name);

}  // namespace tern::app
