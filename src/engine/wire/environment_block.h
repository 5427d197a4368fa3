// An environment as one run of bytes: NAME=value, each entry ended by a zero byte.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace elsewhere {

Bytes to_block(const std::vector<std::string>& entries);
// An entry without its end counts as one: what was cut is for the sender to see.
std::vector<std::string> from_block(std::span<const std::byte> block);

}  // namespace elsewhere
