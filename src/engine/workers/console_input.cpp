#include "engine/workers/console_input.h"

#include <algorithm>
#include <array>

#include "engine/os/file.h"
#include "engine/os/socket.h"

namespace elsewhere {

Result<ConsoleInput> ConsoleInput::take_over() {
  ConsoleInput input;
  if (!is_console(kStandardInput)) return input;
  auto copy = duplicate(kStandardInput);
  if (!copy.ok()) return copy.error();
  input.fd_ = std::move(copy.value());
  const auto nothing = open_nothing();
  if (!nothing.ok()) return nothing.error();
  if (auto status = copy_to(nothing.value().get(), kStandardInput); !status.ok()) {
    return status.error();
  }
  return input;
}

void ConsoleInput::read_some() {
  std::array<char, 8192> piece;
  const auto got = elsewhere::read_some(fd_.get(), std::as_writable_bytes(std::span(piece)));
  if (got.ok()) text_.append(piece.data(), got.value().bytes);
  if (!got.ok() || got.value().outcome == Transfer::Closed) {
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
