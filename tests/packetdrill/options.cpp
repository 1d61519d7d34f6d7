// SPDX-License-Identifier: BSD-3-Clause
// Socket options that scripts use: what has a meaning here is obeyed, what has not is kept as set.
#include <linux/tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "packetdrill/sockets.hpp"

namespace tern::packetdrill {

using namespace tcp;
using namespace std::chrono_literals;

namespace {

// Linux's numbers of states, as TCP_INFO shows them.
uint8_t linux_state(State state) {
  switch (state) {
    case State::kEstablished:
      return 1;
    case State::kSynSent:
      return 2;
    case State::kSynReceived:
      return 3;
    case State::kFinWait1:
      return 4;
    case State::kFinWait2:
      return 5;
    case State::kTimeWait:
      return 6;
    case State::kClosed:
      return 7;
    case State::kCloseWait:
      return 8;
    case State::kLastAck:
      return 9;
    case State::kListen:
      return 10;
    case State::kClosing:
      return 11;
  }
  return 7;
}

// Linux's numbers of congestion states: open, disorder, recovery, loss.
uint8_t linux_congestion_state(const Tcb& tcb) {
  if ((tcb.hold & kHoldLossRecovery) != 0) return 4;
  if ((tcb.hold & kHoldFastRecovery) != 0) return 3;
  return (tcb.hold & kHoldDuplicates) != 0 ? 1 : 0;
}

}  // namespace

// TCP_INFO, as far as a connection knows it.
Result Sockets::describe(Socket& socket, std::span<uint8_t> value, socklen_t& length) {
  tcp_info info{};
  info.tcpi_state = linux_state(socket.kind == Socket::Kind::kListening ? State::kListen : State::kClosed);
  if (socket.slot != kNoSlot) {
    const Connection& connection = host_.connection(socket.slot);
    const Tcb& tcb = connection.tcb;
    const uint32_t mss = std::max<uint32_t>(tcb.mss, 1);
    info.tcpi_state = linux_state(tcb.state);
    info.tcpi_ca_state = linux_congestion_state(tcb);
    info.tcpi_retransmits = tcb.retransmit_expiries;
    info.tcpi_options = static_cast<uint8_t>((connection.has(kTimestampsOn) ? TCPI_OPT_TIMESTAMPS : 0) |
                                             (connection.has(kSackOn) ? TCPI_OPT_SACK : 0) |
                                             (connection.has(kWindowScaleOn) ? TCPI_OPT_WSCALE : 0) |
                                             (connection.has(kSynTextTaken) ? TCPI_OPT_SYN_DATA : 0));
    info.tcpi_snd_wscale = tcb.snd_scale & 0xf;
    info.tcpi_rcv_wscale = tcb.rcv_scale & 0xf;
    info.tcpi_rto = static_cast<uint32_t>(connection.rto(host_.core()).count() / 1000);
    info.tcpi_snd_mss = tcb.mss;
    info.tcpi_rtt = tcb.srtt_us;
    info.tcpi_rttvar = tcb.rttvar_us;
    info.tcpi_snd_cwnd = tcb.cwnd / mss;
    info.tcpi_snd_ssthresh = tcb.ssthresh >= 0x7fffffff ? 0x7fffffff : tcb.ssthresh / mss;
    info.tcpi_unacked = (connection.flight() + mss - 1) / mss;
    info.tcpi_total_retrans = tcb.retransmitted;
    info.tcpi_delivered = host_.delivered(socket.slot);
    info.tcpi_notsent_bytes = connection.unsent_bytes();
  }
  // Newer kernels know more: what is not known here is zero.
  length = std::min<socklen_t>(length, static_cast<socklen_t>(value.size()));
  std::memset(value.data(), 0, length);
  std::memcpy(value.data(), &info, std::min<size_t>(length, sizeof info));
  return 0;
}

// What is set of keep-alive and of the user timeout; nothing when the option is another.
std::optional<int> Sockets::liveness_option(Socket& socket, int level, int name) {
  const KeepAlive& settings = config_of(socket).keep_alive;
  if (level == SOL_SOCKET) return name == SO_KEEPALIVE ? std::optional(settings.on ? 1 : 0) : std::nullopt;
  if (level != IPPROTO_TCP) return std::nullopt;
  switch (name) {
    case TCP_KEEPIDLE:
      return static_cast<int>(settings.idle / 1s);
    case TCP_KEEPINTVL:
      return static_cast<int>(settings.interval / 1s);
    case TCP_KEEPCNT:
      return settings.count;
    case TCP_USER_TIMEOUT:
      return static_cast<int>(config_of(socket).user_timeout / 1ms);
    default:
      return std::nullopt;
  }
}

// Sets them, with Linux's ranges.
Result Sockets::set_liveness_option(Socket& socket, int level, int name, int value) {
  Config& config = config_of(socket);
  const auto within = [value](int most) { return value >= 1 && value <= most; };
  if (level == SOL_SOCKET) {
    config.keep_alive.on = value != 0;
  } else if (name == TCP_USER_TIMEOUT) {
    if (value < 0) return -EINVAL;
    config.user_timeout = std::chrono::milliseconds(value);
  } else if (!within(name == TCP_KEEPCNT ? 127 : 32767)) {
    return -EINVAL;
  } else if (name == TCP_KEEPCNT) {
    config.keep_alive.count = static_cast<uint8_t>(value);
  } else {
    (name == TCP_KEEPIDLE ? config.keep_alive.idle : config.keep_alive.interval) =
        std::chrono::seconds(value);
  }
  if (socket.slot != kNoSlot) {
    host_.connection(socket.slot).set_keep_alive(config.keep_alive, host_.core());
    host_.connection(socket.slot).set_user_timeout(config.user_timeout, host_.core());
  }
  return 0;
}

Result Sockets::get_option(int fd, int level, int name, std::span<uint8_t> value, socklen_t& length) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (level == IPPROTO_TCP && name == TCP_INFO) return describe(*socket, value, length);
  if (level == SOL_SOCKET && name == SO_MEMINFO) {  // nothing here is counted as Linux counts memory
    std::memset(value.data(), 0, std::min<size_t>(length, value.size()));
    return 0;
  }
  int answer = 0;
  const auto set = socket->options.find({level, name});
  if (level == SOL_SOCKET && name == SO_ERROR) {
    answer = static_cast<int>(-take_error(*socket));
  } else if (level == SOL_SOCKET && name == SO_RCVBUF) {
    answer = static_cast<int>(config_of(*socket).receive_buffer);
  } else if (level == SOL_SOCKET && name == SO_SNDBUF) {
    answer = static_cast<int>(config_of(*socket).send_buffer);
  } else if (level == SOL_SOCKET && name == SO_TYPE) {
    answer = SOCK_STREAM;
  } else if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    const uint16_t effective = socket->slot == kNoSlot ? 0 : host_.connection(socket->slot).tcb.mss;
    answer = effective != 0 ? effective : config_of(*socket).mss;
  } else if (level == IPPROTO_TCP && name == TCP_NODELAY) {
    answer = config_of(*socket).nagle ? 0 : 1;
  } else if (const auto number = liveness_option(*socket, level, name)) {
    answer = *number;
  } else if (set != socket->options.end()) {
    answer = set->second;
  }
  length = std::min<socklen_t>({length, static_cast<socklen_t>(value.size()), sizeof answer});
  std::memcpy(value.data(), &answer, length);
  return 0;
}

