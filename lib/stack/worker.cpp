// SPDX-License-Identifier: BSD-3-Clause
// One core's stack: the phases of a round, in order.
#include "stack/worker.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "net/arp.hpp"
#include "net/dpdk/eal.hpp"
#include "stack/service_stack.hpp"
#include "tcp/reset.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

namespace {

// As tcp::Core wants them.
std::vector<tcp::Config> configs_of(const std::vector<Binding>& bindings) {
  std::vector<tcp::Config> configs;
  configs.reserve(2 * bindings.size());
  for (const Binding& binding : bindings) configs.push_back(binding.config);
  for (const Binding& binding : bindings) configs.push_back(binding.outgoing.value_or(binding.config));
  return configs;
}

bool any_uses_bbr(const std::vector<tcp::Config>& profiles) {
  return std::ranges::any_of(profiles,
                             [](const auto& config) { return config.congestion == tcp::Congestion::kBbr; });
}

// Whether a frame at whichever of our queues rings.
bool ring_for_frames(dpdk::Doorbell& doorbell, const std::vector<Attachment>& attachments) {
  for (const Attachment& attachment : attachments) doorbell.add(*attachment.port, attachment.queue);
  return doorbell.hears_all();
}

tcp::CoreLimits core_limits(const WorkerOptions& options, const std::vector<tcp::Config>& profiles,
                            const dpdk::FramePool& receive) {
  tcp::CoreLimits limits;
  limits.hystarts = std::min(kHyStarts, options.max_connections);
  limits.bbrs = any_uses_bbr(profiles) ? std::min(kBbrs, options.max_connections) : 0;
  limits.reassemblies = std::min(kReassemblies, options.max_connections);
  limits.recoveries = std::min(kRecoveries, options.max_connections);
  limits.orphans = options.max_orphans;
  limits.extras = std::min(kExtras, options.max_connections);
  limits.congestions = Footprint(options, false).windows.count;
  // A quarter of what the buffers hold, since segments fill them in part.
  limits.tuned_bytes = uint64_t{receive.size()} * 512;
  limits.held_packets =
      receive.size() > options.receive_reserve ? receive.size() - options.receive_reserve : 1;
  return limits;
}

bool may_sleep(const WorkerOptions& options) { return options.busy_connections < options.max_connections; }

WorkerOptions with_defaults(WorkerOptions options) {
  const Footprint footprint(options, false);
  options.busy_connections = footprint.busy.count;
  options.max_time_waits = footprint.time_waits.count;
  return options;
}

}  // namespace

Worker::Worker(WorkerOptions options, std::vector<Attachment> attachments, std::vector<Binding> bindings,
               dpdk::FramePool& receive, dpdk::FramePool& headers, const dpdk::Clock& clock)
    : options_(with_defaults(std::move(options))),
      attachments_(std::move(attachments)),
      bindings_(std::move(bindings)),
      profiles_(configs_of(bindings_)),
      clock_(clock),
      receive_pool_(receive),
      slots_(dpdk::allocate_array<tcp::Connection>(options_.name + "_connections",
                                                   options_.busy_connections + 1)),
      dormants_(dpdk::allocate_array<tcp::Dormant>(options_.name + "_asleep",
                                                   may_sleep(options_) ? options_.max_connections + 1 : 0)),
      paths_(dpdk::allocate_array<Path>(options_.name + "_paths", options_.max_connections + 1)),
      table_(options_.name + "_flows", options_.max_connections, options_.table_secret, keys_of(paths_)),
      local_ports_(options_.seat.share()),
      time_waits_(options_.name + "_time_wait", options_.max_time_waits, options_.table_secret, profiles_,
                  local_ports_),
      cookies_(options_.cookie_secret, clock.now()),
      fast_open_cookies_(options_.cookie_secret, clock.now()),
      isn_prf_(options_.isn_secret),
      core_(slots_, tcp::Slots(options_.max_connections + 1, options_.busy_connections + 1, &memory_),
            dormants_, profiles_, bindings_.size(), core_limits(options_, profiles_, receive), clock.now(),
            &memory_),
      egress_(attachments_, headers, counters_),
      ingress_(attachments_, egress_, neighbours_, drops_, counters_, options_.seat),
      opener_(isn_prf_, attachments_, neighbours_, egress_, core_, counters_, paths_),
      idle_(options_.idle, options_.longest_sleep, ring_for_frames(doorbell_, attachments_)) {
  if (options_.seat.steering != nullptr) options_.seat.steering->join(options_.seat.worker, doorbell_);
  for (size_t i = 0; i < bindings_.size(); ++i) {
    for (const ListenAddress& where : bindings_[i].listen) {
      if (const tcp::Error error = listen(where, static_cast<uint16_t>(i)); error != tcp::Error::kNone) {
        throw std::runtime_error("cannot listen on " + net::to_string(where.address) + ": " +
                                 tcp::to_string(error));
      }
    }
  }
  if (const auto& keys = options_.fast_open_keys; !keys.empty()) {
    fast_open_cookies_.set_key(keys[0], keys.size() > 1 ? std::optional(keys[1]) : std::nullopt);
  }
  for (size_t i = 0; i < bindings_.size(); ++i) {
    stacks_.push_back(std::make_unique<ServiceStack>(*this, static_cast<uint16_t>(i)));
    bindings_[i].service->attach(*stacks_.back());
  }
  for (uint16_t i = 0; i < core_.profiles(); ++i)
    services_.push_back(bindings_[core_.service_of(i)].service.get());
  finished_.reserve(options_.busy_connections);
  waiting_.reserve(options_.busy_connections);
}

