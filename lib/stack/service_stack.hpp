// SPDX-License-Identifier: BSD-3-Clause
// The worker as one of its services sees it. For worker.cpp only.
#pragma once

#include <optional>

#include "stack/worker.hpp"

namespace tern::stack {

class Worker::ServiceStack final : public Stack {
 public:
  ServiceStack(Worker& worker, uint16_t binding) : worker_(worker), binding_(binding) {}

  net::Instant now() const override { return worker_.core_.now; }
  tcp::Error connect(const net::FourTuple& tuple, uint64_t user, Opened& opened) override {
    const tcp::Error error = worker_.connect(tuple, binding_, {}, &opened);
    if (error == tcp::Error::kNone) worker_.core_.connection(opened.index).tcb.user = user;
    return error;
  }
  PortsLeft ports_left(const net::FourTuple& tuple) const override { return worker_.ports_left(tuple); }
  std::optional<Socket> socket(uint32_t index) override { return worker_.socket(index); }
  const net::FourTuple& tuple(uint32_t index) const override { return worker_.paths_[index].tuple; }
  // The wheel has a node for each service, behind those of connections.
  void wake_at(net::Instant when) override {
    worker_.core_.wheel.arm(static_cast<uint32_t>(worker_.paths_.size()) + binding_, when);
  }

 private:
  Worker& worker_;
  const uint16_t binding_;
};

}  // namespace tern::stack
