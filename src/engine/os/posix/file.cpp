#include "engine/os/file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace elsewhere {
namespace {

Result<Fd> open_file(const std::string& path, int flags, const std::string& what) {
  Fd file(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (!file) return system_error(what + " `" + path + "`");
  return file;
}

template <class Call>
Result<std::size_t> moved_by(Call&& call, const char* what) {
  for (;;) {
    const ssize_t moved = call();
    if (moved >= 0) return static_cast<std::size_t>(moved);
    if (errno != EINTR) return system_error(what);
  }
}

}  // namespace

Result<Fd> open_nothing() { return open_file("/dev/null", O_RDWR, "cannot open"); }

Result<Fd> open_directory(const std::string& path) {
  return open_file(path, O_RDONLY | O_DIRECTORY, "cannot open");
}

Result<Fd> create_file(const std::string& path) {
  return open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, "cannot write output to");
}

Status copy_to(int fd, int number) {
  if (::dup2(fd, number) >= 0) return Done{};
  return system_error("cannot make descriptor " + std::to_string(number));
}

Status set_close_on_exec(int fd) {
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) return Done{};
  return system_error("cannot keep a descriptor from other programs");
}

Status go_to_directory(const Fd& directory) {
  if (::fchdir(directory.get()) == 0) return Done{};
  return system_error("cannot change to the working directory");
}

bool is_console(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return false;
  return S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) || ::isatty(fd) != 0;
}

std::uint64_t size_of(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

// Truncating costs more than asking, and most calls print nothing.
void make_empty(int fd) {
  if (::lseek(fd, 0, SEEK_END) <= 0) return;
  [[maybe_unused]] const int emptied = ::ftruncate(fd, 0);
  ::lseek(fd, 0, SEEK_SET);
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> into,
                            const char* what) {
  const auto from = static_cast<off_t>(offset);
  return moved_by([&] { return ::pread(fd, into.data(), into.size(), from); }, what);
}

Result<std::size_t> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes,
                             const char* what) {
  const auto from = static_cast<off_t>(offset);
  return moved_by([&] { return ::pwrite(fd, bytes.data(), bytes.size(), from); }, what);
}

bool has_file_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace elsewhere
