// SPDX-License-Identifier: BSD-3-Clause
// docs/counters.md and the lists of counters say the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "lb/backend.hpp"
#include "lb/limits.hpp"
#include "net/drop.hpp"
#include "stack/counters.hpp"
#include "tcp/counters.hpp"
#include "tern/services/proxy_counters.hpp"
#include "tern/services/upstream.hpp"

namespace tern::app {
namespace {

using Rows = std::multiset<std::string>;

// "group | `name` | unit | sentence |" for each row of the page's tables.
Rows documented() {
  std::ifstream page(TERN_SOURCE_ROOT "/docs/counters.md");
  Rows rows;
  std::string group;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) group = line.substr(3);
    if (line.starts_with("| `")) rows.insert(group + " " + line);
  }
  return rows;
}

class Lists {
 public:
  void add(const std::string& group, const net::CounterDescription& counter) {
    rows.insert(group + " | `" + counter.name + "` | " + counter.unit + " | " + counter.help + " |");
  }
  template <typename Counters>
  void add(const std::string& group, const Counters& counters) {
    counters.for_each([&](const net::CounterDescription& counter, uint64_t) { add(group, counter); });
  }
  Rows rows;
};

TEST(CounterDocs, EachCounterIsDocumentedAndNoOther) {
  Lists lists;
  lists.add("stack", stack::Counters{});
  lists.add("tcp", tcp::Counters{});
  for (size_t i = 1; i < net::kDropReasons; ++i) lists.add("drops", net::kDropDescriptions[i]);
  lists.add("proxy", ProxyCounters{});
  lists.add("limits", lb::LimitCounters{});
  lists.add("backends", lb::BackendCounters{});
  lists.add("ways", Way{});
  const Rows page = documented();
  std::vector<std::string> undocumented, unknown;
  std::set_difference(lists.rows.begin(), lists.rows.end(), page.begin(), page.end(),
                      std::back_inserter(undocumented));
  std::set_difference(page.begin(), page.end(), lists.rows.begin(), lists.rows.end(),
                      std::back_inserter(unknown));
  EXPECT_EQ(undocumented, std::vector<std::string>{});
  EXPECT_EQ(unknown, std::vector<std::string>{});
}

}  // namespace
}  // namespace tern::app
