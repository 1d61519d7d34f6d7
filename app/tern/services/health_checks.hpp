// SPDX-License-Identifier: BSD-3-Clause
// Active checks of a pool's backends, over the same stack as everything else: a connection each, and where
// the pool wants it an HTTP request.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lb/health.hpp"
#include "stack/service.hpp"
#include "tern/services/upstream.hpp"

namespace tern::app {

// What the status line of an answer comes to; kUnknown: more of it is needed. expected: 0 for any of 200
// to 399.
lb::CheckStatus judge_answer(std::span<const uint8_t> bytes, uint16_t expected);

class HealthChecks : public stack::Service {
 public:
  explicit HealthChecks(std::shared_ptr<Upstream> upstream);

  void attach(stack::Stack& stack) override;
  void opened(stack::Socket& socket) override;
  void text(stack::Socket& socket) override;
  void ended(stack::Socket& socket) override;
  void writable(stack::Socket& socket) override { ask(socket); }
  void closed(stack::Socket& socket) override;
  void due() override;

 private:
  struct Check {
    uint32_t connection = 0xffffffffu;  // none: no check is under way
    bool opened = false;
    bool asked = false;
    bool judged = false;    // the result is in, and the connection goes
    net::Instant begins;    // the next one
    net::Instant deadline;  // of this one
    bool under_way() const { return connection != 0xffffffffu; }
  };
  bool is_http() const { return upstream_->config.check == CheckKind::kHttp; }
  void begin(uint32_t backend);
  void ask(stack::Socket& socket);
  void abort(const Check& check);
  void conclude(uint32_t backend, lb::CheckStatus status);

  const std::shared_ptr<Upstream> upstream_;
  stack::Stack* stack_ = nullptr;
  std::vector<Check> checks_;          // by backend
  std::vector<std::string> requests_;  // by backend, of HTTP
};

}  // namespace tern::app
