// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1.1 response: where it ends and how long the body behind it is. RFC 9112.
#pragma once

#include <cstdint>
#include <span>

namespace tern::load {

enum class BodyKind : uint8_t {
  kLength,      // Content-Length, or none at all
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // neither
};

struct ResponseHead {
  uint32_t length = 0;  // bytes, the empty line included
  uint16_t status = 0;
  BodyKind body = BodyKind::kUntilClose;
  uint64_t content_length = 0;  // kLength
  bool closes = false;          // the server closes behind it

  bool succeeded() const { return status >= 200 && status < 300; }
  bool interim() const { return status >= 100 && status < 200; }  // another head follows
};

enum class HeadParse : uint8_t { kDone, kIncomplete, kMalformed };
HeadParse parse_response_head(std::span<const uint8_t> bytes, ResponseHead& head);

}  // namespace tern::load
