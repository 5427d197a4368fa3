#include "engine/os/library_threads.h"

#include <dlfcn.h>

namespace elsewhere {
namespace {

struct Library {
  const char* file;  // by which it is found where its names are not global
  const char* limit_int;
  const char* limit_long;
};

// OpenBLAS, MKL and BLIS count for themselves where they are not built on OpenMP.
constexpr Library kLibraries[] = {
    {"libgomp.so.1", "omp_set_num_threads", nullptr},
    {"libomp.so.5", "omp_set_num_threads", nullptr},
    {"libiomp5.so", "omp_set_num_threads", nullptr},
    {"libopenblas.so.0", "openblas_set_num_threads", nullptr},
    {"libmkl_rt.so", "MKL_Set_Num_Threads", nullptr},
    {"libmkl_rt.so.2", "MKL_Set_Num_Threads", nullptr},
    {"libblis.so.4", nullptr, "bli_thread_set_num_threads"},
};

template <class Count>
void limit(void* scope, const char* name, int count) {
  if (name == nullptr) return;
  if (void* set = ::dlsym(scope, name)) {
    reinterpret_cast<void (*)(Count)>(set)(static_cast<Count>(count));
  }
}

void limit_in(void* scope, const Library& library, int count) {
  limit<int>(scope, library.limit_int, count);
  limit<long>(scope, library.limit_long, count);
}

}  // namespace

void limit_library_threads(int count) {
  for (const Library& library : kLibraries) {
    if (void* loaded = ::dlopen(library.file, RTLD_LAZY | RTLD_NOLOAD)) {
      limit_in(loaded, library, count);
      ::dlclose(loaded);
    } else {
      // Under another file's name, as in a BLAS that R was linked with.
      limit_in(RTLD_DEFAULT, library, count);
    }
  }
}

}  // namespace elsewhere
