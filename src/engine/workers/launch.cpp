#include "engine/workers/launch.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// R's system profile makes options of the last ones, and expands `~` once.
constexpr std::array<std::string_view, 19> kReadAtStart = {
    "R_",     "_R_",      "LD_",       "LC_",     "LANG",           "TZ=",   "OMP_",    "MKL_",
    "BLIS_",  "GOTO_",    "OPENBLAS_", "MALLOC_", "GLIBC_TUNABLES", "HOME=", "EDITOR=", "VISUAL=",
    "DVIPS=", "DISPLAY=", "TEXI2DVI="};

}  // namespace

bool is_read_at_start(std::string_view entry) {
  return std::any_of(kReadAtStart.begin(), kReadAtStart.end(),
                     [&](auto prefix) { return entry.starts_with(prefix); });
}

std::vector<std::string> read_at_start(const std::vector<std::string>& environment) {
  std::vector<std::string> entries;
  for (const auto& entry : environment) {
    if (is_read_at_start(entry)) entries.push_back(entry);
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool starts_alike(const LaunchSpec& one, const LaunchSpec& other) {
  return one.program == other.program && one.arguments == other.arguments &&
         one.variables == other.variables &&
         read_at_start(one.environment) == read_at_start(other.environment);
}

Result<Joints> make_joints() {
  auto channel = socket_pair();
  if (!channel.ok()) return channel.error();
  auto output = output_pipe();
  if (!output.ok()) return output.error();
  return Joints{std::move(channel.value().first), std::move(channel.value().second),
                std::move(output.value().first), std::move(output.value().second)};
}

OwnDirectory give_directory(const LaunchSpec& spec) {
  auto made = make_temporary_directory(temporary_parents(spec.environment));
  // R says itself that there is no place for one.
  if (!made.ok()) return {spec.environment, {}};
  return {with_temporary_directory(spec.environment, made.value()),
          TemporaryDirectory(made.value())};
}

Result<Launched> launch_by_exec(const LaunchSpec& spec) {
  auto made = make_joints();
  if (!made.ok()) return made.error();
  Joints& joints = made.value();
  auto own = give_directory(spec);
  auto process = spawn({spec.program,
                        spec.arguments,
                        own.environment,
                        {{1, joints.their_output.get()},
                         {2, joints.their_output.get()},
                         {kChannelFd, joints.their_channel.get()}}});
  if (!process.ok()) return process.error();
  return Launched{std::move(process.value()),
                  std::move(joints.our_channel),
                  std::move(joints.our_output),
                  Parent::Us,
                  {},
                  std::move(own.directory)};
}

Result<Launched> launch_remote(const RemoteSpec& spec) {
  auto made = make_joints();
  if (!made.ok()) return made.error();
  Joints& joints = made.value();
  auto process = spawn({spec.launch.program,
                        spec.launch.arguments,
                        spec.launch.environment,
                        {{0, joints.their_channel.get()},
                         {1, joints.their_channel.get()},
                         {2, joints.their_output.get()}}});
  if (!process.ok()) return process.error();
  return Launched{std::move(process.value()), std::move(joints.our_channel),
                  std::move(joints.our_output), Parent::Us, spec.remote};
}

}  // namespace elsewhere
