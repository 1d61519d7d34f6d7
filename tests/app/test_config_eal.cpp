// SPDX-License-Identifier: BSD-3-Clause
// Which EAL arguments an operator may not give, in all the spellings that EAL would take.
#include <gtest/gtest.h>

#include "tern/config_eal.hpp"

namespace tern::app {
namespace {

TEST(EalArguments, ThoseThatPlaceThreadsAreTernsOwn) {
  for (const char* argument : {"-l", "-l0-1", "-c", "-c3", "--lcores", "--lcores=0@0", "--lcor", "--lc=0",
                               "--main-lcore", "--main-lcore=1", "--main"}) {
    EXPECT_EQ(refused_eal_argument(argument), "is set by tern; name the CPUs in [dataplane] workers")
        << argument;
  }
}

TEST(EalArguments, ThoseThatAllowDevicesAreTernsOwn) {
  for (const char* argument : {"-a", "-a0000:01:00.0", "-w", "--allow", "--allow=0000:01:00.0", "--al"}) {
    EXPECT_EQ(refused_eal_argument(argument),
              "is set by tern; a [[port]] whose device is a PCI address is allowed by that alone")
        << argument;
  }
}

TEST(EalArguments, AllOthersMayStand) {
  for (const char* argument :
       {"--no-pci", "--in-memory", "--no-huge", "-m", "1024", "--log-level=lib.eal:debug", "--legacy-mem",
        "-n", "4", "--file-prefix=tern", "--vdev=net_null0", "--match-allocations", "--block=0000:01:00.0",
        "-", "--lcoresx"}) {
    EXPECT_EQ(refused_eal_argument(argument), "") << argument;
  }
}

TEST(EalArguments, EachIsAStringOfItsOwn) {
  EXPECT_EQ(refused_eal_argument("--no-pci --in-memory"),
            "holds several arguments; write each as a string of its own");
  EXPECT_EQ(refused_eal_argument(""), "is empty; leave it out");
  EXPECT_EQ(refused_eal_argument("--"), "ends EAL's arguments, which tern does by itself; leave it out");
}

}  // namespace
}  // namespace tern::app
