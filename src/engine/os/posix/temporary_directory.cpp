#include "engine/os/temporary_directory.h"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>
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

}  // namespace

Result<std::string> make_temporary_directory(const std::vector<std::string>& parents) {
  for (const auto& parent : parents) {
    std::string path = parent + "/RtmpXXXXXX";
    if (::mkdtemp(path.data()) != nullptr) return path;
  }
  return system_error("cannot make a temporary directory");
}

void remove_all_of(const std::string& path) {
  std::error_code failed;
  if (!path.empty()) std::filesystem::remove_all(path, failed);
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
  const SignalsBlocked blocked;
  try {
    std::thread([path] { remove_all_of(path); }).detach();
  } catch (const std::system_error&) {
    remove_all_of(path);
  }
}

}  // namespace elsewhere
