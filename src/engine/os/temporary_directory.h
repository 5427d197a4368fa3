// The temporary directory of an R process, made by the one who starts it: a
// process that is killed cannot remove what it has made, and may not have told
// anyone. R makes its own inside it, and the worker then takes its place (see
// bridge/worker/own_directory.h).
//
// Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/pid.h"

namespace elsewhere {

// Tells a worker which directory is its own; TMPDIR says so to R.
inline constexpr std::string_view kOwnDirectory = "ELSEWHERE_TMPDIR";
// What TMPDIR is for the worker's code, if it is anything.
inline constexpr std::string_view kSavedDirectory = "ELSEWHERE_SAVED_TMPDIR";

// Makes a directory with a name as R's have it, in the first of `parents` that
// takes one.
Result<std::string> make_temporary_directory(const std::vector<std::string>& parents);
// Removes it with all it holds, or as much of that as `time_max` allows; nothing for an
// empty path.
void remove_all_of(const std::string& path, std::optional<std::chrono::milliseconds> time_max = {});

// Where R makes its directory, given its environment, NAME=value.
std::vector<std::string> temporary_parents(const std::vector<std::string>& environment);
// The environment of a worker that has `path`, which may have been another one's.
std::vector<std::string> with_temporary_directory(std::vector<std::string> environment,
                                                  const std::string& path);

// Owns one, in the process that has made it: a fork of that does not remove it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() = default;
  explicit TemporaryDirectory(std::string path);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  ~TemporaryDirectory() { remove(); }
  // When its process has ended. What takes long is done by a thread.
  void remove();

 private:
  std::string path_;
  Pid owner_ = -1;
};

}  // namespace elsewhere
