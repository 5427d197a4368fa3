#include "engine/shm/segment.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// Many results may wait to be collected; a process may often open no more than
// 1 024 descriptors, and they belong to the user.
constexpr int kSegmentsMax = 128;
std::atomic<int> open_segments{0};

}  // namespace

Segment::Segment(Fd fd, std::uint64_t size_bytes) : fd_(std::move(fd)), size_bytes_(size_bytes) {
  ++open_segments;
}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

Segment::~Segment() {
  if (fd_) --open_segments;
}

std::optional<Segment> Segment::open() {
  if (open_segments >= kSegmentsMax) return {};
  // A limit on the size of files counts here too, and ends the process that goes
  // over it by a signal.
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return {};
  Fd fd(::memfd_create("elsewhere", MFD_CLOEXEC));
  if (!fd) return {};
  return Segment(std::move(fd), 0);
}

Segment Segment::received(Fd fd, std::uint64_t size_bytes) {
  return Segment(std::move(fd), size_bytes);
}

Result<Fd> Segment::duplicate_fd() const { return duplicate(fd_.get()); }

Status Segment::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot put a large value into shared memory");
    size_bytes_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Done{};
}

Status Segment::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read a large value from shared memory");
    if (got == 0) return Error{ErrorCode::Protocol, "a large value in shared memory is cut short"};
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return Done{};
}

}  // namespace elsewhere
