// SPDX-License-Identifier: BSD-3-Clause
// Options of one connection: RFC 9293 section 3.9.1.
#include "tcp/socket_options.hpp"

#include <iterator>
#include "tcp/connection.hpp"

namespace tern::tcp {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr int64_t kMostSeconds = Deadline::longest() / seconds(1);
constexpr int64_t kMostBytes = 1 << 30;
constexpr Congestion kCongestions[] = {Congestion::kCubic, Congestion::kNewReno};

struct Range {
  int64_t least;
  int64_t most;
};

constexpr Range range_of(Option option) {
  switch (option) {
    case Option::kNoDelay:
    case Option::kCork:
    case Option::kKeepAlive:
    case Option::kUserTimeoutOption:
    case Option::kAccountLimits:
      return {0, 1};
    case Option::kKeepAliveIdle:
    case Option::kKeepAliveInterval:
      return {1, kMostSeconds};
    case Option::kKeepAliveCount:
    case Option::kRetransmitLimit:
    case Option::kSynRetries:
    case Option::kTimeToLive:
      return {1, 255};
    case Option::kUserTimeout:
      return {0, kMostSeconds * 1000};
    case Option::kCongestion:
      return {0, static_cast<int64_t>(std::size(kCongestions)) - 1};
    case Option::kDscp:
      return {0, 63};
    case Option::kLinger:
      return {-1, kMostSeconds * 1000};
    case Option::kReceiveBuffer:
    case Option::kSendBuffer:
      return {1, kMostBytes};
  }
  return {1, 0};
}

}  // namespace

Error set_option(Config& config, Option option, int64_t value) {
  const Range range = range_of(option);
  if (value < range.least || value > range.most) return Error::kInvalid;
  switch (option) {
    case Option::kNoDelay:
      config.nagle = value == 0;
      break;
    case Option::kCork:
      config.cork = value != 0;
      break;
    case Option::kKeepAlive:
      config.keep_alive.on = value != 0;
      break;
    case Option::kKeepAliveIdle:
      config.keep_alive.idle = seconds(value);
      break;
    case Option::kKeepAliveInterval:
      config.keep_alive.interval = seconds(value);
      break;
    case Option::kKeepAliveCount:
      config.keep_alive.count = static_cast<uint8_t>(value);
      break;
    case Option::kUserTimeout:
      config.user_timeout = milliseconds(value);
      break;
    case Option::kUserTimeoutOption:
      config.user_timeout_option = value != 0;
      break;
    case Option::kRetransmitLimit:
      config.retransmit_limit = static_cast<uint8_t>(value);
      break;
    case Option::kSynRetries:
      config.syn_retries = static_cast<uint8_t>(value);
      break;
    case Option::kCongestion:
      config.congestion = static_cast<Congestion>(value);
      break;
    case Option::kTimeToLive:
      config.marking.time_to_live = static_cast<uint8_t>(value);
      break;
    case Option::kDscp:
      config.marking.dscp = static_cast<uint8_t>(value);
      break;
    case Option::kReceiveBuffer:
      config.receive_buffer = config.receive_buffer_initial = static_cast<uint32_t>(value);
      break;
    case Option::kLinger:
      config.linger = milliseconds(value);
      break;
    case Option::kSendBuffer:
      config.send_buffer = static_cast<uint32_t>(value);
      break;
    case Option::kAccountLimits:
      config.account_limits = value != 0;
      break;
  }
  return Error::kNone;
}

