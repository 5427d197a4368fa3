#include "engine/workers/console_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/os/socket.h"

namespace elsewhere {

Result<ConsoleInput> ConsoleInput::take_over() {
  ConsoleInput input;
  struct stat about {};
  const bool is_console =
      ::fstat(STDIN_FILENO, &about) == 0 &&
      (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) || ::isatty(STDIN_FILENO) != 0);
  if (!is_console) return input;
  auto copy = duplicate(STDIN_FILENO);
  if (!copy.ok()) return copy.error();
  input.fd_ = std::move(copy.value());
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing || ::dup2(nothing.get(), STDIN_FILENO) < 0) {
    return system_error("cannot make standard input empty");
  }
  return input;
}

void ConsoleInput::read_some() {
  std::array<char, 8192> piece;
  const ssize_t got = ::read(fd_.get(), piece.data(), piece.size());
  if (got > 0) text_.append(piece.data(), static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
    has_ended_ = true;
    fd_.reset();
  }
}

bool ConsoleInput::has_line() const {
  return text_.find('\n') != std::string::npos || (has_ended_ && !text_.empty());
}

std::string ConsoleInput::take_line(std::size_t bytes_max) {
  const auto newline = text_.find('\n');
  const auto length = newline == std::string::npos ? text_.size() : newline + 1;
  std::string line = text_.substr(0, std::min(length, bytes_max));
  text_.erase(0, line.size());
  return line;
}

}  // namespace elsewhere
