// SPDX-License-Identifier: BSD-3-Clause
// What a run came to, for people and for programs.
#pragma once

#include <string>

#include "ternload/options.hpp"
#include "ternload/run.hpp"

namespace tern::load {

// Lines for the terminal, each ending with a newline.
std::string summarize(const Result& result);
// A JSON object; docs/load.md has its keys.
std::string to_json(const Options& options, const Result& result);

}  // namespace tern::load
