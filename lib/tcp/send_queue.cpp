// SPDX-License-Identifier: BSD-3-Clause
// Text between the user's SEND and its acknowledgment. Each packet knows the sequence number of its first
// byte; the one reference serves the first transmission and every later one.
#include <utility>

#include "tcp/connection.hpp"

namespace tern::tcp {

void Connection::append_text(net::Packet packet, Core& core) {
  const uint32_t length = packet.size();
  rte_mbuf* last = tcb.send_queue.back();
  // Small writes share a buffer, unless a driver or another queue has a hold on it.
  if (last != nullptr && length <= Reassembly::kCopyBelow && net::buffer::tailroom(last) >= length) {
    net::Packet tail(last);
    tail.append(packet.data(), length);
    tail.detach();
    packet.reset();
  } else {
    packet.set_seq(tcb.send_end.value);
    ++core.held_packets;
    tcb.send_queue.push_back(std::move(packet));
  }
  if (tcb.unsent == nullptr) tcb.unsent = tcb.send_queue.back();
  tcb.send_end += length;
}

// Gives back every packet that lies wholly below SND.UNA.
void Connection::release_acknowledged(Core& core) {
  while (rte_mbuf* front = tcb.send_queue.front()) {
    const net::PacketField& field = net::buffer::field(front);
    if (Seq{field.seq} + field.length > tcb.snd.una) return;
    core.release(tcb.send_queue.pop_front());
  }
}

// The packet that holds seq, which must lie in [SND.UNA, send_end).
rte_mbuf* Connection::text_at(Seq seq) const {
  rte_mbuf* buffer = tcb.send_queue.front();
  while (Seq{net::buffer::field(buffer).seq} + net::buffer::field(buffer).length <= seq) {
    buffer = tcb.send_queue.after(buffer);
  }
  return buffer;
}

}  // namespace tern::tcp
