// SPDX-License-Identifier: BSD-3-Clause
// The calls on a worker as a whole: LISTEN, OPEN and ACCEPT. RFC 9293 section 3.9.1.1.
#include <algorithm>

#include "stack/worker.hpp"
#include "tcp/isn.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

namespace {
// Local ports for those who choose none (RFC 6056 section 3.2); further down are services' own.
constexpr uint32_t kFirstPort = 32'768;
constexpr uint32_t kPorts = 65'536 - kFirstPort;
}  // namespace

tcp::Error Worker::listen(ListenAddress where, uint16_t binding) {
  if (where.port == 0 || binding >= bindings_.size()) return tcp::Error::kInvalid;
  const auto owns = [&](const Attachment& attachment) { return attachment.owns(where.address); };
  if (std::ranges::none_of(attachments_, owns)) return tcp::Error::kAddressNotAvailable;
  if (listeners_.find(where.address, where.port) != nullptr) return tcp::Error::kAddressInUse;
  listeners_.add(where, binding, profiles_[binding]);
  return tcp::Error::kNone;
}

bool Worker::accept(uint16_t binding) { return core_.accept(binding) != tcp::kNoSlot; }

tcp::Error Worker::connect(net::FourTuple tuple, uint16_t binding, net::Packet text, Opened* opened) {
  if (tuple.remote_port == 0 || binding >= bindings_.size()) return tcp::Error::kInvalid;
  tcp::Error error = tcp::Error::kNone;
  const auto attachment = opener_.attachment_for(tuple, error);
  if (!attachment) return error;
  uint32_t hash = 0;
  if (tuple.local_port == 0 ? !choose_port(tuple, binding, hash) : !is_free(tuple, binding, hash)) {
    return tuple.local_port == 0 ? tcp::Error::kAddressNotAvailable : tcp::Error::kAddressInUse;
  }
  const int32_t position = insert(tuple, hash);
  if (position == dpdk::FlowTable::kAbsent) return tcp::Error::kNoBuffers;
  const auto index = static_cast<uint32_t>(position);
  give_up_time_wait(tuple, hash);
  paths_[index] = {tuple, hash, {}, *attachment};
  opener_.open(index, binding);
  limit_path(index);
  tcp::Connection& connection = core_.connection(index);
  connection.try_fast_open({tuple.local, tuple.remote, tuple.remote_port}, core_);
  if (text) connection.send(text, core_);
  if (opened != nullptr) *opened = {tuple, index};
  return tcp::Error::kNone;
}

// Whether no connection has the tuple, whose hash this finds out. One in TIME-WAIT may give it up where the
// clock of our timestamps has ticked since: the peer tells the new connection's segments from old ones by
// them (RFC 6191).
bool Worker::is_free(const net::FourTuple& tuple, uint16_t binding, uint32_t& hash) {
  table_.hash(std::span(&tuple, 1), std::span(&hash, 1));
  if (table_.find(tuple, hash) != dpdk::FlowTable::kAbsent) return false;
  TimeWaits::Entry* entry = time_waits_.empty() ? nullptr : time_waits_.find(tuple, hash);
  if (entry == nullptr) return true;
  const net::Instant last = entry->until - 2 * profiles_[entry->record.profile].msl;
  const bool later =
      (entry->record.flags & tcp::kTimestampsOn) != 0 && core_.now.milliseconds() > last.milliseconds();
  const tcp::Config& config = profiles_[binding];
  return config.reuse_time_wait && config.timestamps && later;
}

// What is_free() has found to be in the way of nobody.
void Worker::give_up_time_wait(const net::FourTuple& tuple, uint32_t hash) {
  TimeWaits::Entry* entry = time_waits_.empty() ? nullptr : time_waits_.find(tuple, hash);
  if (entry == nullptr) return;
  time_waits_.erase(*entry);
  --core_.connections_in[static_cast<size_t>(tcp::State::kTimeWait)];
  ++core_.counters.time_wait_reused;
}

// RFC 6056 section 3.3.3: from a place that depends on the peer and on a secret, the next port that is free.
bool Worker::choose_port(net::FourTuple& tuple, uint16_t binding, uint32_t& hash) {
  const uint32_t start = tcp::begin(isn_prf_, tuple, net::Instant{}).iss.value + next_port_;
  for (uint32_t i = 0; i < kPorts; ++i) {
    tuple.local_port = static_cast<uint16_t>(kFirstPort + (start + i) % kPorts);
    if (listeners_.find(tuple.local, tuple.local_port) == nullptr && is_free(tuple, binding, hash)) {
      next_port_ += i + 1;
      return true;
    }
  }
  tuple.local_port = 0;
  return false;
}

}  // namespace tern::stack
