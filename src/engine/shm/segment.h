// Memory without a name that travels between processes as a descriptor. A large
// value is written into one and read out of it: the socket carries only the
// descriptor, and nothing is left behind when both sides have closed it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

class Segment {
 public:
  // Empty when the system has none to give, or when this process holds so many
  // that descriptors could run out; the caller then goes without.
  static std::optional<Segment> open();
  // What somebody else has written and sent.
  static Segment received(Fd fd, std::uint64_t size_bytes);

  Segment(Segment&& other) noexcept
      : fd_(std::move(other.fd_)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Segment& operator=(Segment&& other) noexcept;
  ~Segment();

  std::uint64_t size_bytes() const { return size_bytes_; }
  int fd() const { return fd_.get(); }
  Result<Fd> duplicate_fd() const;

  // Blocks while the kernel copies, and for nothing else.
  Status append(std::span<const std::byte> bytes);
  // Fills `into` from `offset`; an error if there is less.
  Status read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  Segment(Fd fd, std::uint64_t size_bytes);

  Fd fd_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace elsewhere
