// SPDX-License-Identifier: BSD-3-Clause
// What a worker serves: a binding for each configured service, then one for each pool, whose checks are its.
#pragma once

#include <memory>
#include <vector>

#include "net/instant.hpp"
#include "net/prf.hpp"
#include "stack/worker.hpp"
#include "tern/config.hpp"
#include "tern/services/proxy.hpp"
#include "tern/services/upstream.hpp"

namespace tern::app {

// A worker's services and its part in load balancing, for others to look at.
struct Balancing {
  std::vector<stack::Service*> services;             // by Config::services
  std::vector<std::shared_ptr<Upstream>> upstreams;  // by Config::pools
  std::vector<Proxy*> proxies;                       // by Config::services; null for those of another kind
};

// secret: random, another for each worker. balancing: filled.
std::vector<stack::Binding> make_bindings(const Config& config, const net::PrfKey& secret, net::Instant now,
                                          Balancing& balancing);

}  // namespace tern::app
