#include "engine/os/temporary_directory.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/os/thread.h"

namespace elsewhere {
namespace {

bool is_variable(std::string_view entry, std::string_view name) {
  return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const auto& entry : environment) {
    if (is_variable(entry, name)) return entry.substr(name.size() + 1);
  }
  return {};
}

// What cannot be removed does not keep the rest from it.
class Removal {
 public:
  explicit Removal(std::optional<std::chrono::milliseconds> time_max) : left_(time_max) {}

  // false once the time is over.
  bool remove(const std::filesystem::path& path) {
    std::error_code failed;
    if (std::filesystem::symlink_status(path, failed).type() ==
        std::filesystem::file_type::directory) {
      for (const auto& entry : entries_of(path)) {
        if (!remove(entry)) return false;
      }
    }
    std::filesystem::remove(path, failed);
    return has_time();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // A machine that stands still meanwhile has used up one of these, no more.
  static constexpr std::chrono::milliseconds kStep{20};

  // Read to the end, so that one directory is open at a time.
  static std::vector<std::filesystem::path> entries_of(const std::filesystem::path& path) {
    std::vector<std::filesystem::path> entries;
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(path, failed), last; !failed && entry != last;
         entry.increment(failed)) {
      entries.push_back(entry->path());
    }
    return entries;
  }

  bool has_time() {
    if (!left_) return true;
    const auto now = Clock::now();
    *left_ -= std::min<Clock::duration>(now - std::exchange(last_look_, now), kStep);
    return *left_ > Clock::duration::zero();
  }

  std::optional<Clock::duration> left_;
  Clock::time_point last_look_ = Clock::now();
};

}  // namespace

Result<std::string> make_temporary_directory(const std::vector<std::string>& parents) {
  for (const auto& parent : parents) {
    std::string path = parent + "/RtmpXXXXXX";
    if (::mkdtemp(path.data()) != nullptr) return path;
  }
  return system_error("cannot make a temporary directory");
}

void remove_all_of(const std::string& path, std::optional<std::chrono::milliseconds> time_max) {
  if (!path.empty()) Removal(time_max).remove(path);
}

std::vector<std::string> temporary_parents(const std::vector<std::string>& environment) {
  std::vector<std::string> parents;
  const bool is_chosen = !value_of(environment, kOwnDirectory).empty();
  const std::string_view first = is_chosen ? kSavedDirectory : "TMPDIR";
  for (const std::string_view name : {first, std::string_view("TMP"), std::string_view("TEMP")}) {
    if (auto value = value_of(environment, name); !value.empty()) {
      parents.push_back(std::move(value));
    }
  }
  parents.push_back("/tmp");
  return parents;
}

std::vector<std::string> with_temporary_directory(std::vector<std::string> environment,
                                                  const std::string& path) {
  const bool is_chosen = !value_of(environment, kOwnDirectory).empty();
  for (auto& entry : environment) {
    if (is_variable(entry, "TMPDIR") && !is_chosen) {
      entry = std::string(kSavedDirectory) + entry.substr(entry.find('='));
    }
  }
  std::erase_if(environment, [](const std::string& entry) {
    return is_variable(entry, "TMPDIR") || is_variable(entry, kOwnDirectory);
  });
  environment.push_back("TMPDIR=" + path);
  environment.push_back(std::string(kOwnDirectory) + "=" + path);
  return environment;
}

TemporaryDirectory::TemporaryDirectory(std::string path)
    : path_(std::move(path)), owner_(::getpid()) {}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), owner_(other.owner_) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  owner_ = other.owner_;
  return *this;
}

void TemporaryDirectory::remove() {
  const std::string path = std::exchange(path_, {});
  if (path.empty() || owner_ != ::getpid()) return;
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
  const auto started = run_in_background("elsewhere-rm", "removes a temporary directory",
                                         [path] { remove_all_of(path); });
  if (!started.ok()) remove_all_of(path);
}

}  // namespace elsewhere
