// Values do not travel in shared memory here: no descriptor of it can be sent. So no
// segment is opened, and nothing is written or read.
#include "engine/os/file.h"

#include "engine/os/memory_file.h"

namespace elsewhere {
namespace {

Error not_on_windows(const char* what) {
  return {ErrorCode::System, std::string(what) + ": memory is not shared on Windows"};
}

}  // namespace

Result<Fd> memory_file(const char*) { return not_on_windows("cannot make a file in memory"); }
bool has_file_limit() { return false; }

Result<std::size_t> read_at(int, std::uint64_t, std::span<std::byte>, const char* what) {
  return not_on_windows(what);
}
Result<std::size_t> write_at(int, std::uint64_t, std::span<const std::byte>, const char* what) {
  return not_on_windows(what);
}

}  // namespace elsewhere
