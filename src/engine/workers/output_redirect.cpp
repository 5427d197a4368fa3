#include "engine/workers/output_redirect.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/os/memory_file.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

Result<Fd> open_target(const std::string& target, const Fd& output) {
  if (target == "memory") return memory_file("elsewhere-output");
  if (target == "2>&1") return duplicate(output ? output.get() : STDOUT_FILENO);
  Fd file(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
  if (!file) return system_error("cannot write output to `" + target + "`");
  return file;
}

// Truncating costs more than asking, and most calls print nothing.
void empty_file(int fd) {
  if (::lseek(fd, 0, SEEK_END) <= 0) return;
  [[maybe_unused]] const int emptied = ::ftruncate(fd, 0);
  ::lseek(fd, 0, SEEK_SET);
}

}  // namespace

Result<OutputRedirect> OutputRedirect::open(const std::string& output, const std::string& error) {
  OutputRedirect redirect;
  const std::array<const std::string*, 2> targets{&output, &error};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Stream& stream = redirect.streams_[i];
    stream.number = static_cast<int>(i) + 1;
    if (targets[i]->empty()) continue;
    auto target = open_target(*targets[i], redirect.streams_[0].target);
    if (!target.ok()) return target.error();
    auto home = duplicate(stream.number);
    if (!home.ok()) return home.error();
    stream.target = std::move(target.value());
    stream.home = std::move(home.value());
    stream.is_memory = *targets[i] == "memory";
  }
  return redirect;
}

std::vector<int> OutputRedirect::memory_fds() const {
  std::vector<int> fds;
  for (const Stream& stream : streams_) {
    if (stream.is_memory) fds.push_back(stream.target.get());
  }
  return fds;
}

void OutputRedirect::begin() {
  for (const Stream& stream : streams_) {
    if (stream.is_memory) empty_file(stream.target.get());
    if (stream.target && !has_begun_) ::dup2(stream.target.get(), stream.number);
  }
  has_begun_ = true;
}

void OutputRedirect::end() {
  if (!has_begun_) return;
  has_begun_ = false;
  for (const Stream& stream : streams_) {
    if (stream.target) ::dup2(stream.home.get(), stream.number);
  }
}

}  // namespace elsewhere
