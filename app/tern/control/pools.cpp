// SPDX-License-Identifier: BSD-3-Clause
// What load balancing has to tell.
#include "tern/control/pools.hpp"

#include <algorithm>

namespace tern::app {

namespace {

constexpr net::CounterDescription kProxy[] = {
#define TERN_DESCRIBE(name, unit, help) {#name, unit, help},
    TERN_PROXY_COUNTERS(TERN_DESCRIBE)};
constexpr net::CounterDescription kLimits[] = {TERN_LB_LIMIT_COUNTERS(TERN_DESCRIBE)};
constexpr net::CounterDescription kBackend[] = {TERN_LB_BACKEND_COUNTERS(TERN_DESCRIBE)};
constexpr net::CounterDescription kWay[] = {TERN_WAY_COUNTERS(TERN_DESCRIBE)};
#undef TERN_DESCRIBE

// Adds up several structs of counters, each in the order of its descriptions.
class Sum {
 public:
  explicit Sum(std::span<const net::CounterDescription> about) {
    for (const net::CounterDescription& one : about) counters_.push_back({one, 0});
  }
  void begin() { next_ = 0; }
  void add(const net::Counter& counter) { counters_[next_++].value += counter.value(); }
  std::vector<CounterValue> take() { return std::move(counters_); }

 private:
  std::vector<CounterValue> counters_;
  size_t next_ = 0;
};

void add(Sum& sum, const ProxyCounters& counters) {
  sum.begin();
#define TERN_ADD(name, unit, help) sum.add(counters.name);
  TERN_PROXY_COUNTERS(TERN_ADD)
}

void add(Sum& sum, const lb::LimitCounters& counters) {
  sum.begin();
  TERN_LB_LIMIT_COUNTERS(TERN_ADD)
}

void add(Sum& sum, const lb::BackendCounters& counters) {
  sum.begin();
  TERN_LB_BACKEND_COUNTERS(TERN_ADD)
}

void add(Sum& sum, const Way& counters) {
  sum.begin();
  TERN_WAY_COUNTERS(TERN_ADD)
#undef TERN_ADD
}

}  // namespace

std::vector<CounterGroup> read_balancing(std::span<const Balancing> workers) {
  Sum proxies(kProxy);
  Sum limits(kLimits);
  bool any = false;
  for (const Balancing& worker : workers) {
    for (const Proxy* proxy : worker.proxies) {
      if (proxy == nullptr) continue;
      any = true;
      add(proxies, proxy->counters());
      add(limits, proxy->limit_counters());
    }
  }
  if (!any) return {};
  return {{"proxy", proxies.take()}, {"limits", limits.take()}};
}

std::vector<BackendReport> read_backends(std::span<const Balancing> workers, size_t pool) {
  std::vector<BackendReport> reports;
  const size_t count = workers.front().upstreams[pool]->pool.size();
  for (size_t i = 0; i < count; ++i) {
    BackendReport report;
    Sum sum(kBackend);
    report.state = lb::BackendState::kMaint;
    for (const Balancing& worker : workers) {
      const lb::Backend& backend = worker.upstreams[pool]->pool.backends()[i];
      report.name = backend.config.name;
      report.state = std::min(report.state, static_cast<lb::BackendState>(backend.state.value()));
      report.connections += backend.connections.value();
      add(sum, backend.counters);
    }
    report.check =
        static_cast<lb::CheckStatus>(workers.front().upstreams[pool]->pool.backends()[i].check.value());
    report.counters = sum.take();
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<WayReport> read_ways(std::span<const Balancing> workers, size_t pool) {
  std::vector<WayReport> reports;
  const Upstream& first = *workers.front().upstreams[pool];
  for (uint32_t backend = 0; backend < first.pool.size(); ++backend) {
    for (size_t way = 0; way < first.ways(backend).size(); ++way) {
      Sum sum(kWay);
      for (const Balancing& worker : workers) add(sum, worker.upstreams[pool]->ways(backend)[way]);
      reports.push_back(
          {first.config.balance.backends[backend].name, first.ways(backend)[way].source, sum.take()});
    }
  }
  return reports;
}

}  // namespace tern::app
