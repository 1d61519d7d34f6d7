// SPDX-License-Identifier: BSD-3-Clause
// Several flows through one bottleneck in virtual time: a link of a rate and a drop-tail queue of bytes, that
// all flows share, and for each flow a propagation delay of its own. Each flow is two connections with cores
// of their own; one sends without end, the other reads and acknowledges.
//
// What leaves an end is late by a random fraction of a millisecond, in order, as hosts are: without it flows
// of equal round trips would lock into phase with the queue.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "net/packet.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"

namespace tern::test {

using namespace std::chrono_literals;
using net::Duration;

struct Link {
  double bits_per_second = 10e6;   // of IP packets
  uint32_t queue_bytes = 100'000;  // a packet that does not fit is dropped
  uint32_t mark_bytes = 0;         // beyond so many what is capable of ECN is marked; 0: never
  double loss = 0;                 // probability that a packet is lost on its way, whatever the queue
  Duration jitter = 200us;         // of the hosts
  uint64_t seed = 1;
};

struct Flow {
  tcp::Config config;
  Duration rtt = 40ms;              // propagation there and back, without the queue
  Duration start{0};                // when it begins to send
  Duration stop = Duration::max();  // when it has nothing more to send
};
// A flow that no window limits: buffers of 8 MiB, full scale.
Flow bulk(tcp::Congestion congestion, Duration rtt = 40ms, Duration start = 0ms);

// What a sending end looks like at a time.
struct Sample {
  Duration at;
  uint32_t cwnd = 0;       // bytes
  uint32_t ssthresh = 0;   // bytes
  uint32_t flight = 0;     // bytes
  uint64_t delivered = 0;  // bytes acknowledged since the start
  uint64_t dropped = 0;    // packets of this flow since the start
  uint32_t queue = 0;      // bytes in the bottleneck's queue, of all flows
  bool recovering = false;
};

// A loss that was found, or another change of ssthresh: what the windows were before and are now, bytes.
struct Reduction {
  Duration at;
  uint32_t cwnd_before = 0;
  uint32_t ssthresh = 0;
  bool timeout = false;
};

class Bottleneck {
 public:
  Bottleneck(const Link& link, const std::vector<Flow>& flows, Duration sample_every = 10ms);
  ~Bottleneck();
  Bottleneck(const Bottleneck&) = delete;
  Bottleneck& operator=(const Bottleneck&) = delete;

  void run_until(Duration t);
  // From now on.
  void set_rate(double bits_per_second) { link_.bits_per_second = bits_per_second; }

  const std::vector<Sample>& samples(size_t flow = 0) const { return flows_[flow]->samples; }
  const std::vector<Reduction>& reductions(size_t flow = 0) const { return flows_[flow]->reductions; }
  tcp::Connection& sender(size_t flow = 0) { return flows_[flow]->sender.connections[0]; }
  tcp::Core& core(size_t flow = 0) { return flows_[flow]->sender.core; }
  Duration now() const { return now_ - net::Instant{}; }
  // Bits of text acknowledged per second between two times.
  double goodput(size_t flow, Duration from, Duration to) const;
  // Of all flows together, as a share of what the link could carry.
  double utilization(Duration from, Duration to) const;
  // Bytes in the queue between two times, over the samples.
  double mean_queue(Duration from, Duration to) const;
  uint32_t largest_queue(Duration from, Duration to) const;
  // Jain's index over all flows' goodput: 1 when all are equal, 1/n when one has all.
  double fairness(Duration from, Duration to) const;

 private:
  struct End {
    explicit End(const tcp::Config& c);
    tcp::Config config;
    std::vector<tcp::Connection> connections;
    tcp::Core core;
    net::Instant left;  // when what it sent last came out of the host
  };
  struct Running {
    Running(const Flow& f) : flow(f), sender(f.config), receiver(f.config) {}
    Flow flow;
    End sender;
    End receiver;
    std::vector<Sample> samples;
    std::vector<Reduction> reductions;
    uint64_t dropped = 0;
    tcp::Seq first;
    uint64_t acknowledged = 0;
    uint64_t timeouts = 0;
    uint64_t episodes = 0;  // of loss
    bool open = false;
  };
  struct Arrival {
    Running* flow;
    bool at_receiver;
    tcp::Segment segment;
  };

  void open(Running& flow);
  void arrive(const Arrival& arrival);
  void poll(Running& flow, bool receiver);
  void serve_sender(Running& flow);
  void transmit(Running& flow, bool receiver, const tcp::Departure& departure);
  void watch(Running& flow, uint32_t cwnd, uint32_t ssthresh);
  void sample();
  uint32_t queued() const;
  const Sample& sample_at(size_t flow, Duration t) const;

  Link link_;
  Duration sample_every_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Running>> flows_;
  std::multimap<net::Instant, Arrival> under_way_;
  net::Instant now_;
  net::Instant next_sample_;
  net::Instant free_at_;  // when the link has sent what is queued
  std::vector<uint8_t> text_;
};

}  // namespace tern::test
