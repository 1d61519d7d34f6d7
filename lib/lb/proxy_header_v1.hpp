// SPDX-License-Identifier: BSD-3-Clause
// The PROXY protocol's version 1: a line of text. For proxy_header.cpp only.
#pragma once

#include "lb/proxy_header.hpp"

namespace tern::lb {

uint32_t write_proxy_header_v1(const ProxyHeader& header, std::span<uint8_t, kMostProxyHeaderWritten> bytes);
// bytes: not empty.
ProxyParse parse_proxy_header_v1(std::span<const uint8_t> bytes, ProxyHeader& header, uint32_t& length);

}  // namespace tern::lb