Result Sockets::set_tcp_option(Socket& socket, int name, int value) {
  Config& config = config_of(socket);
  switch (name) {
    case TCP_NODELAY:
      config.nagle = value == 0;
      if (socket.slot != kNoSlot) host_.core().mark(host_.connection(socket.slot), 0);
      return 0;
    case TCP_MAXSEG:
      if (value < 48 || value > 32767) return -EINVAL;
      config.mss = static_cast<uint16_t>(std::min<int>(value, 1460));
      return 0;
    case TCP_SYNCNT:
      if (value < 1 || value > 127) return -EINVAL;
      config.retransmit_limit = static_cast<uint8_t>(value);
      return 0;
    default:
      return 0;
  }
}

Result Sockets::set_option(int fd, int level, int name, std::span<const uint8_t> value) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (level == IPPROTO_TCP && (name == TCP_FASTOPEN || name == TCP_FASTOPEN_CONNECT ||
                               name == TCP_FASTOPEN_KEY || name == TCP_FASTOPEN_NO_COOKIE)) {
    return set_fast_open_option(*socket, name, value);
  }
  int number = 0;
  std::memcpy(&number, value.data(), std::min(value.size(), sizeof number));
  if (level == SOL_SOCKET && name == SO_LINGER && value.size() >= sizeof(linger)) {
    linger how{};
    std::memcpy(&how, value.data(), sizeof how);
    socket->linger_reset = how.l_onoff != 0 && how.l_linger == 0;
    return 0;
  }
  socket->options[{level, name}] = number;
  if (level == SOL_SOCKET && name == SO_SNDBUF) {  // as Linux: twice, for what it keeps beside the text
    config_of(*socket).send_buffer = std::max(2 * static_cast<uint32_t>(number), 4608u);
  }
  if (level == SOL_SOCKET && name == SO_RCVBUF) {
    config_of(*socket).receive_buffer = std::max(2 * static_cast<uint32_t>(number), 2304u);
  }
  const Result result = liveness_option(*socket, level, name)
                            ? set_liveness_option(*socket, level, name, number)
                        : level == IPPROTO_TCP ? set_tcp_option(*socket, name, number)
                                               : 0;
  if (socket->door) {
    socket->door->config = socket->config;
    set_up_fast_open(*socket);
  }
  return result;
}

}  // namespace tern::packetdrill