Worker::~Worker() {
  std::destroy(slots_.begin(), slots_.end());
  dpdk::free_memory(slots_.data());
  dpdk::free_memory(dormants_.data());
  dpdk::free_memory(paths_.data());
}

void Worker::announce() {
  for (uint8_t i = 0; i < attachment_count(); ++i) {
    for (const net::Ipv4Interface& interface : attachments_[i].interfaces) {
      rte_mbuf* frame = egress_.allocate();
      if (frame == nullptr) return;
      uint8_t* bytes = dpdk::put(frame, net::kArpFrameLength);
      net::write_arp_announcement(net::ArpFrame(bytes, net::kArpFrameLength), attachments_[i].port->mac(),
                                  interface.address);
      egress_.push(frame, i);
      ++counters_.arp_requests_sent;
    }
  }
  egress_.flush();
}

void Worker::run(const std::atomic<bool>& stop) {
  Idle::prepare_thread();
  while (!stop.load(std::memory_order_relaxed)) {
    const bool worked = poll_once(clock_.now());  // the only clock read of a round
    if (desk_.asked()) [[unlikely]]
      answer_flows();
    const net::Instant next = core_.wheel.next_expiry();
    const net::Duration sleep =
        idle_.after_round(worked, next.is_never() ? net::Duration::max() : next - core_.now);
    if (sleep > net::Duration::zero()) rest(sleep);
  }
  abort_all();
}

// Gives the core away until there may be something to do, for at most this long.
void Worker::rest(net::Duration longest) {
  const bool armed = doorbell_.hears_all();
  if (armed) {
    doorbell_.arm();
    // A frame that came before the queues were armed would ring for nobody: look once more.
    if (poll_once(clock_.now())) {
      idle_.restart();
      return doorbell_.disarm();
    }
    const net::Instant next = core_.wheel.next_expiry();  // that round may have armed a timer
    if (!next.is_never()) longest = std::clamp(next - core_.now, net::Duration::zero(), longest);
  }
  ++counters_.sleeps;
  if (doorbell_.sleep(longest)) {
    ++counters_.wakes;
    idle_.restart();
  }
  if (armed) doorbell_.disarm();
}

// The way of a frame. One direction; frees last.
bool Worker::poll_once(net::Instant now) {
  ++counters_.polls;
  core_.set_now(now);
  cookies_.advance(core_.now);
  fast_open_cookies_.advance(core_.now);

  uint32_t frames = 0;
  for (uint8_t i = 0; i < attachment_count(); ++i) frames += arrive(i);  // receive, parse, look up, arrive
  opener_.resolve();
  for (size_t i = 0; i < core_.ready.size(); ++i) serve(core_.ready[i]);  // services may make others ready
  time_out();
  const bool worked = frames != 0 || !core_.ready.empty();
  emit();
  egress_.flush();
  for (const uint32_t index : finished_) forget(index);
  finished_.clear();
  for (const uint32_t index : waiting_) retire(index);
  waiting_.clear();
  core_.released.clear();
  if (!core_.narrowed.empty()) remember_paths();
  if (!worked) ++counters_.polls_idle;
  return worked;
}

// --- Receive, look up, arrive
// --------------------------------------------------------------------------------------

