// Small files of /proc. Plain memory, because the stand-in links no library.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>

namespace elsewhere::linux_only {

// "/proc/<pid>/<name>", whole; empty if there is none.
class ProcFile {
 public:
  ProcFile(int pid, const char* name) {
    char path[48] = "/proc/";
    char* end = std::to_chars(path + 6, path + 26, pid).ptr;
    *end++ = '/';
    ::strncpy(end, name, 20);
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t got;
    do {
      got = ::read(file, text_, sizeof text_ - 1);
    } while (got < 0 && errno == EINTR);
    const int failure = errno;
    ::close(file);
    errno = failure;
    text_[got > 0 ? got : 0] = '\0';
  }

  const char* text() const { return text_; }
  bool is_empty() const { return text_[0] == '\0'; }

 private:
  char text_[1024] = {};
};

// What the kernel says of a process in "stat", its fields numbered as in proc(5).
class ProcStat {
 public:
  explicit ProcStat(int pid) : file_(pid, "stat") {
    // The second, a name in brackets, may hold anything.
    const char* const bracket = ::strrchr(file_.text(), ')');
    if (bracket != nullptr && bracket[1] == ' ') state_ = bracket + 2;
  }

  bool is_there() const { return state_ != nullptr; }
  char state() const { return state_ == nullptr ? '\0' : *state_; }
  // From the fourth on; false if there is none of that number.
  bool field(int number, std::uint64_t& value) const {
    const char* next = state_;
    for (int at = 3; next != nullptr && at < number; ++at) {
      next = ::strchr(next, ' ');
      if (next != nullptr) ++next;
    }
    if (next == nullptr) return false;
    char* end = nullptr;
    value = ::strtoull(next, &end, 10);  // one below zero: not among those used
    return end != next;
  }

 private:
  ProcFile file_;
  const char* state_ = nullptr;
};

}  // namespace elsewhere::linux_only
