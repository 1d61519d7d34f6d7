// SPDX-License-Identifier: BSD-3-Clause
// The calls on a worker as a whole: LISTEN, OPEN and ACCEPT. RFC 9293 section 3.9.1.1.
#include <algorithm>

#include "stack/worker.hpp"
#include "tcp/isn.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

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
  const bool lent = tuple.local_port == 0;
  const uint16_t profile = core_.opening_profile(binding);
  if (lent ? !choose_port(tuple, profile, hash) : !is_free(tuple, profile, hash)) {
    return lent ? tcp::Error::kAddressNotAvailable : tcp::Error::kAddressInUse;
  }
  const int32_t position = insert(tuple, hash);
  if (position == dpdk::FlowTable::kAbsent) return tcp::Error::kNoBuffers;
  const auto index = static_cast<uint32_t>(position);
  give_up_time_wait(tuple, hash);
  if (lent) local_ports_.mark(tuple, LocalPorts::Use::kOpen);
  paths_[index] = {tuple, hash, {}, *attachment, lent};
  opener_.open(index, profile);
  limit_path(index);
  tcp::Connection& connection = core_.connection(index);
  connection.try_fast_open(tuple.server_name(), core_);
  if (text) connection.send(text, core_);
  if (opened != nullptr) *opened = {tuple, index};
  return tcp::Error::kNone;
}

std::optional<net::MacAddress> Worker::next_hop(net::Ipv4Address remote) {
  Path path;
  path.tuple.remote = remote;
  tcp::Error error = tcp::Error::kNone;
  const auto attachment = opener_.attachment_for(path.tuple, error);
  if (!attachment) return std::nullopt;
  path.attachment = *attachment;
  if (opener_.ask(path, path.next_hop) != Neighbours::Answer::kKnown) return std::nullopt;
  return path.next_hop;
}

// Whether no connection has the tuple, whose hash this finds out. One in TIME-WAIT may give it up where the
// clock of our timestamps has ticked since: the peer tells the new connection's segments from old ones by
// them (RFC 6191).
bool Worker::is_free(const net::FourTuple& tuple, uint16_t profile, uint32_t& hash) {
  table_.hash(std::span(&tuple, 1), std::span(&hash, 1));
  if (table_.find(tuple, hash) != dpdk::FlowTable::kAbsent) return false;
  TimeWaits::Entry* entry = time_waits_.empty() ? nullptr : time_waits_.find(tuple, hash);
  if (entry == nullptr) return true;
  const net::Instant last = entry->until - 2 * profiles_[entry->record.profile].msl;
  const bool later =
      (entry->record.flags & tcp::kTimestampsOn) != 0 && core_.now.milliseconds() > last.milliseconds();
  const tcp::Config& config = profiles_[profile];
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

// RFC 6056 section 3.3.3: from a place that depends on the peer and on a secret, the next port that is free;
// where none is, the next in TIME-WAIT that gives it up. Of those that turn out to be taken all the same, a
// listener's, or left less than a millisecond ago, so many are passed over at most.
bool Worker::choose_port(net::FourTuple& tuple, uint16_t profile, uint32_t& hash) {
  constexpr uint32_t kMostPassedOver = 64;
  const PortsToward& ports = local_ports_.toward(tuple);
  const uint32_t secret = tcp::begin(isn_prf_, tuple.name(), net::Instant{}).iss.value;
  for (const PortSet* set : {&ports.free, &ports.waiting}) {
    for (uint32_t i = 0; i < kMostPassedOver; ++i) {
      const uint32_t from = (secret + next_port_) % kPorts;
      const auto port = set->next(from);
      if (!port) break;
      next_port_ += (*port - kFirstPort - from) % kPorts + 1;
      tuple.local_port = *port;
      if (listeners_.find(tuple.local, *port) == nullptr && is_free(tuple, profile, hash)) return true;
    }
  }
  return false;
}

PortsLeft Worker::ports_left(net::FourTuple tuple) const {
  tcp::Error error = tcp::Error::kNone;
  if (!opener_.attachment_for(tuple, error)) return {};
  const PortsToward* ports = local_ports_.find(tuple);
  return ports == nullptr ? PortsLeft{local_ports_.all().size(), 0}
                          : PortsLeft{ports->free.size(), ports->waiting.size()};
}

}  // namespace tern::stack
