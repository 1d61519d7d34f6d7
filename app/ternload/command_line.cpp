// SPDX-License-Identifier: BSD-3-Clause
// ternload's command line, on CLI11.
#include "ternload/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace tern::load {
namespace {

constexpr uint32_t kMost = 16'000'000;  // connections, or requests at a time

constexpr std::string_view kUsage =
    "ternload [EAL options --] MODE TARGET --device NAME[,ARGS] --address A.B.C.D/LEN";

constexpr const char* kExamples =
    "TARGET is http://ADDRESS[:PORT][/PATH], or tcp://ADDRESS:PORT for bytes without a protocol.\n"
    "docs/load.md explains every option, and the keys of the JSON file.\n"
    "\n"
    "Examples:\n"
    "  ternload connections http://192.0.2.2/ --device net_memif0,role=client,socket=/run/tern-memif.sock,"
    "socket-abstract=no,zero-copy=yes --address 192.0.2.1/24\n"
    "  ternload requests http://192.0.2.1/index.html --device net_tap0,iface=load0 --address 192.0.2.2/24 "
    "--in-flight 64\n"
    "\n"
    "Exit status: 0 when all went well, 1 when not, 2 when the command line was wrong.";

class Help : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: " + std::string(kUsage) + "\n";
  }
};

// An option whose value one of the parsers of values.cpp understands; each time that it is given.
template <typename Value, typename Store>
CLI::Option* add_value(CLI::App& cli, const std::string& name,
                       std::optional<Value> (*parse)(std::string_view), Store store, const std::string& type,
                       const std::string& help) {
  const auto take = [name, parse, store, type](const std::string& text) {
    const std::optional<Value> value = parse(text);
    if (!value) throw CLI::ValidationError(name, "\"" + text + "\" is not " + type);
    store(*value);
  };
  return cli.add_option_function<std::string>(name, take, help)->type_name(type)->trigger_on_parse();
}

template <typename Value>
using Choices = std::vector<std::pair<std::string, Value>>;

// An option whose value is one of these words.
template <typename Value>
CLI::Option* add_choice(CLI::App& cli, const std::string& name, Value& value, const Choices<Value>& choices,
                        const std::string& type, const std::string& help) {
  const auto take = [name, choices, &value](const std::string& text) {
    std::string words;
    for (const auto& [word, choice] : choices) {
      if (word == text) return void(value = choice);
      words += (words.empty() ? "" : ", ") + word;
    }
    throw CLI::ValidationError(name, "\"" + text + "\" is not one of " + words);
  };
  return cli.add_option_function<std::string>(name, take, help)->type_name(type)->trigger_on_parse();
}

void add_port_options(CLI::App& cli, Options& options) {
  add_value(
      cli, "--device", parse_device, [&](const PortChoice& port) { options.port = port; }, "NAME[,ARGS]",
      "the port: a DPDK device such as net_memif0, net_tap0, net_af_packet0, or a PCI address")
      ->required();
  add_value(
      cli, "--address", net::parse_ipv4_interface, [&](net::Ipv4Interface a) { options.address = a; },
      "A.B.C.D/LEN", "ternload's own address and the length of its network's prefix")
      ->required();
  cli.add_option("--addresses", options.addresses, "how many addresses, from that one on")
      ->check(CLI::Range(1, 4096));
  add_value(
      cli, "--ports", parse_port_range,
      [&](std::pair<uint16_t, uint16_t> range) { std::tie(options.first_port, options.last_port) = range; },
      "FIRST-LAST", "local ports [1024-65535]");
  cli.add_option("--mtu", options.port.mtu, "of the port, in bytes")->check(CLI::Range(576, 9216));
  cli.add_option("--cpu", options.cpu, "the CPU that the worker runs on, all of its time");
  cli.add_option("--buffers", options.buffers, "packet buffers; 0: as many as the rest calls for");
}

void add_load_options(CLI::App& cli, Options& options) {
  cli.add_option("--in-flight", options.in_flight, "closed loop: requests at a time")
      ->check(CLI::Range(1u, kMost));
  cli.add_option("--rate", options.rate,
                 "open loop: connections, or requests, a second, ready or not; 0: closed loop")
      ->check(CLI::Range(0.0, 1e8));
  add_value(
      cli, "--ramp", parse_duration, [&](net::Duration d) { options.ramp = d; }, "TIME",
      "over which either grows from nothing [0s]");
  cli.add_option("--connections", options.connections, "held at a time, or at most; 0: as the mode calls for")
      ->check(CLI::Range(0u, kMost));
  cli.add_option("--touch", options.touch, "concurrent: the share of connections that ask")
      ->check(CLI::Range(0.0, 1.0));
  cli.add_option("--pipeline", options.pipeline, "requests at a time on one connection")
      ->check(CLI::Range(1, 1024));
  cli.add_option("--requests-per-connection", options.requests_per_connection,
                 "after so many it is closed, and another opened; 0: never; mixed: the mean");
  add_value(
      cli, "--mix", parse_weighted_path, [&](const WeightedPath& path) { options.mix.push_back(path); },
      "/PATH[=WEIGHT]", "mixed, http: what to ask for and how often; may be repeated");
  add_choice(cli, "--direction", options.direction,
             {{"down", Direction::kDown}, {"up", Direction::kUp}, {"both", Direction::kBoth}}, "WAY",
             "throughput: down, up or both [down]");
}

