// SPDX-License-Identifier: BSD-3-Clause
// The rate at which the network delivers what a connection sends: draft-ietf-ccwg-bbr section 4.1, which was
// draft-cheng-iccrg-delivery-rate-estimation.
//
// The draft keeps a snapshot with each packet. Here it is kept with each time at which something left, as
// many as there is room for; what leaves within a small part of a round trip shares one, so that a round-trip
// time taken from it may be too long by that part.
#pragma once

#include <array>
#include <cstdint>

#include "tcp/seq.hpp"

namespace tern::tcp {

// What an acknowledgment says of the network; counts of bytes are modulo 2^32.
struct RateSample {
  bool any = false;              // something was delivered whose departure is known: the rest is set
  double rate = 0;               // delivery_rate, bytes per second; 0: none that is reliable
  uint32_t delivered = 0;        // bytes delivered since the departure
  uint32_t prior_delivered = 0;  // P.delivered
  uint32_t tx_in_flight = 0;     // what was in flight when it left, with it
  uint32_t lost = 0;             // bytes found lost since
  int64_t rtt_us = -1;           // -1: none
  bool app_limited = false;
};

// What left last of that which was delivered, or was lost, as a scoreboard knows it.
struct Newest {
  Seq end;
  uint32_t sent_us = 0;
  bool again = false;  // a retransmission
};

class DeliveryRate {
 public:
  static constexpr uint32_t kDepartures = 128;
  static constexpr uint32_t kDeparturesPerTrip = 32;

  struct Departure {
    Seq end;  // of what left
    uint32_t sent_us;
    uint32_t first_sent_us;  // P.first_send_time
    uint32_t delivered_us;   // P.delivered_time
    uint32_t delivered;
    uint32_t lost;
    uint32_t in_flight;
    bool app_limited;
    bool again;  // a retransmission
  };

  // Something has left, up to this number, with which so much is in flight. grain_us: see above.
  void sent(Seq end, bool again, uint32_t length, uint32_t in_flight, uint32_t now_us, uint32_t grain_us);
  // So many bytes were found lost.
  void lost(uint32_t bytes) { lost_ += bytes; }
  // So many bytes were delivered, SND.UNA is now this; newest: null where there is no scoreboard, and SND.UNA
  // tells all.
  RateSample acknowledged(uint32_t bytes, Seq una, const Newest* newest, uint32_t min_rtt_us,
                          uint32_t now_us);
  // There was nothing more to send although the window was open: what is delivered until this is says little.
  void limited_by_application(uint32_t in_flight);

  // The snapshot of when this left; null when it is not known any more.
  const Departure* departure_of(const Newest& newest) const;
  uint32_t delivered() const { return delivered_; }
  uint32_t lost() const { return lost_; }
  bool app_limited() const { return app_limited_; }

 private:
  const Departure& at(uint32_t i) const { return departures_[(first_ + i) % kDepartures]; }
  bool forget_below(Seq una, Departure& newest);

  std::array<Departure, kDepartures> departures_;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
  Seq una_;                     // up to here departures were forgotten
  uint32_t delivered_ = 0;      // C.delivered
  uint32_t delivered_us_ = 0;   // C.delivered_time
  uint32_t first_sent_us_ = 0;  // C.first_send_time
  uint32_t lost_ = 0;           // C.lost
  bool app_limited_ = false;
  uint32_t app_limited_until_ = 0;  // C.app_limited
};

}  // namespace tern::tcp
