// SPDX-License-Identifier: BSD-3-Clause
// DPDK's telemetry socket: one C callback for all commands, and replies that respect the limits of its
// dictionaries.
#include "net/dpdk/telemetry.hpp"

#include <rte_telemetry.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace tern::net::dpdk {

namespace {

struct Registry {
  std::mutex mutex;  // held while a handler runs, so that unregistering waits for it
  std::map<std::string, TelemetryHandler> handlers;
};

// Never destroyed: DPDK's thread may ask until the process ends.
Registry& registry() {
  static auto& instance = *new Registry;
  return instance;
}

// DPDK 22.11 writes texts into JSON as they are.
std::string without_quotes(std::string text) {
  for (char& c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') c = '_';
  }
  return text;
}

struct FreeData {
  void operator()(rte_tel_data* data) const { rte_tel_data_free(data); }
};

class Dictionary : public TelemetryReply {
 public:
  Dictionary(rte_tel_data* data, unsigned depth) : data_(data), depth_(depth) {
    check(rte_tel_data_start_dict(data));
  }

  void number(const std::string& name, uint64_t value) override {
    if (has_room()) check(rte_tel_data_add_dict_u64(data_, allowed_name(name).c_str(), value));
  }

  void text(const std::string& name, const std::string& value) override {
    if (!has_room()) return;
    const std::string shortened = without_quotes(value.substr(0, RTE_TEL_MAX_STRING_LEN - 1));
    check(rte_tel_data_add_dict_string(data_, allowed_name(name).c_str(), shortened.c_str()));
  }

  void object(const std::string& name, const std::function<void(TelemetryReply&)>& fill) override {
    if (depth_ != 0) throw std::logic_error("telemetry carries no object within an object within a reply");
    if (!has_room()) return;
    std::unique_ptr<rte_tel_data, FreeData> inner(rte_tel_data_alloc());
    if (!inner) throw std::bad_alloc();
    Dictionary reply(inner.get(), depth_ + 1);
    fill(reply);
    reply.close();
    check(rte_tel_data_add_dict_container(data_, allowed_name(name).c_str(), inner.get(), 0));
    objects_.push_back(std::move(inner));
  }

  // The reply is whole, and DPDK frees its objects once it has been sent.
  void close() {
    if (omitted_ != 0) check(rte_tel_data_add_dict_u64(data_, "omitted", omitted_));
    for (auto& object : objects_) (void)object.release();
  }

 private:
  // The last entry is kept for saying how many did not fit.
  bool has_room() {
    if (entries_ < RTE_TEL_MAX_DICT_ENTRIES - 1) return ++entries_, true;
    return ++omitted_, false;
  }

  static std::string allowed_name(const std::string& name) {
    std::string allowed = name.substr(0, RTE_TEL_MAX_STRING_LEN - 1);
    for (char& c : allowed) {
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '/') c = '_';
    }
    return allowed;
  }

  static void check(int error) {
    if (error != 0) throw std::runtime_error(std::string("telemetry: ") + std::strerror(-error));
  }

  rte_tel_data* data_;
  unsigned depth_;
  std::vector<std::unique_ptr<rte_tel_data, FreeData>> objects_;  // ours while the reply may still fail
  unsigned entries_ = 0;
  uint64_t omitted_ = 0;
};

// In place of whatever the handler had filled in.
int complain(const char* problem, rte_tel_data* data) noexcept {
  try {
    Dictionary(data, 0).text("error", problem);
    return 0;
  } catch (...) {
    return -1;  // the client sees null
  }
}

int answer(const char* command, const char* parameters, rte_tel_data* data) noexcept {
  try {
    Registry& known = registry();
    const std::scoped_lock lock(known.mutex);
    const auto found = known.handlers.find(command);
    if (found == known.handlers.end() || !found->second) return -1;
    Dictionary reply(data, 0);
    found->second(parameters == nullptr ? "" : parameters, reply);
    reply.close();
    return 0;
  } catch (const std::exception& problem) {  // which must not cross C
    return complain(problem.what(), data);
  } catch (...) {
    return -1;
  }
}

}  // namespace

void register_telemetry(const std::string& command, const std::string& help, TelemetryHandler handler) {
  Registry& known = registry();
  {
    const std::scoped_lock lock(known.mutex);
    const auto [entry, is_new] = known.handlers.insert_or_assign(command, std::move(handler));
    if (!is_new) return;
  }
  // DPDK takes a lock of its own here; ours is not held, so that no order between them arises.
  const int error = rte_telemetry_register_cmd(command.c_str(), answer, help.c_str());
  if (error == 0) return;
  const std::scoped_lock lock(known.mutex);
  known.handlers.erase(command);
  throw std::runtime_error("telemetry command " + command + ": " + std::strerror(-error) +
                           "; allowed are 55 letters that begin with / and 127 of help");
}

void unregister_telemetry(const std::string& command) {
  Registry& known = registry();
  const std::scoped_lock lock(known.mutex);
  const auto found = known.handlers.find(command);
  if (found != known.handlers.end()) found->second = nullptr;
}

}  // namespace tern::net::dpdk
