// SPDX-License-Identifier: BSD-3-Clause
// A small HTTP/1.1 server: a fixed page at /, and at /bytes/N a body of N bytes, byte i being i mod 251, sent
// from one block of memory however large N is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "stack/service.hpp"
#include "tern/services/http_request.hpp"

namespace tern::app {

class Http : public stack::Service {
 public:
  static constexpr uint32_t kPeriod = 251;            // of the body's pattern: a prime, so that shifts show
  static constexpr uint64_t kMostBytes = 1ULL << 30;  // the largest N

  Http();

  void text(stack::Socket& socket) override { serve(socket); }
  void writable(stack::Socket& socket) override { serve(socket); }
  void ended(stack::Socket& socket) override { serve(socket); }

 private:
  // What a connection's word holds.
  struct Progress {
    uint32_t remaining = 0;  // bytes of the body still to be queued
    uint16_t offset = 0;     // into the pattern
    uint16_t closing = 0;    // 1: the answer under way is the last. This wide, so that no byte is padding
  };
  static_assert(sizeof(Progress) == sizeof(uint64_t));

  void serve(stack::Socket& socket);
  bool send_body(stack::Socket& socket, Progress& progress);
  bool answer_next(stack::Socket& socket, Progress& progress);
  bool answer(stack::Socket& socket, Progress& progress, const HttpRequest& request);
  bool respond(stack::Socket& socket, Progress& progress, std::string_view status, uint32_t length,
               std::string_view type, const HttpRequest& request, std::string_view body);
  bool respond_with_page(stack::Socket& socket, Progress& progress, const HttpRequest& request);

  net::dpdk::StaticPayload pattern_;
  std::array<std::string, 3> pages_;  // the whole answers to GET /, by how long the connection is to last
  std::array<uint8_t, kMaxHttpHead> head_;  // a request that lies in several packets is put together here
};

}  // namespace tern::app
