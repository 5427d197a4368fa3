#include <array>
#include <cstring>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/guard.h"
#include "bridge/serialize.h"
#include "bridge/session_handle.h"
#include "engine/os/socket.h"

// Declares R's interrupt flags, and needs the headers of R above.
#include <R_ext/GraphicsEngine.h>

namespace elsewhere {
namespace {

constexpr std::chrono::microseconds kLook{100};
constexpr std::chrono::milliseconds kRestOfPacket{250};

std::optional<std::chrono::milliseconds> milliseconds_from(MainThread& main, SEXP value) {
  const double number = number_from(main, value);
  if (number < 0) return {};
  return std::chrono::milliseconds(static_cast<long>(number));
}

SEXP text_to_r(MainThread& main, std::span<const std::byte> bytes, cetype_t encoding) {
  return r_call(main, [&] {
    SEXP one = PROTECT(Rf_mkCharLenCE(reinterpret_cast<const char*>(bytes.data()),
                                      static_cast<int>(bytes.size()), encoding));
    SEXP out = Rf_ScalarString(one);
    UNPROTECT(1);
    return out;
  });
}

const char* name_of(const Packet& packet) {
  if (packet.flag == PacketFlag::Failed) {
    return packet.kind == PacketKind::Ready ? "start failed" : "failed";
  }
  if (packet.flag == PacketFlag::Aborted) return "aborted";
  if (packet.flag == PacketFlag::Incomplete) return "incomplete";
  switch (packet.kind) {
    case PacketKind::Ready: return "ready";
    case PacketKind::Event: return "event";
    case PacketKind::Result: return "result";
    case PacketKind::Synced: return "synced";
    case PacketKind::Setup:
    case PacketKind::Run:
    case PacketKind::Sync:
    case PacketKind::Fork:
    case PacketKind::Forked:
    case PacketKind::Exited:
    case PacketKind::Signal: break;
  }
  return "unknown";
}

// list(kind, value); the text of the failure is the value of a failed one.
SEXP news(MainThread& main, const char* kind, SEXP value) {
  return r_call(main, [&] {
    PROTECT(value);
    SEXP out = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(out, 0, Rf_mkString(kind));
    SET_VECTOR_ELT(out, 1, value);
    UNPROTECT(2);
    return out;
  });
}

SEXP news_of(MainThread& main, SessionLink& link, Packet packet) {
  const char* name = name_of(packet);
  SEXP value = R_NilValue;
  if (packet.flag == PacketFlag::Failed) {
    value = text_to_r(main, packet.body.span(), CE_NATIVE);
  } else if (!packet.body.empty()) {
    value = from_parcel(main, or_throw(link.value_of(std::move(packet))));
  }
  return news(main, name, value);
}

SEXP news_of(MainThread& main, SessionLink& link, Result<std::optional<Packet>>& packet) {
  if (packet.ok()) {
    return packet.value() ? news_of(main, link, std::move(*packet.value())) : R_NilValue;
  }
  switch (packet.error().code) {
    case ErrorCode::Closed: return news(main, "closed", R_NilValue);
    case ErrorCode::Interrupted: return news(main, "interrupted", R_NilValue);
    default: throw EngineError(packet.error());
  }
}

// A signal that is no interrupt of R's ends no wait. A pending interrupt is
// taken off R here: the caller reports it, after it has stopped the call.
Result<std::optional<Packet>> wait_for_packet(SessionLink& link, Deadline deadline) {
  if (!link.channel().has_waiting_packet()) link.channel().look_for(kLook);
  for (;;) {
    auto packet = link.wait(deadline);
    if (packet.ok() || packet.error().code != ErrorCode::Interrupted) return packet;
    if (R_interrupts_pending != 0) {
      R_interrupts_pending = 0;
      return packet;
    }
  }
}

std::optional<Parcel> parcel_unless_refused(MainThread& main, SEXP value, OnReference policy) {
  try {
    return to_parcel(main, value, policy);
  } catch (const EngineError& error) {
    if (error.code() != ErrorCode::CannotTravel) throw;
    return {};
  }
}

// Gone peers are found by whoever reads next.
void sent(const Status& status) {
  if (!status.ok() && status.error().code != ErrorCode::Closed) throw EngineError(status.error());
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

extern "C" SEXP ew_session_guard_process(SEXP session, SEXP process) {
  return guard([&](MainThread& main) {
    guard_process(main, session, process);
    return R_NilValue;
  });
}

extern "C" SEXP ew_session_set_up(SEXP session, SEXP setup) {
  return guard([&](MainThread& main) {
    sent(session_from(main, session).set_up(to_bytes(main, setup)));
    return R_NilValue;
  });
}

// FALSE, and nothing sent, for a payload that cannot travel and shall not.
extern "C" SEXP ew_session_start(SEXP session, SEXP payload, SEXP refuse_references) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    const auto policy =
        flag_from(main, refuse_references) ? OnReference::Refuse : OnReference::Allow;
    auto parcel = parcel_unless_refused(main, payload, policy);
    if (!parcel) return r_call(main, [] { return Rf_ScalarLogical(FALSE); });
    sent(link.start(std::move(*parcel)));
    // A large payload goes out here: the worker is idle and reads it.
    for (;;) {
      auto all = link.channel().wait_sent({});
      if (all.ok() || all.error().code != ErrorCode::Interrupted) break;
      if (R_interrupts_pending != 0) break;  // R acts on it after this call
    }
    return r_call(main, [] { return Rf_ScalarLogical(TRUE); });
  });
}

extern "C" SEXP ew_session_sync(SEXP session) {
  return guard([&](MainThread& main) {
    sent(session_from(main, session).sync());
    return R_NilValue;
  });
}

extern "C" SEXP ew_session_take(SEXP session) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    auto packet = link.take();
    // The other end is in the middle of sending, and waits for nothing but us.
    if (packet.ok() && !packet.value() && link.channel().is_inside_packet()) {
      packet = wait_for_packet(link, deadline_in(kRestOfPacket));
    }
    return news_of(main, link, packet);
  });
}

extern "C" SEXP ew_session_wait(SEXP session, SEXP timeout) {
  return guard([&](MainThread& main) {
    SessionLink& link = session_from(main, session);
    auto packet = wait_for_packet(link, deadline_in(milliseconds_from(main, timeout)));
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
    const bool is_read =
        !channel.is_open() || (channel.is_all_sent() && unread_bytes(channel.fd()) == 0);
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
    session_from(main, session).close();
    return R_NilValue;
  });
}

}  // namespace elsewhere
