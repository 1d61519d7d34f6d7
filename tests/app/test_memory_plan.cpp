// SPDX-License-Identifier: BSD-3-Clause
// The memory plan: what it reckons against what is taken, and what it says when there is not enough.
#include "tern/memory_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_support.hpp"
#include "net/dpdk/port.hpp"
#include "stack/wire.hpp"
#include "stack/worker.hpp"
#include "tern/services/proxy_sessions.hpp"

namespace tern::app {
namespace {

using testing::HasSubstr;
constexpr uint64_t kMiB = 1 << 20;

Config configured(std::string_view old = {}, std::string_view line = {}, std::string_view more = {}) {
  const LoadedConfig loaded = parse(minimal(old, line, more));
  EXPECT_TRUE(loaded.config) << lines(loaded.errors);
  return *loaded.config;
}

void expect_planned(uint32_t connections, uint32_t busy) {
  const net::dpdk::Clock clock;
  net::dpdk::FramePool pool("plan", 64, 0, 2'048);
  stack::WorkerOptions options;
  options.name = "plan";
  options.max_connections = connections;
  options.busy_connections = busy;
  const uint64_t before = test::eal_memory_in_use();
  const stack::Worker worker(options, {}, {}, pool, pool, clock);
  const uint64_t taken = test::eal_memory_in_use() - before;
  // The lists of those that are ready, finished or in TIME-WAIT and what few need at a time come from the
  // process's heap.
  const stack::Footprint plan(options, false);
  EXPECT_EQ(stack::Footprint(options, true).shared - plan.shared, 8'192 * sizeof(tcp::BbrState));
  const uint64_t planned = plan.total() - plan.shared - busy * 12;
  EXPECT_NEAR(static_cast<double>(planned), static_cast<double>(taken), static_cast<double>(taken) / 100);
}

TEST(MemoryPlan, ConnectionsTakeWhatIsPlanned) { expect_planned(50'000, 50'000); }

TEST(MemoryPlan, SleepersTakeWhatIsPlanned) { expect_planned(50'000, 5'000); }

// What tern is to reach: ten million connections of at most 256 bytes each.
TEST(MemoryPlan, TenMillionConnectionsTakeNoMoreThan256BytesEach) {
  const MemoryPlan plan =
      plan_memory(configured("workers", "workers = [1]\nmax_connections = 10000000"), true);
  EXPECT_LE(plan.connections.per_connection(), 256u);
  EXPECT_LE(plan.connections.time_waits.bytes, 128u);
  EXPECT_THAT(describe(plan, configured()), HasSubstr("one in TIME-WAIT 88"));
}

TEST(MemoryPlan, BbrIsPlannedForWhicheverSideUsesIt) {
  const auto shared = [](std::string_view pool, std::string_view service) {
    const LoadedConfig loaded = parse(balanced(pool, {}, service));
    EXPECT_TRUE(loaded.config) << lines(loaded.errors);
    return plan_memory(*loaded.config, true).connections.shared;
  };
  const uint64_t without = shared({}, {});
  const uint64_t with = without + 8'192 * sizeof(tcp::BbrState);
  EXPECT_EQ(shared("congestion = \"bbr\"\n", {}), with);
  EXPECT_EQ(shared({}, "congestion = \"bbr\"\n"), with);
  EXPECT_EQ(shared("congestion = \"bbr\"\n", "congestion = \"bbr\"\n"), with);
}

TEST(MemoryPlan, PoolsTakeWhatIsPlanned) {
  const MemoryPlan plan = plan_memory(configured("workers", "workers = [1]\nbuffers = 8192"), false);
  EXPECT_EQ(plan.receive_buffers, 8'192u);
  const uint64_t before = test::eal_memory_in_use();
  const net::dpdk::FramePool receive("plan_receive", plan.receive_buffers, 256, plan.buffer_bytes);
  const net::dpdk::FramePool headers("plan_headers", plan.header_buffers, 256, plan.buffer_bytes);
  const auto taken = static_cast<double>(test::eal_memory_in_use() - before);
  EXPECT_NEAR(static_cast<double>(plan.buffer_pool_bytes), taken, taken / 20);
}

TEST(MemoryPlan, HugePagesHoldMoreBuffersToThePage) {
  const Config config = configured();
  EXPECT_LT(plan_memory(config, true).buffer_pool_bytes, plan_memory(config, false).buffer_pool_bytes);
}

TEST(MemoryPlan, EachWorkerTakesTheSame) {
  const uint64_t one = plan_memory(configured(), true).total_bytes;
  EXPECT_EQ(plan_memory(configured("workers", "workers = [1, 2, 3]"), true).total_bytes, 3 * one);
  EXPECT_GT(one, 80 * kMiB);
  EXPECT_LT(one, 200 * kMiB);
}

TEST(MemoryPlan, PortsTakeBuffersOfThePlanWhateverTheMtu) {
  for (const int mtu : {576, 1'500, 2'022, 2'023, 2'026, 2'027, 9'000, 9'216}) {
    Config config = configured();
    config.ports[0].mtu = static_cast<uint16_t>(mtu);
    const MemoryPlan plan = plan_memory(config, false);
    const std::string name = "mtu" + std::to_string(mtu);
    test::Wire wire(name, 63);
    net::dpdk::FramePool pool(name, 64, 0, plan.buffer_bytes);
    net::dpdk::FramePool* pools[] = {&pool};
    net::dpdk::PortOptions options;
    options.device = wire.device();
    options.mtu = static_cast<uint16_t>(mtu);
    EXPECT_NO_THROW(const net::dpdk::Port port(options, pools)) << mtu;
  }
}

TEST(MemoryPlan, EveryPortHasItsReserve) {
  Config config = configured();
  const uint32_t one = plan_memory(config, true).receive_reserve;
  EXPECT_GT(one, plan_memory(config, true).descriptors);
  config.ports.push_back(config.ports[0]);
  const MemoryPlan two = plan_memory(config, true);
  EXPECT_EQ(two.receive_reserve, 2 * one);
  EXPECT_GT(two.receive_buffers, 2 * two.receive_reserve);
  EXPECT_GE(two.header_buffers, 2u * two.descriptors);
}

TEST(MemoryPlan, TooFewBuffersForThePortsAreRefused) {
  Config config = configured("workers", "workers = [1]\nbuffers = 4096");
  EXPECT_EQ(refuse(plan_memory(config, true), 1'000'000 * kMiB, true), "");
  for (int i = 0; i < 3; ++i) config.ports.push_back(config.ports[0]);
  const std::string why = refuse(plan_memory(config, true), 1'000'000 * kMiB, true);
  EXPECT_THAT(why, HasSubstr("dataplane.buffers = 4096"));
  EXPECT_THAT(why, HasSubstr("at least 5632"));
  config.dataplane.buffers = 5'632;
  EXPECT_EQ(refuse(plan_memory(config, true), 1'000'000 * kMiB, true), "");
}

TEST(MemoryPlan, RefusalNamesNeedHaveAndRemedy) {
  const MemoryPlan plan =
      plan_memory(configured("workers", "workers = [1]\nmax_connections = 1000000"), true);
  const uint64_t needed = plan.total_bytes + 64 * kMiB;
  EXPECT_EQ(refuse(plan, needed, true), "");
  const std::string huge = refuse(plan, needed - 1, true);
  EXPECT_THAT(huge, HasSubstr(std::to_string((needed + kMiB - 1) / kMiB) + " MiB"));
  EXPECT_THAT(huge, HasSubstr(std::to_string((needed - 1) / kMiB) + " MiB of huge pages are free"));
  EXPECT_THAT(huge, HasSubstr("/proc/sys/vm/nr_hugepages"));
  EXPECT_THAT(huge, HasSubstr("dataplane.max_connections"));
  EXPECT_THAT(huge, HasSubstr("--no-huge"));

  const uint64_t plain_needed = plan.plain_memory_mib() * kMiB;
  EXPECT_GT(plain_needed, plan.total_bytes);
  EXPECT_EQ(refuse(plan, plain_needed, false), "");
  const std::string plain = refuse(plan, plain_needed - 1, false);
  EXPECT_THAT(plain, HasSubstr("dataplane.max_connections"));
  EXPECT_THAT(plain, HasSubstr("dataplane.buffers"));
}

TEST(MemoryPlan, DescriptionNamesWhatIsTaken) {
  const Config config = configured();
  const MemoryPlan plan = plan_memory(config, true);
  const std::string text = describe(plan, config);
  EXPECT_THAT(text, HasSubstr("for 1 worker; each"));
  EXPECT_THAT(text, HasSubstr("100000 x"));
  EXPECT_THAT(text, HasSubstr(std::to_string(plan.receive_buffers) + " to receive"));
  EXPECT_EQ(text.back(), '\n');
}

TEST(MemoryPlan, FilesOfEachServiceCountForEachWorker) {
  Config config = configured();
  config.dataplane.workers = {1, 2};
  const MemoryPlan plan = plan_memory(config, true);
  config.services[0].http.root_bytes = 5 * kMiB;
  config.services.push_back(config.services[0]);
  const MemoryPlan with_files = plan_memory(config, true);
  EXPECT_EQ(with_files.total_bytes, plan.total_bytes + 20 * kMiB);
  EXPECT_THAT(describe(with_files, config), HasSubstr("files                                  10 MiB"));
}

TEST(MemoryPlan, SessionsAndPortsOfProxiesTakeOrdinaryMemory) {
  Config config = configured();
  config.dataplane.workers = {1, 2};
  const MemoryPlan plan = plan_memory(config, false);
  EXPECT_EQ(plan.ordinary_bytes, 0u);
  config.services[0].kind = ServiceKind::kProxy;
  config.pools.resize(1);
  config.pools[0].balance.backends.resize(3);
  config.pools[0].sources.resize(2);
  const MemoryPlan with_proxy = plan_memory(config, false);
  EXPECT_EQ(with_proxy.total_bytes, plan.total_bytes);
  EXPECT_EQ(with_proxy.session_bytes,
            Sessions::footprint(config.dataplane.max_connections) + 6 * stack::LocalPorts::kBytesPerPeer);
  EXPECT_EQ(with_proxy.ordinary_bytes, 2 * with_proxy.session_bytes);
  EXPECT_EQ(Sessions::footprint(1), 132u) << "as docs/configuration.md has it";
  EXPECT_THAT(describe(with_proxy, config), HasSubstr("MiB of ordinary memory"));
  const uint64_t needed = with_proxy.plain_memory_mib() * kMiB + with_proxy.ordinary_bytes;
  EXPECT_EQ(refuse(with_proxy, needed, false), "");
  EXPECT_NE(refuse(with_proxy, needed - 1, false), "");
}

// 32 bytes for each client that is remembered, in the pool's table and in each of the two of limits.
TEST(MemoryPlan, TablesOfClientsTakeOrdinaryMemory) {
  Config config = configured();
  config.services[0].kind = ServiceKind::kProxy;
  config.pools.resize(1);
  const uint64_t before = plan_memory(config, false).session_bytes;
  lb::PoolConfig& pool = config.pools[0].balance;
  pool.persistence = std::chrono::seconds(1);
  pool.persistence_entries = 1 << 20;
  config.services[0].proxy.limits.rate = 1;
  config.services[0].proxy.limits.per_prefix = 1;
  config.services[0].proxy.limits.sources = 1 << 19;
  EXPECT_EQ(plan_memory(config, false).session_bytes, before + (2u << 20) * 32);
  pool.persistence = {};
  pool.algorithm = lb::Algorithm::kMaglev;
  EXPECT_EQ(plan_memory(config, false).session_bytes, before + (1u << 20) * 32 + 2 * pool.maglev_size);
}

TEST(MemoryPlan, MachineSaysWhatIsFree) {
  const uint64_t plain = free_memory_bytes(false);
  EXPECT_GT(plain, 16 * kMiB);
  EXPECT_LT(plain, uint64_t{1} << 50);
  EXPECT_LT(free_memory_bytes(true), uint64_t{1} << 50);
}

}  // namespace
}  // namespace tern::app