void add_exchange_options(CLI::App& cli, Options& options) {
  cli.add_option("--send", options.send_bytes, "tcp: bytes of a request")->check(CLI::Range(1, 1 << 30));
  cli.add_option("--receive", options.receive_bytes, "tcp: bytes of a response")
      ->check(CLI::Range(1, 1 << 30));
  add_choice(cli, "--close", options.closing,
             {{"server", Closing::kServer}, {"client", Closing::kClient}, {"reset", Closing::kReset}}, "WHO",
             "who closes: server (http only), client, or reset (RST) [server; tcp: client]");
  cli.add_flag("--verify", options.verify,
               "compare each response's bytes with the first's, or with the pattern sent");
  add_value(
      cli, "--timeout", parse_duration, [&](net::Duration d) { options.timeout = d; }, "TIME",
      "for a response, or a handshake [10s]");
  cli.add_option("--flood", options.flood_rate, "SYNs a second from addresses that are not ours, besides")
      ->check(CLI::Range(0.0, 1e8));
  add_value(
      cli, "--flood-sources", net::parse_ipv4_interface,
      [&](net::Ipv4Interface n) { options.flood_sources = n; }, "A.B.C.D/LEN",
      "the network of these [198.18.0.0/15]");
}

void add_run_options(CLI::App& cli, Options& options) {
  add_value(
      cli, "--warm-up", parse_duration, [&](net::Duration d) { options.warm_up = d; }, "TIME",
      "before what is measured [1s]");
  add_value(
      cli, "--duration", parse_duration, [&](net::Duration d) { options.duration = d; }, "TIME",
      "of what is measured [10s]");
  cli.add_option("--limit-connections", options.most_connections,
                 "ends after so many connections; 0: no limit");
  cli.add_option("--limit-requests", options.most_requests, "ends after so many requests; 0: no limit");
  add_value(
      cli, "--interval", parse_duration, [&](net::Duration d) { options.interval = d; }, "TIME",
      "of progress, and of the plot's points [1s]");
  cli.add_flag("--quiet", options.quiet, "no progress");
  cli.add_option("--json", options.json_path, "writes the result to this file")->type_name("FILE");
  cli.add_option("--plot", options.plot_path, "draws rate and percentiles over time into this SVG file")
      ->type_name("FILE");
}

// Of addresses, what does not go together; or nothing.
std::string wrong_address(const Options& options) {
  const net::Ipv4Interface& ours = options.address;
  const uint32_t last = ours.address.value + options.addresses - 1;
  if (!ours.contains(options.target.address)) {
    return "the target is not on the network of --address, and ternload knows no routers";
  }
  if (!ours.contains({last}) || (ours.prefix_length < 31 && last == ours.directed_broadcast().value)) {
    return "--addresses goes beyond the network of --address";
  }
  if (ours.address.value <= options.target.address.value && options.target.address.value <= last) {
    return "the target is one of ternload's own addresses; choose others with --address and --addresses";
  }
  return {};
}

// The same of the rest.
std::string contradiction(const CLI::App& cli, const Options& options) {
  const bool raw = options.target.protocol == Protocol::kRaw;
  if (raw && cli.count("--close") != 0 && options.closing == Closing::kServer) {
    return "--close server needs HTTP; with tcp it is client or reset";
  }
  if (options.mode == Mode::kConnections && options.pipeline != 1) {
    return "connections sends one request on each connection; leave --pipeline out, or choose requests";
  }
  if (options.mode != Mode::kMixed && !options.mix.empty()) return "--mix needs the mode mixed";
  if (raw && !options.mix.empty()) return "--mix needs HTTP";
  if (!raw && options.mode == Mode::kThroughput && options.direction != Direction::kDown) {
    return "with HTTP, throughput is down only; load a tcp:// target with --direction up or both";
  }
  if (options.mode == Mode::kFlood && options.flood_rate == 0) return "flood needs --flood RATE";
  if (options.mode == Mode::kThroughput && cli.count("--in-flight") != 0) {
    return "throughput holds --connections and keeps each busy; leave --in-flight out";
  }
  if (options.interval < std::chrono::milliseconds(10)) return "--interval is at least 10ms";
  return {};
}

