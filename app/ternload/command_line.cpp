// SPDX-License-Identifier: BSD-3-Clause
// ternload's command line, on CLI11.
#include "ternload/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

namespace tern::load {
namespace {

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

// An option whose value one of the parsers of values.cpp understands.
template <typename Value, typename Store>
CLI::Option* add_value(CLI::App& cli, const std::string& name,
                       std::optional<Value> (*parse)(std::string_view), Store store, const std::string& type,
                       const std::string& help) {
  return cli
      .add_option_function<std::string>(
          name,
          [name, parse, store, type](const std::string& text) {
            const std::optional<Value> value = parse(text);
            if (!value) throw CLI::ValidationError(name, "\"" + text + "\" is not " + type);
            store(*value);
          },
          help)
      ->type_name(type);
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
  cli.add_option("--in-flight", options.in_flight, "requests at a time")->check(CLI::Range(1u, 16'000'000u));
  cli.add_option("--pipeline", options.pipeline, "of these, on one connection")->check(CLI::Range(1, 1024));
  cli.add_option("--requests-per-connection", options.requests_per_connection,
                 "requests: after so many a connection is closed and another opened; 0: never");
  cli.add_option("--send", options.send_bytes, "tcp: bytes of a request")->check(CLI::Range(1, 1 << 30));
  cli.add_option("--receive", options.receive_bytes, "tcp: bytes of a response")
      ->check(CLI::Range(1, 1 << 30));
  const std::map<std::string, Closing> closings{
      {"server", Closing::kServer}, {"client", Closing::kClient}, {"reset", Closing::kReset}};
  cli.add_option("--close", options.closing, "who closes: server (http only), client, or reset (RST)")
      ->transform(CLI::CheckedTransformer(closings))
      ->type_name("WHO");
  add_value(
      cli, "--timeout", parse_duration, [&](net::Duration d) { options.timeout = d; }, "TIME",
      "for a response, or a handshake [10s]");
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
  cli.add_option("--json", options.json_path, "writes the result to this file")->type_name("FILE");
}

// What does not go together, or nothing.
std::string contradiction(const CLI::App& cli, Options& options) {
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
  if (options.target.protocol == Protocol::kRaw) {
    if (cli.count("--close") != 0 && options.closing == Closing::kServer) {
      return "--close server needs HTTP; with tcp it is client or reset";
    }
    if (options.closing == Closing::kServer) options.closing = Closing::kClient;
  }
  if (options.mode == Mode::kConnections && options.pipeline != 1) {
    return "connections sends one request on each connection; leave --pipeline out, or choose requests";
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
  const std::map<std::string, Mode> modes{{"connections", Mode::kConnections}, {"requests", Mode::kRequests}};
  cli.add_option("MODE", options.mode, "connections (one for each request) or requests (many on each)")
      ->required()
      ->transform(CLI::CheckedTransformer(modes))
      ->type_name("");
  add_value(
      cli, "TARGET", parse_target, [&](const Target& target) { options.target = target; }, "a URL",
      "what to load")
      ->required();
  add_port_options(cli, options);
  add_load_options(cli, options);
  add_run_options(cli, options);
  cli.set_help_flag("--help", "print this help and end");

  std::reverse(own.begin(), own.end());  // CLI11 takes arguments from the back
  try {
    cli.parse(own);
    line.error = contradiction(cli, options);
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
