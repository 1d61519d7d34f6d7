// SPDX-License-Identifier: BSD-3-Clause
// From an algorithm's name to the algorithm.
#include "lb/balancer.hpp"

#include "lb/least_connections.hpp"
#include "lb/maglev.hpp"
#include "lb/random_two.hpp"
#include "lb/round_robin.hpp"
#include "lb/source_hash.hpp"

namespace tern::lb {

std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRoundRobin:
      return "round-robin";
    case Algorithm::kLeastConnections:
      return "least-connections";
    case Algorithm::kRandomTwo:
      return "random-two";
    case Algorithm::kSourceHash:
      return "source-hash";
    case Algorithm::kMaglev:
      return "maglev";
  }
  return "round-robin";
}

std::unique_ptr<Balancer> make_balancer(const BalancerConfig& config) {
  switch (config.algorithm) {
    case Algorithm::kRoundRobin:
      break;
    case Algorithm::kLeastConnections:
      return std::make_unique<LeastConnections>();
    case Algorithm::kRandomTwo:
      return std::make_unique<RandomTwo>(config.seed);
    case Algorithm::kSourceHash:
      return std::make_unique<SourceHash>();
    case Algorithm::kMaglev:
      return std::make_unique<Maglev>(config.maglev_size);
  }
  return std::make_unique<RoundRobin>();
}

}  // namespace tern::lb
