// SPDX-License-Identifier: BSD-3-Clause
// Active checks of a pool's backends.
#include "tern/services/health_checks.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tern::app {

namespace {
constexpr net::Duration kObeyWithin = std::chrono::milliseconds(100);
}

// RFC 9112 section 4: HTTP-version SP status-code SP, and whatever the reason may be.
lb::CheckStatus judge_answer(std::span<const uint8_t> bytes, uint16_t expected) {
  constexpr std::string_view kPattern = "HTTP/1.# ### ";  // # a digit
  constexpr size_t kStatusAt = 9;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i < std::min(text.size(), kPattern.size()); ++i) {
    // The space behind the status may be left out with the reason.
    const bool end = i == kPattern.size() - 1 && text[i] == '\r';
    if (kPattern[i] == '#' ? !is_digit(text[i]) : text[i] != kPattern[i] && !end)
      return lb::CheckStatus::kL7Rsp;
  }
  if (text.size() < kPattern.size()) return lb::CheckStatus::kUnknown;
  const int status =
      (text[kStatusAt] - '0') * 100 + (text[kStatusAt + 1] - '0') * 10 + text[kStatusAt + 2] - '0';
  const bool good = expected == 0 ? status >= 200 && status < 400 : status == expected;
  return good ? lb::CheckStatus::kL7Ok : lb::CheckStatus::kL7Sts;
}

HealthChecks::HealthChecks(std::shared_ptr<Upstream> upstream)
    : upstream_(std::move(upstream)), checks_(upstream_->pool.size()) {
  const PoolConfig& config = upstream_->config;
  for (const lb::BackendConfig& backend : config.balance.backends) {
    const std::string address = net::to_string(backend.address) + ':' + std::to_string(backend.port);
    requests_.push_back("GET " + config.check_path +
                        " HTTP/1.1\r\nHost: " + (config.check_host.empty() ? address : config.check_host) +
                        "\r\nUser-Agent: tern\r\nConnection: close\r\n\r\n");
  }
}

// The first check begins at once, so that tern has backends as soon as it is up.
void HealthChecks::attach(stack::Stack& stack) {
  stack_ = &stack;
  for (Check& check : checks_)
    check.begins = upstream_->config.check == CheckKind::kNone ? net::Instant::never() : stack.now();
  stack.wake_at(stack.now());
}

void HealthChecks::due() {
  const net::Instant now = stack_->now();
  net::Instant next = now + kObeyWithin;
  upstream_->pool.advance(now);  // ejections end without a client too
  upstream_->look_at_ports(*stack_);
  for (uint32_t backend = 0; backend < checks_.size(); ++backend) {
    Check& check = checks_[backend];
    const lb::Admin wanted = upstream_->wanted[backend].admin.load(std::memory_order_relaxed);
    if (wanted != upstream_->pool.backends()[backend].admin) upstream_->pool.set_admin(backend, wanted, now);
    if (check.under_way() && !check.judged && check.deadline <= now)
      conclude(backend, check.opened && is_http() ? lb::CheckStatus::kL7Tout : lb::CheckStatus::kL4Tout);
    if (check.under_way() && check.judged) abort(check);
    if (check.begins <= now) {
      const net::Duration interval = upstream_->config.balance.health.interval;
      check.begins = now + interval;
      if (!check.under_way()) begin(backend);
    }
    next = std::min({next, check.begins, check.under_way() && !check.judged ? check.deadline : next});
  }
  stack_->wake_at(next);
}

void HealthChecks::begin(uint32_t backend) {
  if (upstream_->pool.backends()[backend].admin == lb::Admin::kMaint) return;
  Check& check = checks_[backend];
  const net::Instant next = check.begins;
  check = Check{};
  check.begins = next;
  check.deadline = stack_->now() + upstream_->config.balance.health.timeout;
  stack::Opened opened;
  const tcp::Error error = upstream_->connect(*stack_, backend, backend + 1, opened);
  if (error == tcp::Error::kNone) {
    check.connection = opened.index;
  } else if (error == tcp::Error::kAddressNotAvailable || error == tcp::Error::kNoBuffers) {
    upstream_->pool.on_no_check(backend);  // it is us who are short of something
  } else {
    upstream_->pool.on_check(backend, lb::CheckStatus::kL4Con, stack_->now());
  }
}

void HealthChecks::opened(stack::Socket& socket) {
  const auto backend = static_cast<uint32_t>(socket.user() - 1);
  checks_[backend].opened = true;
  if (checks_[backend].judged) return;
  if (upstream_->config.check == CheckKind::kTcp && upstream_->config.send_proxy == lb::ProxyVersion::kNone) {
    return conclude(backend, lb::CheckStatus::kL4Ok);
  }
  ask(socket);
}

// Backends that want a PROXY header get one here too, which says that the connection is our own.
void HealthChecks::ask(stack::Socket& socket) {
  const auto backend = static_cast<uint32_t>(socket.user() - 1);
  Check& check = checks_[backend];
  if (check.judged) return;
  if (check.asked) {  // the header has got there: see below
    if (socket.delivered()) conclude(backend, lb::CheckStatus::kL4Ok);
    return;
  }
  net::Packet request;
  if (is_http() && !(request = socket.allocate())) return;  // writable() follows
  if (!upstream_->send_proxy_header(socket, nullptr)) return;
  check.asked = true;
  if (!is_http()) {
    socket.shutdown();
    return socket.want_room();  // writable() follows when it has been acknowledged
  }
  const std::string& text = requests_[backend];
  request.append(reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(text.size()));
  socket.send(request);
}

void HealthChecks::text(stack::Socket& socket) {
  const auto backend = static_cast<uint32_t>(socket.user() - 1);
  if (checks_[backend].judged || !is_http()) return;
  std::array<uint8_t, 16> begin;
  const std::span<const uint8_t> bytes = std::span(begin).first(socket.peek(begin));
  const lb::CheckStatus status = judge_answer(bytes, upstream_->config.check_status);
  if (status != lb::CheckStatus::kUnknown) conclude(backend, status);
}

void HealthChecks::ended(stack::Socket& socket) {
  const auto backend = static_cast<uint32_t>(socket.user() - 1);
  if (!checks_[backend].judged)
    conclude(backend, is_http() ? lb::CheckStatus::kL7Rsp : lb::CheckStatus::kL4Ok);
}

void HealthChecks::closed(stack::Socket& socket) {
  const auto backend = static_cast<uint32_t>(socket.user() - 1);
  Check& check = checks_[backend];
  if (!check.judged)
    conclude(backend, check.opened && is_http() ? lb::CheckStatus::kL7Rsp : lb::CheckStatus::kL4Con);
  check.connection = Check{}.connection;
}

// RST ends it at both ends at once, and leaves no TIME-WAIT. A connection that sleeps and cannot be woken now
// is met again when due() looks.
void HealthChecks::abort(const Check& check) {
  if (auto socket = stack_->socket(check.connection)) socket->abort();
}

// The connection has served its purpose.
void HealthChecks::conclude(uint32_t backend, lb::CheckStatus status) {
  Check& check = checks_[backend];
  check.judged = true;
  upstream_->pool.on_check(backend, status, stack_->now());
  abort(check);
}

}  // namespace tern::app
