// Without a library: the stand-in links this, too.
#include "engine/os/bare.h"

#include <sys/resource.h>
#include <sys/stat.h>

namespace elsewhere::bare {

void get_inherited(Inherited& into) {
  static_assert(RLIM_NLIMITS <= kLimitsMax);
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    rlimit limit{};
    ::getrlimit(i, &limit);
    into.limits[i] = {limit.rlim_cur, limit.rlim_max};
  }
  get_processors(into.processors, sizeof into.processors);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  into.mask = mask;
  into.niceness = ::getpriority(PRIO_PROCESS, 0);
}

void set_inherited(const Inherited& from) {
  ::umask(static_cast<mode_t>(from.mask));
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    const rlimit limit{static_cast<rlim_t>(from.limits[i].soft),
                       static_cast<rlim_t>(from.limits[i].hard)};
    ::setrlimit(i, &limit);
  }
  set_processors(from.processors, sizeof from.processors);
  if (::getpriority(PRIO_PROCESS, 0) != from.niceness) {
    ::setpriority(PRIO_PROCESS, 0, from.niceness);
  }
}

}  // namespace elsewhere::bare
