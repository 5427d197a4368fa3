// The bodies of packets between an owner and what stands between it and a worker:
// the nursery, where the packet's task field carries the number of the worker in
// question, and the relay on another machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/bytes.h"

namespace elsewhere {

// Forked: the new process. What watches it travels with the packet.
struct ForkedBody {
  std::int32_t pid = 0;
};
// Exited: how it ended.
struct ExitedBody {
  std::int32_t status = 0;
  std::int32_t signal = 0;
};
// Signal: for the worker, on account of the packet's task.
struct SignalBody {
  std::int32_t signal = 0;
};

// Vitals: its memory, and whether somebody has stopped it (SIGSTOP).
struct VitalsBody {
  std::uint64_t resident_bytes = 0;
  std::uint64_t is_stopped = 0;
};

Bytes encode(const ForkedBody& body);
Bytes encode(const ExitedBody& body);
Bytes encode(const SignalBody& body);
Bytes encode(const VitalsBody& body);
// Empty when the bytes are not such a body.
std::optional<ForkedBody> decode_forked(std::span<const std::byte> bytes);
std::optional<ExitedBody> decode_exited(std::span<const std::byte> bytes);
std::optional<SignalBody> decode_signal(std::span<const std::byte> bytes);
std::optional<VitalsBody> decode_vitals(std::span<const std::byte> bytes);

}  // namespace elsewhere
