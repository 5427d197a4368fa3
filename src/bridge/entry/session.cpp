#include <array>
#include <cstring>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/serialize.h"
#include "bridge/session_exchange.h"
#include "bridge/session_handle.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// Without a byte more of what has begun to come.
constexpr std::chrono::milliseconds kRestOfPacket{250};
constexpr std::chrono::seconds kLastMoments{2};

std::optional<std::chrono::milliseconds> milliseconds_from(MainThread& main, SEXP value) {
  const double number = number_from(main, value);
  if (number < 0) return {};
  return std::chrono::milliseconds(static_cast<long>(number));
}

}  // namespace

extern "C" SEXP ew_session_open(SEXP keeps_output, SEXP keeps_error) {
  return guard([&](MainThread& main) {
    auto ends = or_throw(socket_pair());
    auto link = std::make_unique<SessionLink>(std::move(ends.first));
    link->keep_in_memory(flag_from(main, keeps_output), flag_from(main, keeps_error));
    Fd for_poll = or_throw(duplicate(link->channel().fd()));
    SEXP handle = session_to_r(main, std::move(link));
    SEXP out = r_call(main, [&] {
      PROTECT(handle);
      SEXP fds = PROTECT(Rf_allocVector(INTSXP, 2));
      SEXP list = PROTECT(Rf_allocVector(VECSXP, 2));
      SET_VECTOR_ELT(list, 0, handle);
      SET_VECTOR_ELT(list, 1, fds);
      UNPROTECT(3);
      return list;
    });
    // R owns both from here on.
    INTEGER(VECTOR_ELT(out, 1))[0] = ends.second.release();
    INTEGER(VECTOR_ELT(out, 1))[1] = for_poll.release();
    return out;
  });
}

// `pid` is that of a session for which R was started, or NA.
extern "C" SEXP ew_session_guard_process(SEXP session, SEXP process, SEXP pid) {
  return guard([&](MainThread& main) {
    guard_process(main, session, process);
    if (Rf_asInteger(pid) != NA_INTEGER) {
      auto watch = watch_process(int_from(main, pid));
      if (watch.ok()) session_from(main, session).is_started(std::move(watch.value()));
    }
    return R_NilValue;
  });
}

// Waits until the process of a session has ended, which was killed before.
extern "C" SEXP ew_session_wait_gone(SEXP session) {
  return guard([&](MainThread& main) {
    const bool is_gone = session_from(main, session).wait_gone(deadline_in(kLastMoments));
    return r_call(main, [&] { return Rf_ScalarLogical(is_gone); });
  });
}

extern "C" SEXP ew_session_set_up(SEXP session, SEXP setup) {
  return guard([&](MainThread& main) {
    Parcel parcel = to_parcel(main, setup, OnReference::Refuse);
    expect_sent(session_from(main, session).set_up(std::move(parcel)));
    return R_NilValue;
  });
}

// FALSE, and nothing sent, for a payload that cannot travel and shall not.
extern "C" SEXP ew_session_start(SEXP session, SEXP payload, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    const bool is_sent = send_call(main, link, payload, policy);
    return r_call(main, [&] { return Rf_ScalarLogical(is_sent); });
  });
}

extern "C" SEXP ew_session_wait_sent(SEXP session) {
  return guard([&](MainThread& main) {
    wait_all_sent(main, session_from(main, session));
    return R_NilValue;
  });
}

extern "C" SEXP ew_session_sync(SEXP session) {
  return guard([&](MainThread& main) {
    expect_sent(session_from(main, session).sync());
    return R_NilValue;
  });
}

extern "C" SEXP ew_session_take(SEXP session) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    auto packet = link.take();
    // The other end is in the middle of sending, and waits for nothing but us.
    for (std::size_t before = 0; packet.ok() && !packet.value();) {
      const std::size_t arrived = link.channel().arrived_bytes();
      if (arrived == std::exchange(before, arrived)) break;
      packet = wait_for_packet(link, deadline_in(kRestOfPacket));
    }
    return news_of(main, link, packet);
  });
}

extern "C" SEXP ew_session_wait(SEXP session, SEXP timeout) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    auto packet = wait_under_limits(main, link, deadline_in(milliseconds_from(main, timeout)));
    return news_of(main, link, packet);
  });
}

extern "C" SEXP ew_session_printed(SEXP session, SEXP stream) {
  return guard([&](MainThread& main) {
    const SessionLink& link = session_from(main, session);
    const auto which =
        int_from(main, stream) == 0 ? SessionLink::Stream::Output : SessionLink::Stream::Error;
    if (!link.has_printed(which)) return r_call(main, [&] { return Rf_allocVector(RAWSXP, 0); });
    const std::string text = link.printed(which);
    SEXP out =
        r_call(main, [&] { return Rf_allocVector(RAWSXP, static_cast<R_xlen_t>(text.size())); });
    std::memcpy(RAW(out), text.data(), text.size());
    return out;
  });
}

extern "C" SEXP ew_session_is_waiting(SEXP session) {
  return guard([&](MainThread& main) {
    const bool is_waiting = session_from(main, session).channel().has_waiting_packet();
    return r_call(main, [&] { return Rf_ScalarLogical(is_waiting); });
  });
}

// Whether the worker has read all that was sent to it.
extern "C" SEXP ew_session_is_read(SEXP session) {
  return guard([&](MainThread& main) {
    Channel& channel = session_from(main, session).channel();
    const auto sent = channel.wait_sent(deadline_in(std::chrono::milliseconds(0)));
    const bool is_read =
        !channel.is_open() || (sent.ok() && sent.value() && unread_bytes(channel.fd()) == 0);
    return r_call(main, [&] { return Rf_ScalarLogical(is_read); });
  });
}

// A duplicate that the caller closes.
extern "C" SEXP ew_session_descriptor(SEXP session) {
  return guard([&](MainThread& main) {
    Fd copy = or_throw(duplicate(session_from(main, session).channel().fd()));
    SEXP out = r_call(main, [&] { return Rf_ScalarInteger(copy.get()); });
    copy.release();
    return out;
  });
}

extern "C" SEXP ew_session_close(SEXP session) {
  return guard([&](MainThread& main) {
    close_session(session_from(main, session));
    return R_NilValue;
  });
}

}  // namespace elsewhere
