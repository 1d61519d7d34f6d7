// SPDX-License-Identifier: BSD-3-Clause
// TCP Fast Open: cookies, the bound on pending requests, and what is known of servers. RFC 7413 sections 4.1
// and 5.1.
#include "tcp/fast_open.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace tern::tcp {
namespace {

// Sets the derivation of keys apart from whatever else the secret may be asked: "fastopen".
constexpr uint64_t kKeyLabel = 0x666173746f70656e;

int64_t epoch_of(net::Instant now) { return now.ns / FastOpenCookies::kEpoch.count(); }

net::PrfKey epoch_key(const net::PrfKey& secret, int64_t epoch) {
  const net::PrfBlock derived = net::Prf(secret)({{static_cast<uint64_t>(epoch), kKeyLabel}});
  net::PrfKey key;
  static_assert(sizeof key == sizeof derived.words);
  std::memcpy(key.data(), derived.words.data(), sizeof key);
  return key;
}

}  // namespace

// --- Cookies: section 4.1.2
// --------------------------------------------------------------------------------------

FastOpenCookies::FastOpenCookies(const net::PrfKey& secret, net::Instant now)
    : secret_(secret),
      epoch_(epoch_of(now)),
      current_(epoch_key(secret, epoch_)),
      previous_(epoch_key(secret, epoch_ - 1)) {}

void FastOpenCookies::advance(net::Instant now) {
  const int64_t epoch = epoch_of(now);
  if (fixed_ || epoch <= epoch_) return;
  epoch_ = epoch;
  current_ = epoch_key(secret_, epoch);
  previous_ = epoch_key(secret_, epoch - 1);
}

void FastOpenCookies::set_key(const net::PrfKey& current, const std::optional<net::PrfKey>& previous) {
  fixed_ = true;
  current_ = current;
  previous_ = previous;
}

FastOpenCookies::Check FastOpenCookies::check(std::span<const uint8_t> addresses,
                                              const FastOpenOption& option) const {
  if (!option.present() || option.length != kCookieBytes) return Check::kInvalid;
  uint64_t cookie = 0;
  for (size_t i = kCookieBytes; i != 0; --i) cookie = cookie << 8 | option.cookie[i - 1];
  if (cookie == net::sip_hash_64(current_, addresses)) return Check::kValid;
  return previous_ && cookie == net::sip_hash_64(*previous_, addresses) ? Check::kAged : Check::kInvalid;
}

FastOpenOption FastOpenCookies::make(std::span<const uint8_t> addresses, FastOpenOption::Form form) const {
  FastOpenOption option;
  option.form = form;
  option.length = kCookieBytes;
  const uint64_t cookie = net::sip_hash_64(current_, addresses);
  for (size_t i = 0; i < kCookieBytes; ++i) option.cookie[i] = static_cast<uint8_t>(cookie >> (8 * i));
  return option;
}

// --- Pending requests: section 5.1
// -------------------------------------------------------------------------------

void FastOpenPending::advance(net::Instant now) {
  const int64_t minute = now.ns / net::Duration(kMinute).count();
  if (minute == minute_) return;
  resets_ = {0, minute == minute_ + 1 ? resets_[0] : 0};
  minute_ = minute;
}

bool FastOpenPending::admits(uint32_t limit, net::Instant now) {
  advance(now);
  return open_ + resets_[0] + resets_[1] < limit;
}

void FastOpenPending::note_reset(net::Instant now) {
  advance(now);
  ++resets_[0];
}

// --- What is known of servers: section 4.1.3
// ---------------------------------------------------------------------

FastOpenCache::FastOpenCache(uint32_t capacity) : entries_(size_t{(capacity + kWays - 1) / kWays} * kWays) {}

void FastOpenCache::clear() { std::ranges::fill(entries_, Entry{}); }

// Whom to ask is our own choice, so that no secret is needed here.
std::span<FastOpenCache::Entry> FastOpenCache::ways_of(const FastOpenServer& server) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
  uint64_t hash = 0;
  for (const uint32_t word : server.words) hash = (hash ^ hash >> 32 ^ word) * kGolden;
  const size_t sets = entries_.size() / kWays;
  if (sets == 0) return {};
  return std::span(entries_).subspan((hash >> 32) % sets * kWays, kWays);
}

FastOpenCache::Entry* FastOpenCache::find(const FastOpenServer& server) {
  for (Entry& entry : ways_of(server)) {
    if (entry.used && entry.server == server) return &entry;
  }
  return nullptr;
}

// There must be entries.
FastOpenCache::Entry& FastOpenCache::find_or_add(const FastOpenServer& server, net::Instant now) {
  Entry* entry = find(server);
  if (entry == nullptr) {
    entry = &*std::ranges::min_element(ways_of(server), {},
                                       [](const Entry& e) { return e.used ? e.touched : net::Instant{-1}; });
    *entry = Entry{};
    entry->server = server;
    entry->used = true;
  }
  entry->touched = now;
  return *entry;
}

FastOpenCache::Offer FastOpenCache::offer(const FastOpenServer& server, net::Instant now) {
  Offer offer;
  offer.option.form = FastOpenOption::Form::kStandard;
  if (entries_.empty()) return {};
  const Entry* entry = find(server);
  if (entry == nullptr) return offer;
  if (now < entry->off_until) return {};
  offer.mss = entry->mss;
  if (entry->cookie.has_cookie()) {
    offer.option = entry->cookie;
  } else if (entry->experiment == Experiment::kNext) {
    offer.option.form = FastOpenOption::Form::kExperimental;
  }
  return offer;
}

void FastOpenCache::learn(const FastOpenServer& server, const FastOpenAnswer& answer, net::Instant now) {
  if (entries_.empty()) return;
  Entry& entry = find_or_add(server, now);
  if (answer.mss != 0) entry.mss = answer.mss;
  if (answer.option.has_cookie()) {
    entry.cookie = answer.option;
    entry.losses = 0;
    return;
  }
  if (answer.text_acked != 0) {
    entry.losses = 0;
  } else if (answer.sent_again) {
    note_loss(entry, now);
  } else if (answer.text_sent != 0 || answer.option.form == FastOpenOption::Form::kMalformed) {
    entry.cookie = FastOpenOption{};
    entry.off_until = now + kRefusal;
  } else if (!entry.cookie.has_cookie()) {
    entry.experiment = entry.experiment == Experiment::kNotTried ? Experiment::kNext : Experiment::kTried;
  }
}

// The SYN with the option got no answer, a plain one did. Once that may be congestion; more often it is a
// middlebox that drops what it does not know.
void FastOpenCache::note_loss(Entry& entry, net::Instant now) {
  if (entry.losses < kMostLosses) ++entry.losses;
  if (entry.losses > kTolerated) entry.off_until = now + std::chrono::minutes(1 << entry.losses);
}

void FastOpenCache::note_failure(const FastOpenServer& server, net::Instant now) {
  if (entries_.empty()) return;
  find_or_add(server, now).off_until = now + kRefusal;
}

}  // namespace tern::tcp
