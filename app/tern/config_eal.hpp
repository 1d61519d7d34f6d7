// SPDX-License-Identifier: BSD-3-Clause
// The EAL arguments that an operator may give, in [eal] args or before `--` on the command line.
#pragma once

#include <string>
#include <string_view>

namespace tern::app {

// Why tern does not pass argument on to EAL, and what to do instead: "is set by tern ...; ...". Empty when it
// may stand. Knows the spellings that EAL accepts: -l1, --lcores=0, abbreviations such as --lc.
std::string refused_eal_argument(std::string_view argument);

}  // namespace tern::app