uint32_t Worker::arrive(uint8_t attachment) {
  static_assert(Ingress::kBurst <= dpdk::FlowTable::kMaxBurst);
  uint32_t frames = 0;
  const uint32_t count = ingress_.receive(attachment, core_.now, arrivals_, frames);
  if (!ingress_.icmp_errors().empty()) on_icmp_errors();
  if (count == 0) return frames;
  const std::span arrivals = std::span(arrivals_).first(count);

  std::array<net::FourTuple, Ingress::kBurst> tuples;
  std::array<uint32_t, Ingress::kBurst> hashes;
  std::array<int32_t, Ingress::kBurst> positions;
  for (uint32_t i = 0; i < count; ++i) tuples[i] = arrivals[i].tuple;
  const std::span wanted = std::span(tuples).first(count);
  table_.hash(wanted, hashes);
  table_.guess(std::span(hashes).first(count), positions);
  for (uint32_t i = 0; i < count; ++i) {
    if (positions[i] != dpdk::FlowTable::kAbsent) core_.prefetch_slot(static_cast<uint32_t>(positions[i]));
  }
  table_.confirm(wanted, std::span(hashes).first(count), positions);
  for (uint32_t i = 0; i < count; ++i) {
    if (positions[i] != dpdk::FlowTable::kAbsent) core_.prefetch(static_cast<uint32_t>(positions[i]));
  }

  std::array<uint8_t, Ingress::kBurst> strangers;
  uint32_t stranger_count = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (positions[i] == dpdk::FlowTable::kAbsent) {
      strangers[stranger_count++] = static_cast<uint8_t>(i);
      continue;
    }
    on_hit(arrivals[i], static_cast<uint32_t>(positions[i]));
    if (arrivals[i].frame != nullptr) strangers[stranger_count++] = static_cast<uint8_t>(i);
  }
  if (stranger_count != 0) {
    on_strangers(attachment, arrivals, hashes, std::span(strangers).first(stranger_count));
  }
  return frames;
}

// The arrival's text as a packet of its own; a frame without text is freed. Either way the frame is taken.
net::Packet Worker::take_text(Arrival& arrival) {
  rte_mbuf* frame = std::exchange(arrival.frame, nullptr);
  if (arrival.seg.length != 0)
    return dpdk::take_payload(frame, arrival.text_offset, arrival.seg.length, arrival.text_sum);
  dpdk::free_frame(frame);
  return {};
}

// A segment of a known connection. Leaves the frame in the arrival when a new SYN ended a TIME-WAIT, now or
// before in this burst.
void Worker::on_hit(Arrival& arrival, uint32_t index) {
  // It may have been forgotten since the burst was looked up, and its index given to another: then the
  // segment is a stranger's.
  if (paths_[index].tuple != arrival.tuple) return;
  tcp::Connection* const awake = core_.wake(index);
  if (awake == nullptr) return dpdk::free_frame(std::exchange(arrival.frame, nullptr));
  tcp::Connection& connection = *awake;
  const bool may_reopen = connection.tcb.state == tcp::State::kTimeWait && arrival.seg.has(tcp::kSyn);
  net::Packet text;
  if (!may_reopen) text = take_text(arrival);
  switch (connection.on_segment(arrival.seg, std::move(text), core_)) {
    case tcp::Verdict::kDone:
      break;
    case tcp::Verdict::kReset:
      if (const auto header = tcp::reset_for(arrival.seg)) {
        egress_.reply(*header, paths_[index], core_.config(connection).marking);
        ++core_.counters.resets_sent;
        ++core_.counters.segments_sent;
      }
      break;
    case tcp::Verdict::kReopen:
      serve(index);
      forget(index);
      core_.counters.segments_received.subtract(1);  // as a stranger's it is counted again
      return;
  }
  if (arrival.frame != nullptr) dpdk::free_frame(std::exchange(arrival.frame, nullptr));
}

// --- Serve, time out, emit
// -----------------------------------------------------------------------------------------

void Worker::serve(uint32_t index) {
  if (!core_.awake(index)) return;  // forgotten since it was marked
  tcp::Connection& connection = core_.connection(index);
  if (connection.news() == 0) return;
  Service& service = *services_[core_.profile_of(connection)];
  Socket socket(connection, core_, receive_pool_);
  const auto take = [&](tcp::Mark mark) {
    const bool was = (connection.tcb.marks & mark) != 0;
    connection.tcb.marks = static_cast<uint16_t>(connection.tcb.marks & ~mark);
    return was;
  };
  if (take(tcp::kMarkOpened)) service.opened(socket);
  if (take(tcp::kMarkText)) service.text(socket);
  if (take(tcp::kMarkEnded)) service.ended(socket);
  if (take(tcp::kMarkWritable)) service.writable(socket);
  if (take(tcp::kMarkDoubted)) service.doubted(socket);
  if (take(tcp::kMarkClosed)) {
    service.closed(socket);
    socket.skip(socket.unread());
  }
}

