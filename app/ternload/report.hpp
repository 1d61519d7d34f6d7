// SPDX-License-Identifier: BSD-3-Clause
// What a run came to, for people and for programs.
#pragma once

#include <string>

#include "ternload/options.hpp"
#include "ternload/run.hpp"

namespace tern::load {

// Lines for the terminal, each ending with a newline.
// Whether something came of what was measured, and no error. A server that is not there may have made all its
// errors before that.
bool succeeded(const Options& options, const Result& result);

std::string summarize(const Options& options, const Result& result);
// A JSON object; docs/load.md has its keys.
std::string to_json(const Options& options, const Result& result);

}  // namespace tern::load
