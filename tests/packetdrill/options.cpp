// SPDX-License-Identifier: BSD-3-Clause
// Socket options that scripts use: what has a meaning here is obeyed, what has not is kept as set.
#include <linux/tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iterator>

#include "packetdrill/sockets.hpp"

namespace tern::packetdrill {

using namespace tcp;

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

// Linux's names of tern's options, with the least and largest value that Linux takes. One that tern cuts
// shorter is cut in silence.
struct Known {
  int level;
  int name;
  Option option;
  int least;
  int most;
};
constexpr Known kKnown[] = {
    {IPPROTO_TCP, TCP_NODELAY, Option::kNoDelay, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_CORK, Option::kCork, INT_MIN, INT_MAX},
    {SOL_SOCKET, SO_KEEPALIVE, Option::kKeepAlive, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_KEEPIDLE, Option::kKeepAliveIdle, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPINTVL, Option::kKeepAliveInterval, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPCNT, Option::kKeepAliveCount, 1, 127},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, Option::kUserTimeout, 0, INT_MAX},
    {IPPROTO_TCP, TCP_SYNCNT, Option::kSynRetries, 1, 127},
    {IPPROTO_IP, IP_TTL, Option::kTimeToLive, 1, 255},
    {SOL_SOCKET, SO_RCVBUF, Option::kReceiveBuffer, INT_MIN, INT_MAX},
    {SOL_SOCKET, SO_SNDBUF, Option::kSendBuffer, INT_MIN, INT_MAX},
};

const Known* known_option(int level, int name) {
  const auto* const found = std::find_if(std::begin(kKnown), std::end(kKnown), [=](const Known& known) {
    return known.level == level && known.name == name;
  });
  return found == std::end(kKnown) ? nullptr : found;
}

// What Linux makes of a value.
int64_t meant(Option option, int value) {
  constexpr int64_t kLongestSeconds = 32'400;
  switch (option) {
    case Option::kNoDelay:
    case Option::kCork:
    case Option::kKeepAlive:
      return value != 0 ? 1 : 0;
    case Option::kKeepAliveIdle:
    case Option::kKeepAliveInterval:
      return std::min<int64_t>(value, kLongestSeconds);
    case Option::kUserTimeout:
      return std::min<int64_t>(value, kLongestSeconds * 1000);
    case Option::kReceiveBuffer:  // twice, for what it keeps beside the text
      return std::clamp<int64_t>(2 * int64_t{value}, 2304, 1 << 30);
    case Option::kSendBuffer:
      return std::clamp<int64_t>(2 * int64_t{value}, 4608, 1 << 30);
    default:
      return value;
  }
}

Result result_of(Error error) {
  switch (error) {
    case Error::kNone:
      return 0;
    case Error::kNoBuffers:
      return -ENOBUFS;
    case Error::kNotConnected:
      return -ENOTCONN;
    default:
      return -EINVAL;
  }
}

// What Linux calls busy is all but idle.
void describe_limits(const LimitTimes& times, tcp_info& info) {
  const auto microseconds = [&](LimitedBy by) {
    return static_cast<uint64_t>(times[static_cast<size_t>(by)] / std::chrono::microseconds(1));
  };
  info.tcpi_rwnd_limited = microseconds(LimitedBy::kReceiver);
  info.tcpi_sndbuf_limited = microseconds(LimitedBy::kSendBuffer);
  info.tcpi_busy_time = info.tcpi_rwnd_limited + info.tcpi_sndbuf_limited + microseconds(LimitedBy::kSender) +
                        microseconds(LimitedBy::kCongestion);
}

}  // namespace