// In batches, whose connections are fetched before the first is looked at: those of old are nowhere near.
void Worker::time_out() {
  // Enough for any burst of work; what is left over is due at once in the next round.
  constexpr uint32_t kMost = 1024;
  const auto of_connection = [this](uint32_t node) { return node < paths_.size(); };
  std::array<uint32_t, 16> batch;
  for (uint32_t done = 0, count = batch.size(); done < kMost && count == batch.size(); done += count) {
    for (count = 0; count < batch.size(); ++count) {
      batch[count] = core_.wheel.expire(core_.now);
      if (batch[count] == tcp::TimerWheel::kNone) break;
      if (of_connection(batch[count])) core_.prefetch_slot(batch[count]);
    }
    const std::span due = std::span(batch).first(count);
    for (const uint32_t node : due) {
      if (of_connection(node)) core_.prefetch(node);
    }
    for (const uint32_t node : due) {
      if (of_connection(node)) {
        core_.time_out(node);
      } else {
        bindings_[node - paths_.size()].service->due();
      }
    }
  }
  for (uint32_t i = 0; i < kMost && time_waits_.expire(core_.now); ++i) {
    --core_.connections_in[static_cast<size_t>(tcp::State::kTimeWait)];
  }
}

// From here on a record of what 2MSL needs is enough.
void Worker::retire(uint32_t index) {
  if (!core_.awake(index)) return;
  const tcp::Connection& connection = core_.connection(index);
  if (!tcp::TimeWait::may_compact(connection)) return;
  const tcp::TimeWait record = tcp::TimeWait::compact(connection, core_);
  const net::Instant until = connection.tcb.idle_deadline.instant(core_.now);
  const Path path = paths_[index];
  forget(index);
  net::Counter& gauge = core_.connections_in[static_cast<size_t>(tcp::State::kTimeWait)];
  ++gauge;
  if (!time_waits_.add(path, record, until)) {
    ++core_.counters.time_wait_overflow;
    --gauge;
  }
}

// Each ready connection is asked once. One that is not done, since the outbox filled up or its service has
// yet to hear of something, puts itself behind the others, for the next round.
void Worker::emit() {
  const auto depart_all = [&] {
    for (const tcp::Departure& departure : core_.outbox.departures()) {
      const tcp::Connection& connection = core_.connection(departure.connection);
      egress_.depart(departure, paths_[departure.connection], core_.config(connection).marking);
      if (departure.doubts_path) [[unlikely]]
        opener_.doubt(departure.connection);
    }
    core_.outbox.clear();
  };
  const size_t count = core_.ready.size();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t index = core_.ready[i];
    if (!core_.awake(index)) continue;
    tcp::Connection& connection = core_.connection(index);
    connection.emit(core_);
    if (core_.outbox.room() < Egress::kBurst) depart_all();
    if (connection.finished()) finished_.push_back(index);
    if (tcp::TimeWait::may_compact(connection)) waiting_.push_back(index);
  }
  depart_all();
  core_.ready.erase(core_.ready.begin(), core_.ready.begin() + static_cast<ptrdiff_t>(count));
}

// Gives the slot back. One that a reopened TIME-WAIT left behind in the ready list is free already.
void Worker::forget(uint32_t index) {
  Path& path = paths_[index];
  if (path.tuple.local_port == 0) return;
  if (path.lent) local_ports_.mark(path.tuple, LocalPorts::Use::kFree);
  table_.erase(path.tuple, path.hash);
  path = Path{};
  core_.connection(index).release(core_);
}

// False where it sleeps, and none of those awake can make room for it now.
bool Worker::abort(uint32_t index) {
  tcp::Connection* const found = core_.wake(index);
  if (found == nullptr) return false;
  tcp::Connection& connection = *found;
  connection.abort(core_);  // one that is closed already may still have to be told of, or to send its RST
  serve(index);
  connection.emit(core_);
  for (const tcp::Departure& departure : core_.outbox.departures())
    egress_.depart(departure, paths_[index], core_.config(connection).marking);
  core_.outbox.clear();
  forget(index);
  return true;
}

void Worker::abort_all() {
  core_.set_now(clock_.now());
  // Those awake first: they give back the slots that the others wake into. Whom a service wakes meanwhile,
  // being told of another's end, is awake the next time round.
  for (bool any = true; any;) {
    any = false;
    for (const bool asleep : {false, true}) {
      for (uint32_t index = 0; index < options_.max_connections; ++index) {
        if (paths_[index].tuple.local_port != 0 && core_.awake(index) != asleep) any = abort(index) || any;
      }
    }
  }
  while (time_waits_.expire(net::Instant::never())) {
    --core_.connections_in[static_cast<size_t>(tcp::State::kTimeWait)];
  }
  core_.ready.clear();
  egress_.flush();
  core_.released.clear();
}

}  // namespace tern::stack
