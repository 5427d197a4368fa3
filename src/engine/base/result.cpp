#include "engine/base/result.h"

#include <cerrno>
#include <cstring>

namespace elsewhere {

Error system_error(const std::string& what) {
  const int code = errno;
  return {ErrorCode::System, what + ": " + std::strerror(code)};
}

}  // namespace elsewhere
