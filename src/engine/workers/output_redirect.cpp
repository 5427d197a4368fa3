#include "engine/workers/output_redirect.h"

#include "engine/os/file.h"
#include "engine/os/memory_file.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

Result<Fd> open_target(const std::string& target, const Fd& output) {
  if (target == "memory") return memory_file("elsewhere-output");
  if (target == "2>&1") return duplicate(output ? output.get() : kStandardOutput);
  return create_file(target);
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
    if (stream.is_memory) make_empty(stream.target.get());
    if (stream.target && !has_begun_) (void)copy_to(stream.target.get(), stream.number);
  }
  has_begun_ = true;
}

void OutputRedirect::end() {
  if (!has_begun_) return;
  has_begun_ = false;
  for (const Stream& stream : streams_) {
    if (stream.target) (void)copy_to(stream.home.get(), stream.number);
  }
}

}  // namespace elsewhere
