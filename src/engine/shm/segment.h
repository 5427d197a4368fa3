// Memory without a name that travels between processes as a descriptor. A large
// value is written into one and read out of it: the socket carries only the
// descriptor, and nothing is left behind when both sides have closed it.
//
// New pages cost more than what is copied into them. So who has sent a segment
// keeps it, and writes the next value into it once the receiver has let it go,
// which its first bytes then say.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/os/pid.h"

namespace elsewhere {

// Any thread, one at a time for each segment.
class Segment {
 public:
  // Empty when the system has none to give, or when this process holds so many
  // that descriptors could run out; the caller then goes without.
  static std::optional<Segment> open();
  // What somebody else has written and sent; its sender has it back when this
  // object is destroyed.
  static Segment received(Fd fd, std::uint64_t size_bytes);
  // So many are open here that one which is received had better be copied and let
  // go: their number is the peers' choice, and each takes a descriptor.
  static bool are_many();

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  ~Segment();

  std::uint64_t size_bytes() const { return size_bytes_; }
  // The descriptor, to be sent to one receiver.
  int fd_to_send() const;

  // Blocks while the kernel copies, and for nothing else.
  Status append(std::span<const std::byte> bytes);
  // Fills `into` from `offset`; an error if there is less.
  Status read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  enum class Origin { Opened, Received };
  Segment(Fd fd, Origin origin, std::uint64_t size_bytes, std::uint64_t room_bytes);

  Fd fd_;
  Origin origin_;
  Pid holder_;  // a copy of this object in a forked child neither keeps nor lets go
  std::uint64_t size_bytes_;
  std::uint64_t room_bytes_;  // which have pages by now
  mutable int receivers_ = 0;
};

// While there is one, this process keeps some of the segments that it has sent:
// who sends has one for as long as it does. Any thread.
class KeepsSegments {
 public:
  KeepsSegments();
  ~KeepsSegments();
  KeepsSegments(const KeepsSegments&) = delete;
  KeepsSegments& operator=(const KeepsSegments&) = delete;

 private:
  Pid holder_;
};

}  // namespace elsewhere
