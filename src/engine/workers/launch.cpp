#include "engine/workers/launch.h"

#include <utility>

#include "engine/os/socket.h"

namespace elsewhere {

Result<Joints> make_joints() {
  auto channel = socket_pair();
  if (!channel.ok()) return channel.error();
  auto output = output_pipe();
  if (!output.ok()) return output.error();
  return Joints{std::move(channel.value().first), std::move(channel.value().second),
                std::move(output.value().first), std::move(output.value().second)};
}

Result<Launched> launch_by_exec(const LaunchSpec& spec) {
  auto made = make_joints();
  if (!made.ok()) return made.error();
  Joints& joints = made.value();
  auto process = spawn({spec.program,
                        spec.arguments,
                        spec.environment,
                        {{1, joints.their_output.get()},
                         {2, joints.their_output.get()},
                         {kChannelFd, joints.their_channel.get()}}});
  if (!process.ok()) return process.error();
  return Launched{std::move(process.value()), std::move(joints.our_channel),
                  std::move(joints.our_output), Parent::Us};
}

}  // namespace elsewhere
