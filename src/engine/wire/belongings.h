// What passes between a stand-in and the process that a nursery forks for it. The
// owner has sent the rest with its request; see session_nursery.h. Plain structs without a library
// behind them: the stand-in links none. Both are built together and run on one machine, so they are
// copied as they are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace elsewhere {

// The numbers under which a stand-in finds the session's packets, for the case
// that it becomes the session, and its connection to the nursery.
inline constexpr int kPacketsFd = 3;
inline constexpr int kJointFd = 4;

// How the names of the marks begin.
inline constexpr char kMark[] = "PROCESSX_";

// What a process has from the one that started it and a fork of another process
// has not. Then comes what bare.h calls Inherited, then the marks, which processx has
// added to the environment: NAME=value, each ended by a zero byte.
struct Belongings {
  std::uint64_t marks_bytes;
};

// The descriptors that come with the first byte of the above, in this order.
enum BelongingFd : std::size_t {
  kInputFd,
  kOutputFd,
  kErrorFd,
  kStandInFd,  // readable once the stand-in has ended
  kBelongingFds,
};

// What a stand-in hears of its session, from the nursery.
enum class SessionNews : std::int32_t {
  Refused,   // the nursery cannot fork
  Began,     // number: the pid; what watches it comes along
  Exited,    // number: the status
  Signalled  // number: the signal that ended it
};
struct SessionReport {
  SessionNews news;
  std::int32_t number;
};

}  // namespace elsewhere
