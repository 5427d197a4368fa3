// Which descriptors are open, and closing them one by one.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "engine/os/portable/portable.h"

#include "engine/os/portable/poison.h"

namespace elsewhere::portable {
namespace {

// No system gives higher numbers unless its limits have been raised to that.
constexpr long kNumbersMax = 1L << 20;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

// Not every system lists more than the first three there.
std::vector<int> listed() {
  const Fd known(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<int> found;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry("/dev/fd", failure), last;
       !failure && entry != last; entry.increment(failure)) {
    found.push_back(std::atoi(entry->path().filename().c_str()));
  }
  const bool is_complete = std::find(found.begin(), found.end(), known.get()) != found.end();
  return is_complete ? found : std::vector<int>{};
}

}  // namespace

std::vector<int> open_descriptors(int first) {
  std::vector<int> found = listed();
  if (found.empty()) {
    const long limit = ::sysconf(_SC_OPEN_MAX);
    const long end = limit < 0 ? kNumbersMax : std::min(limit, kNumbersMax);
    for (int fd = first; fd < end; ++fd) found.push_back(fd);
  }
  std::erase_if(found, [&](int fd) { return fd < first || !is_open(fd); });
  return found;
}

void add_close_from(posix_spawn_file_actions_t& actions, int first) {
  for (const int fd : open_descriptors(first)) ::posix_spawn_file_actions_addclose(&actions, fd);
}

void close_on_exec_from(int first) {
  for (const int fd : open_descriptors(first)) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace elsewhere::portable
