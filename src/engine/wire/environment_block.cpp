#include "engine/wire/environment_block.h"

#include <cstring>

namespace elsewhere {

Bytes to_block(const std::vector<std::string>& entries) {
  Bytes block;
  for (const auto& entry : entries) {
    block.append(std::as_bytes(std::span(entry.c_str(), entry.size() + 1)));
  }
  return block;
}

std::vector<std::string> from_block(std::span<const std::byte> block) {
  std::vector<std::string> entries;
  const auto* next = reinterpret_cast<const char*>(block.data());
  const auto* end = next + block.size();
  while (next < end) {
    const std::size_t length = ::strnlen(next, static_cast<std::size_t>(end - next));
    entries.emplace_back(next, length);
    next += length + 1;
  }
  return entries;
}

}  // namespace elsewhere
