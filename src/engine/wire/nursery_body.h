// The bodies of the three packets between an owner and its nursery. The packet's
// task field carries the number of the worker in question.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/bytes.h"

namespace elsewhere {

// Forked: the new process. Its pidfd travels with the packet.
struct ForkedBody {
  std::int32_t pid = 0;
};
// Exited: how it ended.
struct ExitedBody {
  std::int32_t status = 0;
  std::int32_t signal = 0;
};

Bytes encode(const ForkedBody& body);
Bytes encode(const ExitedBody& body);
// Empty when the bytes are not such a body.
std::optional<ForkedBody> decode_forked(std::span<const std::byte> bytes);
std::optional<ExitedBody> decode_exited(std::span<const std::byte> bytes);

}  // namespace elsewhere
