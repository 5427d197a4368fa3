#include "bridge/worker/nursery_main.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bridge/front_end.h"
#include "bridge/worker/arrival.h"
#include "bridge/worker/own_directory.h"
#include "engine/os/process.h"
#include "engine/wire/environment_block.h"
#include "engine/workers/adoption.h"
#include "engine/workers/fork_server.h"
#include "engine/workers/launch.h"
#include "engine/workers/owner_watch.h"

// After the standard library: R's header declares with C names.
#include <Rinternals.h>

namespace elsewhere {
namespace {

// A nursery without sessions goes after this time; the next session starts another.
constexpr std::chrono::minutes kIdleMax{5};

// What every fork would do first is done once, here.
void preload(SEXP functions, const Packet& packet) {
  int failed = 0;
  SEXP bytes = PROTECT(Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(packet.body.size())));
  std::memcpy(RAW(bytes), packet.body.data(), packet.body.size());
  SEXP call = PROTECT(Rf_lang2(Rf_install("install"), bytes));
  R_tryEval(call, functions, &failed);
  UNPROTECT(2);
  if (failed != 0) end_this_process(1);
  // What has survived two collections is left alone by all but the rarest, and
  // stays shared with the forks.
  for (int i = 0; i < 3; ++i) R_gc();
}

// Its forks have directories of their own.
void remove_temporary_directory() {
  int failed = 0;
  SEXP place = PROTECT(Rf_lang1(Rf_install("tempdir")));
  SEXP call = PROTECT(Rf_lang3(Rf_install("unlink"), place, PROTECT(Rf_ScalarLogical(TRUE))));
  R_tryEvalSilent(call, R_BaseEnv, &failed);
  UNPROTECT(3);
}

void become_pool_worker(const ForkOrder& order) {
  ::dup2(order.joints[0].get(), kChannelFd);
  ::dup2(order.joints[1].get(), 1);
  ::dup2(order.joints[1].get(), 2);
  replace_environment(from_block(order.request.body.span()));
  renew_directory(order.directory);
}

// Does what it can while processx still starts the stand-in, then waits for that.
// Returns a descriptor of the stand-in. `own` is the nursery's environment.
Result<Fd> become_session(ForkOrder& order, const std::vector<std::string>& own) {
  auto& joints = order.joints;
  char* const room = std::getenv(kRoomName);
  auto environment = from_block(order.request.body.span());
  if (auto status = move_in(joints[1], joints[2], environment); !status.ok()) {
    return status.error();
  }
  renew_directory(start_environment(environment, own));
  const std::string preamble = arrive().preamble;
  const bool is_prepared = run_preamble(preamble, Errors::Silent);
  auto adopted = adopt_belongings(joints[0].get());
  if (!adopted.ok()) {
    if (adopted.error().code != ErrorCode::Closed) return adopted.error();
    // Killed before it was a session: nobody is left to be told.
    remove_directory(temporary_directory());
    end_this_process(0);
  }
  if (auto status = take_over_from_stand_in(std::move(joints[0])); !status.ok())
    return status.error();
  add_environment(adopted.value().marks);
  if (!show_environment(current_environment())) show_marks(room, adopted.value().marks);
  front_end().start_clock();
  // Once more, for the owner to see what is wrong with it.
  if (!is_prepared && !run_preamble(preamble, Errors::Shown)) end_this_process(1);
  return std::move(adopted.value().stand_in);
}

}  // namespace

bool is_nursery() {
  const char* role = std::getenv("ELSEWHERE_ROLE");
  return role != nullptr && std::strcmp(role, "nursery") == 0;
}

Result<Role> serve_forks(SEXP functions) {
  auto owner = watch_parent();
  if (!owner.ok()) return owner.error();
  ::fcntl(kChannelFd, F_SETFD, FD_CLOEXEC);
  remove_temporary_directory();
  const auto own = current_environment();
  ForkServerOptions options;
  if (std::getenv(kRoomName) != nullptr) options.idle_max = kIdleMax;
  ForkServer server(Fd(kChannelFd), std::move(owner.value()), options);
  ForkOrder order = server.serve([&](const Packet& setup) { preload(functions, setup); });
  // From here on this is the child.
  Role role;
  role.owners.push_back(std::move(order.owner));
  if (!is_for_session(order.joints)) {
    become_pool_worker(order);
    return role;
  }
  auto stand_in = become_session(order, own);
  if (!stand_in.ok()) return stand_in.error();
  role.owners.push_back({-1, std::move(stand_in.value())});
  return role;
}

}  // namespace elsewhere
