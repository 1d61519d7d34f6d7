// SPDX-License-Identifier: BSD-3-Clause
// What a worker serves.
#include "tern/bindings.hpp"

#include <bit>

#include "tern/services/health_checks.hpp"
#include "tern/services/services.hpp"

namespace tern::app {

std::vector<stack::Binding> make_bindings(const Config& config, const net::PrfKey& secret, net::Instant now,
                                          Balancing& balancing) {
  const auto seeds = std::bit_cast<std::array<uint64_t, 2>>(secret);
  for (size_t i = 0; i < config.pools.size(); ++i)
    balancing.upstreams.push_back(std::make_shared<Upstream>(config.pools[i], seeds[0] + i, now));
  std::vector<stack::Binding> bindings;
  for (const ServiceConfig& service : config.services) {
    stack::Binding binding{service.tcp, {}, nullptr};
    for (const ListenAddress& listen : service.listen)
      binding.listen.push_back({listen.address, listen.port});
    Proxy* proxy = nullptr;
    if (service.kind == ServiceKind::kProxy) {
      auto made = std::make_unique<Proxy>(service.proxy, balancing.upstreams[service.proxy.pool],
                                          config.dataplane.max_connections, seeds[1] + bindings.size(), now);
      proxy = made.get();
      binding.outgoing = service.proxy.tcp;
      binding.outgoing->reuse_time_wait = true;  // these connections are many to few addresses
      binding.service = std::move(made);
    } else {
      binding.service = make_service(service, config.dataplane.max_connections);
    }
    balancing.proxies.push_back(proxy);
    balancing.services.push_back(binding.service.get());
    bindings.push_back(std::move(binding));
  }
  for (const auto& upstream : balancing.upstreams)
    bindings.push_back({upstream->config.tcp, {}, std::make_unique<HealthChecks>(upstream)});
  return bindings;
}

}  // namespace tern::app