int64_t get_option(const Config& config, Option option) {
  switch (option) {
    case Option::kNoDelay:
      return config.nagle ? 0 : 1;
    case Option::kCork:
      return config.cork ? 1 : 0;
    case Option::kKeepAlive:
      return config.keep_alive.on ? 1 : 0;
    case Option::kKeepAliveIdle:
      return config.keep_alive.idle / seconds(1);
    case Option::kKeepAliveInterval:
      return config.keep_alive.interval / seconds(1);
    case Option::kKeepAliveCount:
      return config.keep_alive.count;
    case Option::kUserTimeout:
      return config.user_timeout / milliseconds(1);
    case Option::kUserTimeoutOption:
      return config.user_timeout_option ? 1 : 0;
    case Option::kRetransmitLimit:
      return config.retransmit_limit;
    case Option::kSynRetries:
      return config.syn_retries;
    case Option::kCongestion:
      return static_cast<int64_t>(config.congestion);
    case Option::kTimeToLive:
      return config.marking.time_to_live;
    case Option::kDscp:
      return config.marking.dscp;
    case Option::kReceiveBuffer:
      return config.receive_buffer;
    case Option::kLinger:
      return config.linger / milliseconds(1);
    case Option::kSendBuffer:
      return config.send_buffer;
    case Option::kAccountLimits:
      return config.account_limits ? 1 : 0;
  }
  return 0;
}

std::optional<Congestion> congestion_named(std::string_view name) {
  for (const Congestion congestion : kCongestions) {
    if (name == name_of(congestion)) return congestion;
  }
  return std::nullopt;
}

const char* name_of(Congestion congestion) { return kCongestionNames[static_cast<size_t>(congestion)]; }

// A Config of the connection's own lies behind those of the services, at the place of its Extra.
Config* Connection::own_config(Core& core) {
  Extra* own = extra(core);
  if (own == nullptr) return nullptr;
  const auto place = static_cast<uint16_t>(core.profiles() + tcb.extra);
  if (tcb.profile != place) {
    own->profile = tcb.profile;
    core.profile(place) = core.config(*this);
    tcb.profile = place;
  }
  return &core.profile(place);
}

Error Connection::set_option(Option option, int64_t value, Core& core) {
  if (tcb.state == State::kClosed) return Error::kNotConnected;
  Config tried = core.config(*this);
  if (tcp::set_option(tried, option, value) != Error::kNone) return Error::kInvalid;
  const bool listened = core.config(*this).keep_alive.on;
  Config* config = own_config(core);
  if (config == nullptr) return Error::kNoBuffers;
  *config = tried;
  if (!listened && config->keep_alive.on) note_heard(core);  // nobody has listened for silence before
  apply_option(option, core);
  core.mark(*this, 0);  // emit() sends what may go now, and arms
  return Error::kNone;
}

// What a new value changes at once.
void Connection::apply_option(Option option, Core& core) {
  Extra& own = core.extras[tcb.extra];  // whose Config has it
  switch (option) {
    case Option::kNoDelay:  // lets what is held back go, cork or not
      if (!core.config(*this).nagle) own.pushed = tcb.send_end;
      break;
    case Option::kCork:
      own.more = false;
      break;
    case Option::kAccountLimits:
      begin_accounting(core);
      break;
    case Option::kKeepAlive:
    case Option::kKeepAliveIdle:
    case Option::kKeepAliveInterval:
      watch_peer(core);
      break;
    case Option::kUserTimeout:
      own.user_timeout_chosen = true;
      [[fallthrough]];
    case Option::kUserTimeoutOption:
      if (tcb.state > State::kSynReceived) tell_user_timeout(core);
      break;
    case Option::kCongestion:
      change_congestion(core);
      break;
    case Option::kReceiveBuffer:
      end_receive_tuning(core);
      if (window_update_due(core)) core.mark(*this, kMarkAckNow);
      break;
    case Option::kSendBuffer:
      if ((tcb.marks & kMarkWantsRoom) != 0 && send_room(core) != 0) {
        tcb.marks = static_cast<uint16_t>(tcb.marks & ~kMarkWantsRoom);
        core.mark(*this, kMarkWritable);
      }
      break;
    default:
      break;
  }
}

int64_t Connection::option(Option option, const Core& core) const {
  return get_option(core.config(*this), option);
}

}  // namespace tern::tcp
