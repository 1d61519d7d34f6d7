// SPDX-License-Identifier: BSD-3-Clause
// What /tern/flows is asked for: its parameter.
#include "tern/control/flow_request.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace tern::app {

namespace {

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

size_t worker_in(std::string_view text, size_t workers) {
  const auto worker = number_in<size_t>(text);
  if (!worker || *worker >= workers)
    throw std::invalid_argument("no such worker; there are 0 to " + std::to_string(workers - 1));
  return *worker;
}

void read_from(std::string_view text, size_t workers, FlowRequest& request) {
  const size_t slash = text.find('/');
  const auto position =
      slash == std::string_view::npos ? std::nullopt : number_in<uint32_t>(text.substr(slash + 1));
  if (!position) throw std::invalid_argument("from is WORKER/POSITION, as an answer's next says it");
  request.worker = worker_in(text.substr(0, slash), workers);
  request.from = *position;
}

// LISTEN and CLOSED hold no connection.
tcp::State state_in(std::string_view text) {
  std::string names;
  for (auto i = static_cast<size_t>(tcp::State::kSynSent); i < tcp::kStates; ++i) {
    const auto state = static_cast<tcp::State>(i);
    if (text == tcp::state_name(state)) return state;
    names += std::string(" ") + tcp::state_name(state);
  }
  throw std::invalid_argument("no such state; there are" + names);
}

uint16_t binding_in(std::string_view text, std::span<const std::string> bindings) {
  const auto found = std::ranges::find(bindings, text);
  if (found == bindings.end())
    throw std::invalid_argument(
        "no such service; /tern/services lists them, and a pool's checks are checks/POOL");
  return static_cast<uint16_t>(found - bindings.begin());
}

void read_remote(std::string_view text, stack::FlowFilter& filter) {
  const size_t colon = text.find(':');
  std::string network(text.substr(0, colon));
  if (network.find('/') == std::string::npos) network += "/32";
  const auto port = colon == std::string_view::npos ? 0 : number_in<uint16_t>(text.substr(colon + 1));
  const auto remote = net::parse_ipv4_interface(network);
  if (!remote || !port)
    throw std::invalid_argument("remote is ADDRESS or ADDRESS/BITS, or either with :PORT behind");
  filter.remote = *remote;
  filter.remote_port = *port;
}

}  // namespace

std::vector<std::string> binding_names(const Config& config) {
  std::vector<std::string> names;
  for (const ServiceConfig& service : config.services) names.push_back(service.name);
  for (const PoolConfig& pool : config.pools) names.push_back("checks/" + pool.balance.name);
  return names;
}

FlowRequest parse_flow_request(const std::string& parameter, size_t workers,
                               std::span<const std::string> bindings) {
  FlowRequest request;
  std::optional<size_t> worker;
  for (std::string_view rest = parameter; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const std::string_view key = item.substr(0, item.find('='));
    const std::string_view value = item.substr(std::min(key.size() + 1, item.size()));
    if (key == "worker") {
      worker = worker_in(value, workers);
    } else if (key == "from") {
      read_from(value, workers, request);
    } else if (key == "state") {
      request.filter.state = state_in(value);
    } else if (key == "service") {
      request.filter.binding = binding_in(value, bindings);
    } else if (key == "remote") {
      read_remote(value, request.filter);
    } else {
      throw std::invalid_argument(
          "allowed are worker=, from=, state=, service= and remote=, with commas between");
    }
  }
  if (!worker) return request;
  if (request.worker != *worker && request.from != 0)
    throw std::invalid_argument("from belongs to another worker; leave worker= out, or make them agree");
  request.worker = *worker;
  request.one_worker = true;
  return request;
}

std::string to_parameter(const FlowRequest& request, std::span<const std::string> bindings) {
  const std::string worker = std::to_string(request.worker);
  const stack::FlowFilter& filter = request.filter;
  std::string text = "from=" + worker + '/' + std::to_string(request.from);
  if (request.one_worker) text += ",worker=" + worker;
  if (filter.state) text += std::string(",state=") + tcp::state_name(*filter.state);
  if (filter.binding) text += ",service=" + bindings[*filter.binding];
  if (filter.remote.prefix_length != 0 || filter.remote_port != 0) {
    text += ",remote=" + net::to_string(filter.remote);
    if (filter.remote_port != 0) text += ':' + std::to_string(filter.remote_port);
  }
  return text;
}

}  // namespace tern::app
