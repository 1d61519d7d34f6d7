// SPDX-License-Identifier: BSD-3-Clause
// What load balancing has to tell.
#include "tern/control/pools.hpp"

#include <algorithm>

namespace tern::app {

std::vector<CounterGroup> read_balancing(std::span<const Balancing> workers) {
  CounterSum proxies;
  CounterSum limits;
  bool any = false;
  for (const Balancing& worker : workers) {
    for (const Proxy* proxy : worker.proxies) {
      if (proxy == nullptr) continue;
      any = true;
      proxies.add(proxy->counters());
      limits.add(proxy->limit_counters());
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
    CounterSum sum;
    report.state = lb::BackendState::kMaint;
    for (const Balancing& worker : workers) {
      const lb::Backend& backend = worker.upstreams[pool]->pool.backends()[i];
      report.name = backend.config.name;
      report.state = std::min(report.state, static_cast<lb::BackendState>(backend.state.value()));
      report.connections += backend.connections.value();
      sum.add(backend.counters);
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
      CounterSum sum;
      for (const Balancing& worker : workers) sum.add(worker.upstreams[pool]->ways(backend)[way]);
      reports.push_back(
          {first.config.balance.backends[backend].name, first.ways(backend)[way].source, sum.take()});
    }
  }
  return reports;
}

}  // namespace tern::app