// Whether a connection asks again as soon as it has its answers; else a schedule or a ring says who asks.
bool asks_by_itself(const Options& options) {
  return options.rate == 0 && options.mode != Mode::kConcurrent && options.mode != Mode::kFlood;
}

uint64_t tuples_of(const Options& options) {
  return uint64_t{options.addresses} * (options.last_port - options.first_port + 1u);
}

// How many connections a mode calls for, as far as there are four-tuples.
uint32_t connections_for(const Options& options) {
  const uint64_t for_in_flight = (uint64_t{options.in_flight} + options.pipeline - 1) / options.pipeline;
  switch (options.mode) {
    case Mode::kConcurrent:
      return static_cast<uint32_t>(std::min<uint64_t>(10'000, tuples_of(options)));
    case Mode::kThroughput:
      return 8;
    case Mode::kConnections:
      if (options.rate != 0) return static_cast<uint32_t>(std::min<uint64_t>(50'000, tuples_of(options)));
      return options.in_flight;
    default:
      return static_cast<uint32_t>(for_in_flight);
  }
}

// What the user leaves to the mode.
void fill_in(Options& options, bool in_flight_told) {
  if (options.target.protocol == Protocol::kRaw && options.closing == Closing::kServer)
    options.closing = Closing::kClient;
  if (options.mode == Mode::kMixed && options.requests_per_connection == 0)
    options.requests_per_connection = 10;
  if (options.mode == Mode::kFlood) {
    options.connections = 0;
    return;
  }
  if (options.connections == 0) options.connections = connections_for(options);
  if (asks_by_itself(options) && !in_flight_told) {
    options.in_flight =
        static_cast<uint32_t>(std::min<uint64_t>(kMost, uint64_t{options.connections} * options.pipeline));
  }
}

// Of how many there are to be, what does not go together; or nothing.
std::string wrong_numbers(const CLI::App& cli, const Options& options) {
  const uint64_t tuples = tuples_of(options);
  if (options.connections > tuples) {
    return fmt::format(
        "{} connections need as many pairs of address and port, and there are {}: more --addresses, or wider "
        "--ports",
        options.connections, tuples);
  }
  const bool told = cli.count("--in-flight") != 0;
  if (!asks_by_itself(options) || !told) return {};
  if (options.in_flight % options.pipeline != 0) {
    return fmt::format(
        "--in-flight {} is no multiple of --pipeline {}, and each connection has that many at a time",
        options.in_flight, options.pipeline);
  }
  if (cli.count("--connections") != 0 &&
      options.connections * uint64_t{options.pipeline} != options.in_flight) {
    return fmt::format(
        "--connections {} with {} at a time on each is not --in-flight {}: leave one of them out",
        options.connections, options.pipeline, options.in_flight);
  }
  return {};
}

}  // namespace

CommandLine parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  Options& options = line.options;
  std::vector<std::string> own(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  const auto separator = std::find(own.begin(), own.end(), "--");
  if (separator != own.end()) {
    options.eal_args.assign(own.begin(), separator);
    own.erase(own.begin(), separator + 1);
  }

  CLI::App cli{"ternload loads TCP servers, on tern's own stack.", "ternload"};
  cli.formatter(std::make_shared<Help>());
  cli.footer(kExamples);
  cli.option_defaults()->always_capture_default();
  Choices<Mode> modes;
  for (const Mode mode : {Mode::kConnections, Mode::kRequests, Mode::kConcurrent, Mode::kThroughput,
                          Mode::kMixed, Mode::kFlood}) {
    modes.emplace_back(name_of(mode), mode);
  }
  add_choice(cli, "MODE", options.mode, modes, "",
             "connections, requests, concurrent, throughput, mixed or flood")
      ->required();
  add_value(
      cli, "TARGET", parse_target, [&](const Target& target) { options.target = target; }, "a URL",
      "what to load")
      ->required();
  add_port_options(cli, options);
  add_load_options(cli, options);
  add_exchange_options(cli, options);
  add_run_options(cli, options);
  cli.set_help_flag("--help", "print this help and end");

  std::reverse(own.begin(), own.end());  // CLI11 takes arguments from the back
  try {
    cli.parse(own);
    line.error = wrong_address(options);
    if (line.error.empty()) line.error = contradiction(cli, options);
    fill_in(options, cli.count("--in-flight") != 0);
    if (line.error.empty()) line.error = wrong_numbers(cli, options);
  } catch (const CLI::CallForHelp&) {
    line.text = cli.help();
    return line;
  } catch (const CLI::ParseError& error) {
    line.error = error.what();
  }
  if (!line.error.empty()) line.error = "ternload: " + line.error + "\nusage: " + std::string(kUsage) + "\n";
  return line;
}

}  // namespace tern::load
