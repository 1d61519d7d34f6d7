// SPDX-License-Identifier: BSD-3-Clause
// Whether a backend may be trusted with connections: what active checks say of it, and what connections that
// were made to it have met. States and results are named as HAProxy names them.
#pragma once

#include <cstdint>

#include "net/instant.hpp"

namespace tern::lb {

// What the last check came to.
enum class CheckStatus : uint8_t {
  kUnknown,  // UNK: none has ended yet
  kL4Ok,     // the connection was made
  kL4Tout,   // nobody answered in time
  kL4Con,    // refused, or unreachable
  kL7Ok,     // the answer was as expected
  kL7Tout,   // connected, and no answer in time
  kL7Rsp,    // an answer that is no HTTP, or none before the end
  kL7Sts,    // an answer with another status than expected
};
const char* to_string(CheckStatus status);  // "L4OK"
constexpr bool passed(CheckStatus status) {
  return status == CheckStatus::kL4Ok || status == CheckStatus::kL7Ok;
}

struct HealthConfig {
  net::Duration interval = std::chrono::seconds(2);  // from the start of a check to the next; 0: no checks
  net::Duration timeout = std::chrono::seconds(1);   // of a check; no longer than the interval
  uint32_t rise = 2;          // checks that must pass in a row before a backend that was DOWN is UP
  uint32_t fall = 3;          // checks that must fail in a row before one that was UP is DOWN
  bool initially_up = false;  // whether it is used before its first check has passed

  // Passive: connections that fail, or that the backend resets before it has said anything, in a row.
  uint32_t failures = 3;                             // that eject it; 0: none do
  net::Duration ejection = std::chrono::seconds(1);  // how long the first time; doubled each time after
  net::Duration ejection_most = std::chrono::minutes(1);
};

// Of one backend. Nothing here looks at a clock: on_check() and the like are told the time.
class Health {
 public:
  explicit Health(const HealthConfig& config = {});

  bool up() const { return checked_up_ && !ejected_; }
  CheckStatus last() const { return last_; }
  // The next ejection's end; never() when it is not ejected.
  net::Instant ejected_until() const { return ejected_ ? ejected_until_ : net::Instant::never(); }

  // The result of an active check. The first that passes is enough for a backend that has been UP never yet,
  // and the first that fails for one that was taken for UP without a check.
  void on_check(CheckStatus status);
  // A connection failed, or was reset before the backend said anything. True when this ejects it.
  bool on_failure(net::Instant now);
  // A connection brought text, or ended in order.
  void on_success();
  // Lets it return when its ejection is over; true when it does. One failure is enough then to eject it for
  // twice as long.
  bool advance(net::Instant now);

 private:
  HealthConfig config_;
  CheckStatus last_ = CheckStatus::kUnknown;
  bool checked_up_;
  bool ever_checked_ = false;
  bool ejected_ = false;
  bool on_probation_ = false;  // has returned from an ejection and not succeeded yet
  uint32_t streak_ = 0;        // checks in a row that contradict checked_up_
  uint32_t failures_ = 0;      // connections in a row
  uint32_t ejections_ = 0;     // without a success between them, the exponent of back-off
  net::Instant ejected_until_;
};

}  // namespace tern::lb
