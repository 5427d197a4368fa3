#include "bridge/session_exchange.h"

#include "bridge/guard.h"

// Declares R's interrupt flags, and needs the headers of R above.
#include <R_ext/GraphicsEngine.h>

namespace elsewhere {
namespace {

constexpr std::chrono::microseconds kLook{100};

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
    case PacketKind::Signal:
    case PacketKind::Vitals: break;
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
    const bool is_result = packet.kind == PacketKind::Result;
    const Parcel parcel = or_throw(link.value_of(std::move(packet)));
    if (!is_result || !parcel.segment()) return news(main, name, from_parcel(main, parcel));
    // A large one may be too large for this process. The call is over all the same.
    const Attempt attempt = try_from_parcel(main, parcel);
    if (attempt.failure.empty()) return news(main, name, attempt.value);
    name = "unreadable";
    value = text_to_r(main, std::as_bytes(std::span(attempt.failure)), CE_UTF8);
  }
  return news(main, name, value);
}

std::optional<Parcel> parcel_unless_refused(MainThread& main, SEXP value, OnReference policy) {
  try {
    return to_parcel(main, value, policy);
  } catch (const EngineError& error) {
    if (error.code() != ErrorCode::CannotTravel) throw;
    return {};
  }
}

}  // namespace

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

Result<std::optional<Packet>> wait_for_packet(SessionLink& link, Deadline deadline) {
  const Channel& channel = link.channel();
  if (!channel.has_waiting_packet() && channel.is_all_sent()) channel.look_for(kLook);
  for (;;) {
    auto packet = link.wait(deadline);
    if (packet.ok() || packet.error().code != ErrorCode::Interrupted) return packet;
    if (R_interrupts_pending != 0) {
      R_interrupts_pending = 0;
      return packet;
    }
  }
}

Result<std::optional<Packet>> wait_under_limits(MainThread& main, SessionLink& link,
                                                Deadline deadline) {
  for (;;) {
    const auto look = std::chrono::steady_clock::now() + kBetweenLimits;
    const bool is_last = deadline && *deadline <= look;
    auto packet = wait_for_packet(link, is_last ? deadline : Deadline(look));
    if (is_last || !packet.ok() || packet.value()) return packet;
    r_call(main, [] { R_CheckUserInterrupt(); });
  }
}

void expect_sent(const Status& status) {
  if (!status.ok() && status.error().code != ErrorCode::Closed) throw EngineError(status.error());
}

bool send_call(MainThread& main, SessionLink& link, SEXP payload, OnReference policy) {
  auto parcel = parcel_unless_refused(main, payload, policy);
  if (!parcel) return false;
  expect_sent(link.start(std::move(*parcel)));
  return true;
}

// A channel that fails meanwhile is found by whoever reads next.
void wait_all_sent(MainThread& main, SessionLink& link) {
  while (!link.channel().is_all_sent()) {
    const auto all = link.channel().wait_sent(deadline_in(kBetweenLimits));
    if (!all.ok() && all.error().code != ErrorCode::Interrupted) return;
    r_call(main, [] { R_CheckUserInterrupt(); });
  }
}

bool is_value_alone(SEXP outcome) {
  return TYPEOF(outcome) == VECSXP && Rf_xlength(outcome) == 3 &&
         VECTOR_ELT(outcome, 1) == R_NilValue && VECTOR_ELT(outcome, 2) == R_NilValue;
}

}  // namespace elsewhere
