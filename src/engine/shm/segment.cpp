#include "engine/shm/segment.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/os/memory_file.h"

namespace elsewhere {
namespace {

// Many results may wait to be collected; a process may often open no more than
// 1 024 descriptors, and they belong to the user.
constexpr int kSegmentsMax = 128;
std::atomic<int> open_segments{0};

// What a process keeps for its next values: a call and its answer are under way
// at the same time, and a few workers.
constexpr std::size_t kKeptMax = 4;
constexpr std::uint64_t kKeptBytesMax = std::uint64_t{24} << 20;

// In front of the value: whether the receiver has let it go.
enum class Mark : std::uint64_t { InUse = 0, LetGo = 1 };
constexpr off_t kValueStart = sizeof(Mark);

bool put_mark(int fd, Mark mark) {
  return ::pwrite(fd, &mark, sizeof mark, 0) == static_cast<ssize_t>(sizeof mark);
}

bool is_let_go(int fd) {
  Mark mark = Mark::InUse;
  return ::pread(fd, &mark, sizeof mark, 0) == static_cast<ssize_t>(sizeof mark) &&
         mark == Mark::LetGo;
}

struct Kept {
  Fd fd;
  std::uint64_t room_bytes;
};

// The oldest first. A child that is forked shares the pages of its parent's, and
// starts with none.
struct KeptSegments {
  pid_t holder = ::getpid();
  int keepers = 0;
  std::vector<Kept> all;

  void look_for_fork() {
    if (holder == ::getpid()) return;
    holder = ::getpid();
    keepers = 0;
    all.clear();
  }
  std::uint64_t room_bytes() const {
    std::uint64_t sum = 0;
    for (const Kept& one : all) sum += one.room_bytes;
    return sum;
  }
};

// Never destroyed: what others keep for the life of the process may come here last.
Guarded<KeptSegments>& kept_segments() {
  static auto& here = *new Guarded<KeptSegments>;
  return here;
}

void keep(Fd fd, std::uint64_t room_bytes) {
  if (room_bytes > kKeptBytesMax) return;
  kept_segments().with([&](KeptSegments& kept) {
    kept.look_for_fork();
    if (kept.keepers == 0) return;
    kept.all.push_back({std::move(fd), room_bytes});
    while (kept.all.size() > kKeptMax || kept.room_bytes() > kKeptBytesMax) {
      kept.all.erase(kept.all.begin());
    }
  });
}

// Without a descriptor if the system has none to give.
Kept fresh() {
  auto file = memory_file("elsewhere");
  return {file.ok() ? std::move(file.value()) : Fd(), 0};
}

// The one that was kept last is the most likely to be in the processor's cache.
std::optional<Kept> take_kept() {
  return kept_segments().with([](KeptSegments& kept) -> std::optional<Kept> {
    kept.look_for_fork();
    const auto free = std::find_if(kept.all.rbegin(), kept.all.rend(),
                                   [](const Kept& one) { return is_let_go(one.fd.get()); });
    if (free == kept.all.rend()) return {};
    Kept found = std::move(*free);
    kept.all.erase(std::next(free).base());
    return found;
  });
}

}  // namespace

Segment::Segment(Fd fd, Origin origin, std::uint64_t size_bytes, std::uint64_t room_bytes)
    : fd_(std::move(fd)),
      origin_(origin),
      holder_(::getpid()),
      size_bytes_(size_bytes),
      room_bytes_(room_bytes) {
  ++open_segments;
}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::move(other.fd_)),
      origin_(other.origin_),
      holder_(other.holder_),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      room_bytes_(other.room_bytes_),
      receivers_(other.receivers_) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(origin_, other.origin_);
  std::swap(holder_, other.holder_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(room_bytes_, other.room_bytes_);
  std::swap(receivers_, other.receivers_);
  return *this;
}

Segment::~Segment() {
  if (!fd_) return;
  --open_segments;
  if (holder_ != ::getpid()) return;
  switch (origin_) {
    case Origin::Received: put_mark(fd_.get(), Mark::LetGo); break;
    case Origin::Opened:
      if (receivers_ == 0) put_mark(fd_.get(), Mark::LetGo);
      // Of several receivers, the mark would tell of the first.
      if (receivers_ <= 1) keep(std::move(fd_), room_bytes_);
      break;
  }
}

std::optional<Segment> Segment::open() {
  if (open_segments >= kSegmentsMax) return {};
  // A limit on the size of files counts here too, and ends the process that goes
  // over it by a signal.
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return {};
  auto kept = take_kept();
  if (!kept) kept = fresh();
  if (!kept->fd || !put_mark(kept->fd.get(), Mark::InUse)) return {};
  return Segment(std::move(kept->fd), Origin::Opened, 0, kept->room_bytes);
}

Segment Segment::received(Fd fd, std::uint64_t size_bytes) {
  return Segment(std::move(fd), Origin::Received, size_bytes, 0);
}

bool Segment::are_many() { return open_segments > kSegmentsMax / 2; }

int Segment::fd_to_send() const {
  ++receivers_;
  return fd_.get();
}

Status Segment::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(),
                                     kValueStart + static_cast<off_t>(size_bytes_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot put a large value into shared memory");
    size_bytes_ += static_cast<std::uint64_t>(written);
    room_bytes_ = std::max(room_bytes_, size_bytes_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Done{};
}

Status Segment::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset + into.size() > size_bytes_) {
    return Error{ErrorCode::Protocol, "a large value in shared memory is cut short"};
  }
  while (!into.empty()) {
    const ssize_t got =
        ::pread(fd_.get(), into.data(), into.size(), kValueStart + static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read a large value from shared memory");
    if (got == 0) return Error{ErrorCode::Protocol, "a large value in shared memory is cut short"};
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return Done{};
}

KeepsSegments::KeepsSegments() : holder_(::getpid()) {
  kept_segments().with([](KeptSegments& kept) {
    kept.look_for_fork();
    ++kept.keepers;
  });
}

KeepsSegments::~KeepsSegments() {
  if (holder_ != ::getpid()) return;
  kept_segments().with([](KeptSegments& kept) {
    if (--kept.keepers == 0) kept.all.clear();
  });
}

}  // namespace elsewhere
