#include "bridge/front_end.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "bridge/guard.h"

namespace elsewhere {
namespace {

using Table = const elsewhere_front_end_table*;

Table table_in(void* library) { return static_cast<Table>(::dlsym(library, ELSEWHERE_FRONT_END)); }

// libs/elsewhere.so has bin/front-end.so for a neighbour; with a sub-architecture of
// R's both are one folder deeper.
std::string module_file() {
  Dl_info about;
  if (::dladdr(reinterpret_cast<void*>(&front_end), &about) == 0) return {};
  const auto libs = std::filesystem::path(about.dli_fname).parent_path();
  const bool is_plain = libs.filename() == "libs";
  const auto bin = is_plain ? libs.parent_path() / "bin"
                            : libs.parent_path().parent_path() / "bin" / libs.filename();
  return (bin / "front-end.so").string();
}

Table find_table() {
  if (const Table own = table_in(RTLD_DEFAULT)) return own;
  void* module = ::dlopen(module_file().c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  if (module == nullptr) {
    throw EngineError(
        {ErrorCode::WorkerStart, std::string("a worker cannot take R's console: ") + ::dlerror()});
  }
  return table_in(module);
}

}  // namespace

const elsewhere_front_end_table& front_end() {
  static const Table table = find_table();
  return *table;
}

}  // namespace elsewhere
