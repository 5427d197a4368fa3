// Strong types for the numbers that name things, so that a task can never be
// taken for a worker.
#pragma once

#include <cstdint>

namespace elsewhere {

enum class TaskId : std::uint64_t {};
enum class WorkerId : std::uint64_t {};

// The id of packets that belong to no task (setup, ready, fork).
inline constexpr TaskId kNoTask{0};

constexpr std::uint64_t number(TaskId id) { return static_cast<std::uint64_t>(id); }
constexpr std::uint64_t number(WorkerId id) { return static_cast<std::uint64_t>(id); }

}  // namespace elsewhere
