// How a worker process comes into being, and what its owner then holds of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"
#include "engine/os/process.h"
#include "engine/os/temporary_directory.h"

namespace elsewhere {

// The descriptor on which every worker finds its channel.
inline constexpr int kChannelFd = 3;

struct LaunchSpec {
  std::string program;  // R
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=value, complete
  std::vector<std::string> variables = {};  // those of it that R must have when it starts
};

// Whether a process started by one would do for the other: the same program and
// arguments, the same variables that were asked for, and the same values of what R and
// the loader read at start alone.
// Everything else in the environment can be changed later.
bool starts_alike(const LaunchSpec& one, const LaunchSpec& other);
// Whether R, the loader or a library reads this variable when R starts, and may
// never look again. `entry` is NAME=value.
bool is_read_at_start(std::string_view entry);
// Those among `environment`, sorted.
std::vector<std::string> read_at_start(const std::vector<std::string>& environment);

// Who can say how the process ended: its parent.
enum class Parent { Us, Nursery };

// A worker on another machine, behind a process here (ssh) that carries bytes.
struct Remote {
  std::string host;    // for messages
  std::string speaks;  // what the greeting must say; see wire/greeting.h
};

struct RemoteSpec {
  LaunchSpec launch;  // of the process here
  Remote remote;
};

struct Launched {
  Process process;
  Fd channel;  // packets, both ways
  Fd output;   // what the process prints, standard output and error together
  Parent parent = Parent::Us;
  std::optional<Remote> remote = {};
  TemporaryDirectory directory = {};  // when we are the parent
};

// The two ends of what joins a worker to its owner.
struct Joints {
  Fd our_channel, their_channel;
  Fd our_output, their_output;
};
Result<Joints> make_joints();

// A temporary directory for the R process that `spec` starts, and its environment
// with it.
struct OwnDirectory {
  std::vector<std::string> environment;
  TemporaryDirectory directory;
};
OwnDirectory give_directory(const LaunchSpec& spec);

// Starts a process of its own. Takes about as long as posix_spawn, a
// millisecond, and does not wait until R is up.
Result<Launched> launch_by_exec(const LaunchSpec& spec);
// Starts the process that leads to another machine: its standard input and output
// are the channel, its standard error is the output.
Result<Launched> launch_remote(const RemoteSpec& spec);

}  // namespace elsewhere
