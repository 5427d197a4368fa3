#include "engine/shm/segment.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/os/file.h"
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
constexpr std::uint64_t kValueStart = sizeof(Mark);

bool put_mark(int fd, Mark mark) {
  const auto put = write_at(fd, 0, std::as_bytes(std::span(&mark, 1)), "cannot mark a segment");
  return put.ok() && put.value() == sizeof mark;
}

bool is_let_go(int fd) {
  Mark mark = Mark::InUse;
  const auto got =
      read_at(fd, 0, std::as_writable_bytes(std::span(&mark, 1)), "cannot look at a segment");
  return got.ok() && got.value() == sizeof mark && mark == Mark::LetGo;
}

struct Kept {
  Fd fd;
  std::uint64_t room_bytes;
};

// The oldest first. A child that is forked shares the pages of its parent's, and
// starts with none.
struct KeptSegments {
  Pid holder = this_process();
  int keepers = 0;
  std::vector<Kept> all;

  void look_for_fork() {
    if (holder == this_process()) return;
    holder = this_process();
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
      holder_(this_process()),
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
  if (holder_ != this_process()) return;
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
  if (has_file_limit()) return {};  // it counts here, too
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
    const auto written = write_at(fd_.get(), kValueStart + size_bytes_, bytes,
                                  "cannot put a large value into shared memory");
    if (!written.ok()) return written.error();
    size_bytes_ += written.value();
    room_bytes_ = std::max(room_bytes_, size_bytes_);
    bytes = bytes.subspan(written.value());
  }
  return Done{};
}

Status Segment::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset + into.size() > size_bytes_) {
    return Error{ErrorCode::Protocol, "a large value in shared memory is cut short"};
  }
  while (!into.empty()) {
    const auto got = read_at(fd_.get(), kValueStart + offset, into,
                             "cannot read a large value from shared memory");
    if (!got.ok()) return got.error();
    if (got.value() == 0) {
      return Error{ErrorCode::Protocol, "a large value in shared memory is cut short"};
    }
    offset += got.value();
    into = into.subspan(got.value());
  }
  return Done{};
}

KeepsSegments::KeepsSegments() : holder_(this_process()) {
  kept_segments().with([](KeptSegments& kept) {
    kept.look_for_fork();
    ++kept.keepers;
  });
}

KeepsSegments::~KeepsSegments() {
  if (holder_ != this_process()) return;
  kept_segments().with([](KeptSegments& kept) {
    if (--kept.keepers == 0) kept.all.clear();
  });
}

}  // namespace elsewhere