// TCP_INFO, as far as a connection knows it.
Result Sockets::describe(Socket& socket, std::span<uint8_t> value, socklen_t& length) {
  tcp_info info{};
  info.tcpi_state = linux_state(socket.kind == Socket::Kind::kListening ? State::kListen : State::kClosed);
  if (socket.slot != kNoSlot) {
    constexpr uint8_t kLossStates[] = {0, 1, 3, 4};  // open, disorder, recovery, loss
    const Info known = host_.connection(socket.slot).info(host_.core());
    const uint32_t mss = std::max<uint32_t>(known.mss, 1);
    info.tcpi_state = linux_state(known.state);
    info.tcpi_ca_state = kLossStates[static_cast<size_t>(known.loss_state)];
    info.tcpi_retransmits = known.expiries;
    info.tcpi_options =
        static_cast<uint8_t>((known.timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (known.sack ? TCPI_OPT_SACK : 0) |
                             (known.window_scale ? TCPI_OPT_WSCALE : 0) |
                             (known.syn_text ? TCPI_OPT_SYN_DATA : 0) | (known.ecn ? TCPI_OPT_ECN : 0));
    info.tcpi_snd_wscale = known.send_scale & 0xf;
    info.tcpi_rcv_wscale = known.receive_scale & 0xf;
    info.tcpi_rto = static_cast<uint32_t>(known.rto.count() / 1000);
    info.tcpi_snd_mss = known.mss;
    info.tcpi_advmss = known.advertised_mss;
    info.tcpi_rtt = known.rtt_us;
    info.tcpi_rttvar = known.rttvar_us;
    info.tcpi_snd_cwnd = known.cwnd / mss;
    info.tcpi_snd_ssthresh = known.ssthresh >= 0x7fffffff ? 0x7fffffff : known.ssthresh / mss;
    info.tcpi_unacked = (known.flight + mss - 1) / mss;
    info.tcpi_total_retrans = known.retransmissions;
    info.tcpi_delivered = host_.delivered(socket.slot);
    info.tcpi_notsent_bytes = known.unsent;
    info.tcpi_bytes_acked = known.bytes_acknowledged;
    info.tcpi_bytes_received = known.bytes_received;
    describe_limits(known.limit_times, info);
  }
  // Newer kernels know more: what is not known here is zero.
  length = std::min<socklen_t>(length, static_cast<socklen_t>(value.size()));
  std::memset(value.data(), 0, length);
  std::memcpy(value.data(), &info, std::min<size_t>(length, sizeof info));
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
  } else if (level == SOL_SOCKET && name == SO_TYPE) {
    answer = SOCK_STREAM;
  } else if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    const uint16_t effective = socket->slot == kNoSlot ? 0 : host_.connection(socket->slot).tcb.mss;
    answer = effective != 0 ? effective : config_of(*socket).mss;
  } else if (const Known* known = known_option(level, name)) {
    answer = static_cast<int>(tcp::get_option(config_of(*socket), known->option));
  } else if (set != socket->options.end()) {
    answer = set->second;
  }
  length = std::min<socklen_t>({length, static_cast<socklen_t>(value.size()), sizeof answer});
  std::memcpy(value.data(), &answer, length);
  return 0;
}

// For a connection, or for those that will come of the socket.
Result Sockets::choose(Socket& socket, Option option, int64_t value) {
  if (socket.slot == kNoSlot) return result_of(tcp::set_option(socket.config, option, value));
  return result_of(host_.connection(socket.slot).set_option(option, value, host_.core()));
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
  Result result = 0;
  if (level == SOL_SOCKET && name == SO_LINGER && value.size() >= sizeof(linger)) {
    linger how{};
    std::memcpy(&how, value.data(), sizeof how);
    // One that is not 0 makes Linux's close() block, and ends nothing.
    result = choose(*socket, Option::kLinger, how.l_onoff != 0 && how.l_linger == 0 ? 0 : -1);
  } else if (const Known* known = known_option(level, name)) {
    if (number < known->least || number > known->most) return -EINVAL;
    result = choose(*socket, known->option, meant(known->option, number));
  } else if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    if (number < 48 || number > 32767) return -EINVAL;
    socket->config.mss = static_cast<uint16_t>(std::min<int>(number, 1460));
  }
  socket->options[{level, name}] = number;
  if (socket->door) {
    socket->door->config = socket->config;
    set_up_fast_open(*socket);
  }
  return result;
}

}  // namespace tern::packetdrill
