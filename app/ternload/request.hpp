// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a request, made once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "stack/service.hpp"
#include "ternload/options.hpp"

namespace tern::load {

// What is sent for a request to the target, with this path where it is HTTP; last: the connection's last,
// where the server is to close it.
std::string request_text(const Options& options, const std::string& path, bool last);

// One request's bytes, ready to be queued on any connection.
class Request {
 public:
  explicit Request(std::string text);
  // Queues it up to count times and returns how often; less when buffers run out: writable() follows.
  uint32_t queue(stack::Socket& socket, uint32_t count);
  uint32_t size() const { return static_cast<uint32_t>(text_.size()); }

 private:
  bool queue_slices(stack::Socket& socket);

  // Up to this size it is copied into a packet: that costs less than a reference to a shared block, whose
  // count is kept with a locked instruction.
  static constexpr uint32_t kCopied = 1024;
  std::string text_;
  std::unique_ptr<net::dpdk::StaticPayload> block_;  // where it is larger; holds as much of it as a block may
};

}  // namespace tern::load
