// SPDX-License-Identifier: BSD-3-Clause
// Whether a backend may be trusted with connections.
#include "lb/health.hpp"

#include <algorithm>

namespace tern::lb {

const char* to_string(CheckStatus status) {
  switch (status) {
    case CheckStatus::kUnknown:
      return "UNK";
    case CheckStatus::kL4Ok:
      return "L4OK";
    case CheckStatus::kL4Tout:
      return "L4TOUT";
    case CheckStatus::kL4Con:
      return "L4CON";
    case CheckStatus::kL7Ok:
      return "L7OK";
    case CheckStatus::kL7Tout:
      return "L7TOUT";
    case CheckStatus::kL7Rsp:
      return "L7RSP";
    case CheckStatus::kL7Sts:
      return "L7STS";
  }
  return "UNK";
}

Health::Health(const HealthConfig& config)
    : config_(config), checked_up_(config.initially_up || config.interval == net::Duration::zero()) {}

void Health::on_check(CheckStatus status) {
  last_ = status;
  const bool first = !ever_checked_;
  if (passed(status) || checked_up_) ever_checked_ = true;
  if (passed(status) == checked_up_) {
    streak_ = 0;
    return;
  }
  const uint32_t needed = first ? 1 : checked_up_ ? config_.fall : config_.rise;
  if (++streak_ < needed) return;
  streak_ = 0;
  checked_up_ = !checked_up_;
}

bool Health::on_failure(net::Instant now) {
  if (config_.failures == 0 || ejected_) return false;
  ++failures_;
  if (failures_ < config_.failures && !on_probation_) return false;
  constexpr uint32_t kMostDoublings = 20;
  const auto doubled = config_.ejection * (int64_t{1} << std::min(ejections_, kMostDoublings));
  ejected_ = true;
  ejected_until_ = now + std::min<net::Duration>(doubled, config_.ejection_most);
  ++ejections_;
  return true;
}

void Health::on_success() {
  failures_ = 0;
  if (ejected_) return;  // of a connection that was made before
  ejections_ = 0;
  on_probation_ = false;
}

bool Health::advance(net::Instant now) {
  if (!ejected_ || now < ejected_until_) return false;
  ejected_ = false;
  on_probation_ = true;
  failures_ = 0;
  return true;
}

}  // namespace tern::lb
