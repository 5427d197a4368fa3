// What goes over a session's link, as R sees it: a call out, news back.
//
// R's main thread only. None of the results is protected.
#pragma once

#include <Rinternals.h>

#include <chrono>

#include "bridge/main_thread.h"
#include "bridge/serialize.h"
#include "engine/workers/session_link.h"

namespace elsewhere {

// Passes on what sending says. A peer that is gone is no failure here: whoever
// reads next finds it.
void expect_sent(const Status& status);

// Sends a call and does not wait until the worker reads it. What the socket does not
// take, which is little unless there was no segment to be had, goes out with the next
// wait. false, and nothing sent, for a payload that `policy` refuses.
bool send_call(MainThread& main, SessionLink& link, SEXP payload, OnReference policy);

// Blocks until the worker has read enough for all to be sent; R looks at interrupts
// and its limits of time meanwhile, and may jump.
void wait_all_sent(MainThread& main, SessionLink& link);

// Blocks until a packet is here or the deadline has passed. A signal that is no
// interrupt of R's ends no wait. A pending interrupt is taken off R and is the
// error Interrupted: the caller reports it, after it has stopped the call.
Result<std::optional<Packet>> wait_for_packet(SessionLink& link, Deadline deadline);

// How long R need not look at its limits of time.
constexpr std::chrono::milliseconds kBetweenLimits{200};

// The same, but R looks at its own limits of time (setTimeLimit()) meanwhile, and
// may jump.
Result<std::optional<Packet>> wait_under_limits(MainThread& main, SessionLink& link,
                                                Deadline deadline);

// list(kind, value) of what has come; NULL of nothing. The text of a failure is
// the value of a failed one.
SEXP news_of(MainThread& main, SessionLink& link, Result<std::optional<Packet>>& packet);

// The outcome of a call, list(value, failure, warnings), that has nothing but a
// value.
bool is_value_alone(SEXP outcome);

}  // namespace elsewhere
