// SPDX-License-Identifier: BSD-3-Clause
// The connections one by one, for /tern/flows.
#include "tern/control/flows.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tcp/congestion.hpp"

namespace tern::app {

namespace {

using Reply = net::dpdk::TelemetryReply;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr auto kPatience = std::chrono::seconds(1);       // with a worker that has a question before it
constexpr auto kSearch = std::chrono::milliseconds(100);  // after which a reply is given as it is

constexpr const char* kPlaces[] = {"awake", "asleep", "syn-queue", "accept-queue",
                                   "time-wait"};  // by FlowPlace
constexpr const char* kLimits[] = {"idle", "sender", "send-buffer", "receiver",
                                   "congestion"};  // by LimitedBy
constexpr const char* kLimitTimes[] = {"idle_ms", "sender_ms", "send_buffer_ms", "receiver_ms",
                                       "congestion_ms"};                         // likewise
constexpr const char* kLossStates[] = {"open", "disorder", "recovery", "loss"};  // by LossState

template <class Unit>
uint64_t count_of(net::Duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<Unit>(duration).count());
}

std::string to_text(net::Ipv4Address address, uint16_t port) {
  return net::to_string(address) + ':' + std::to_string(port);
}

// What both ends agreed on, in the words of ss.
std::string options_of(const tcp::Info& info) {
  std::string text;
  const auto add = [&](bool on, const std::string& word) {
    if (on) text += (text.empty() ? "" : " ") + word;
  };
  add(info.timestamps, "ts");
  add(info.sack, "sack");
  add(info.window_scale,
      "wscale:" + std::to_string(info.send_scale) + '/' + std::to_string(info.receive_scale));
  add(info.ecn, "ecn");
  add(info.syn_text, "fastopen");
  return text;
}

void show_sending(const tcp::Info& info, Reply& reply) {
  reply.text("congestion", tcp::kCongestionNames[static_cast<size_t>(info.congestion)]);
  reply.text("loss", kLossStates[static_cast<size_t>(info.loss_state)]);
  reply.text("limited_by", kLimits[static_cast<size_t>(info.limited_by)]);
  reply.number("rtt_us", info.rtt_us);
  reply.number("rttvar_us", info.rttvar_us);
  reply.number("rto_us", count_of<microseconds>(info.rto));
  reply.number("expiries", info.expiries);
  reply.number("mss", info.mss);
  reply.number("advertised_mss", info.advertised_mss);
  reply.number("cwnd", info.cwnd);
  reply.number("ssthresh", info.ssthresh);
  reply.number("send_window", info.send_window);
  reply.number("receive_window", info.receive_window);
}

void show_text(const tcp::Info& info, Reply& reply) {
  reply.number("bytes_sent", info.bytes_sent);
  reply.number("bytes_acked", info.bytes_acknowledged);
  reply.number("bytes_received", info.bytes_received);
  reply.number("retransmissions", info.retransmissions);
  reply.number("in_flight", info.flight);
  reply.number("unsent", info.unsent);
  reply.number("unread", info.unread);
  reply.number("silent_ms", count_of<milliseconds>(info.silence));
  if (info.limit_times == tcp::LimitTimes{}) return;
  for (size_t i = 0; i < info.limit_times.size(); ++i)
    reply.number(kLimitTimes[i], count_of<milliseconds>(info.limit_times[i]));
}

}  // namespace

void show_flow(const stack::Flow& flow, std::span<const std::string> bindings, Reply& reply) {
  reply.text("state", tcp::state_name(flow.info.state));
  reply.text("service", bindings[flow.info.service]);
  reply.text("local", to_text(flow.tuple.local, flow.tuple.local_port));
  reply.text("remote", to_text(flow.tuple.remote, flow.tuple.remote_port));
  reply.text("place", kPlaces[static_cast<size_t>(flow.place)]);
  reply.text("options", options_of(flow.info));
  if (flow.place == stack::FlowPlace::kTimeWait) {
    reply.number("time_wait_ms", count_of<milliseconds>(flow.time_wait));
    return;
  }
  show_sending(flow.info, reply);
  show_text(flow.info, reply);
}

void show_flows(std::span<const std::unique_ptr<stack::Worker>> workers, FlowRequest request,
                std::span<const std::string> bindings, Reply& reply) {
  std::vector<std::pair<size_t, stack::Flow>> flows;  // with their workers
  const auto until = std::chrono::steady_clock::now() + kSearch;
  bool done = false;
  while (!done && flows.size() < kFlowsInReply && std::chrono::steady_clock::now() < until) {
    const auto most = static_cast<uint32_t>(kFlowsInReply - flows.size());
    const stack::FlowPiece* piece =
        workers[request.worker]->ask_for_flows({request.from, most, request.filter}, kPatience);
    if (piece == nullptr)
      throw std::runtime_error("worker " + std::to_string(request.worker) +
                               " did not answer within a second");
    for (const stack::Flow& flow : piece->found()) flows.emplace_back(request.worker, flow);
    request.from = piece->next;
    if (piece->next != stack::kFlowsEnd) continue;
    request.from = 0;
    done = request.one_worker || ++request.worker == workers.size();
  }
  reply.text("next", done ? "" : to_parameter(request, bindings));
  for (const auto& [worker, flow] : flows) {
    reply.object(std::to_string(worker) + '/' + std::to_string(flow.position),
                 [&, &flow = flow](Reply& inner) { show_flow(flow, bindings, inner); });
  }
}

}  // namespace tern::app
