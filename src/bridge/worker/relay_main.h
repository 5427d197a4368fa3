// What a booted R process on another machine becomes when it is to serve an
// owner far away: a relay (engine/workers/relay.h), with a worker beside it.
#pragma once

#include "engine/base/result.h"

namespace elsewhere {

// The environment says that this process leads to an owner far away.
bool is_relay();

// Forks in R's console reader. The child returns, with its channel as descriptor
// 3, and becomes an ordinary worker; the parent carries its packets and never
// returns. An error when there could be no child.
Status serve_far_owner();

}  // namespace elsewhere
