// What a worker does with the packet at hand: it evaluates, and makes the reply.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bridge/guard.h"
#include "bridge/r_api.h"
#include "bridge/reference_search.h"
#include "bridge/serialize.h"
#include "bridge/worker/worker_main.h"

namespace elsewhere {
namespace {

// R/words-conditions.R knows the start of it.
constexpr std::string_view kNotRead = "could not be read by its process: ";
// R overflows its stack without a message at times.
constexpr const char* kNothingSaid = "R gave no reason; perhaps the value is nested too deeply";

// A session's outcome is list(value, failure, warnings).
bool has_failure(SEXP outcome) {
  return TYPEOF(outcome) == VECSXP && Rf_xlength(outcome) >= 2 &&
         VECTOR_ELT(outcome, 1) != R_NilValue;
}

bool has_warnings(SEXP outcome) {
  return TYPEOF(outcome) != VECSXP || Rf_xlength(outcome) != 3 ||
         VECTOR_ELT(outcome, 2) != R_NilValue;
}

}  // namespace

SEXP WorkerMain::decode(MainThread& main) {
  if (!packet_) return R_NilValue;
  const Parcel payload = or_throw(
      Parcel::unpack({packet_->kind, packet_->flag, packet_->task, std::move(packet_->body)},
                     channel_->take_fds()));
  return from_parcel(main, payload);
}

bool WorkerMain::has_setting(MainThread& main, const char* name) {
  SEXP value = r_call(main, [&] { return variable_in(functions_, Rf_install(name)); });
  return TYPEOF(value) == LGLSXP && Rf_xlength(value) == 1 && LOGICAL(value)[0] == TRUE;
}

void WorkerMain::pack(MainThread& main, SEXP value) {
  const auto policy =
      has_setting(main, "refuses_references") ? OnReference::Refuse : OnReference::Allow;
  try {
    reply_value_ = to_parcel(main, value, policy);
  } catch (const EngineError& error) {
    if (error.code() != ErrorCode::CannotTravel) throw;
    keep_failure(refusal_of(main, value).c_str());
    return;
  }
  reply_.body = Bytes(reply_value_.body());
  reply_.flag = reply_value_.flag();
  has_reply_ = true;
}

void WorkerMain::keep_failure(const char* message) {
  reply_.flag = PacketFlag::Failed;
  reply_.body = Bytes(std::as_bytes(std::span(message, std::strlen(message))));
  has_reply_ = true;
}

void WorkerMain::set_up(MainThread& main) {
  reply_ = Packet{PacketKind::Ready, PacketFlag::None, packet_->task, {}};
  // setup(setup): an error in it is shown on standard error and ends the worker.
  int failed = 0;
  r_call(main, [&] {
    SEXP setup = PROTECT(R_tryEval(decode_call_, R_BaseEnv, &failed));
    if (failed == 0) {
      SEXP function = PROTECT(Rf_findFun(Rf_install("setup"), functions_));
      SEXP call = PROTECT(Rf_lang2(function, setup));
      SEXP value = PROTECT(R_tryEval(call, R_GlobalEnv, &failed));
      if (failed == 0) {
        SEXP pack = PROTECT(Rf_lang3(Rf_install(".Call"), pack_entry_, value));
        R_tryEval(pack, R_BaseEnv, &failed);
        UNPROTECT(1);
      }
      UNPROTECT(3);
    }
    UNPROTECT(1);
  });
  if (failed != 0) {
    keep_failure(R_curErrorBuf());
    ends_after_reply_ = true;
    return;
  }
  suspends_interrupts_ = has_setting(main, "suspends_interrupts");
  is_in_pool_ = has_setting(main, "in_pool");
  runs_once_ = has_setting(main, "runs_once");
  if (redirect_) {
    reply_fds_ = redirect_->memory_fds();
    if (!reply_fds_.empty()) reply_.flag = PacketFlag::HasFds;
  }
}

// The three parts fail differently: a payload that cannot be read and a value
// that cannot be written are the reply's message; what evaluate() does with the
// task's own failures is its business, and its jumps go on to R's top level.
void WorkerMain::run(MainThread& main) {
  // What it says then is this task's. A session's own code may ask for it later.
  if (is_in_pool_) const_cast<char*>(R_curErrorBuf())[0] = '\0';
  reply_ = Packet{PacketKind::Result, PacketFlag::None, packet_->task, {}};
  leaves_nothing_ = false;
  int failed = 0;
  bool is_read = false;
  r_call(main, [&] {
    SEXP payload = PROTECT(R_tryEvalSilent(decode_call_, R_BaseEnv, &failed));
    if (failed == 0) {
      is_read = true;
      begin_output();
      SEXP function = PROTECT(Rf_findFun(Rf_install("evaluate"), functions_));
      SEXP quoted = PROTECT(Rf_lang2(R_QuoteSymbol, payload));
      SEXP call = PROTECT(Rf_lang2(function, quoted));
      SEXP value = PROTECT(Rf_eval(call, R_GlobalEnv));
      if (runs_once_ && has_failure(value)) end_ = End::Failed;
      leaves_nothing_ = !has_failure(value) && !has_warnings(value);
      SEXP quoted_value = PROTECT(Rf_lang2(R_QuoteSymbol, value));
      SEXP pack = PROTECT(Rf_lang3(Rf_install(".Call"), pack_entry_, quoted_value));
      R_tryEvalSilent(pack, R_BaseEnv, &failed);
      UNPROTECT(6);
    }
    UNPROTECT(1);
  });
  if (failed == 0) return;
  const char* said = R_curErrorBuf();
  const std::string why(said[0] == '\0' ? kNothingSaid : said);
  keep_failure((is_read ? why : std::string(kNotRead) + why).c_str());
}

void WorkerMain::begin_output() {
  flush_streams();
  if (redirect_) redirect_->begin();
}

void WorkerMain::end_output() {
  if (redirect_) redirect_->end();
}

bool WorkerMain::emit(MainThread& main, SEXP condition) {
  if (phase_ != Phase::Evaluating || !packet_ || ::getpid() != pid_) return false;
  send_event(to_parcel(main, condition, OnReference::Allow));
  return true;
}

void WorkerMain::emit_text(std::string_view text) {
  if (phase_ != Phase::Evaluating || !packet_ || ::getpid() != pid_) return;
  const auto bytes = std::as_bytes(std::span(text));
  const Bytes body = serialized_raw(bytes.first(std::min(bytes.size(), std::size_t{1} << 30)));
  ParcelWriter writer;
  if (!writer.append(body.span()).ok()) return;
  if (const auto parcel = writer.finish(); parcel.ok()) send_event(parcel.value());
}

void WorkerMain::send_event(const Parcel& value) {
  std::vector<int> fds;
  if (value.segment()) fds.push_back(value.segment()->fd_to_send());
  send({PacketKind::Event, value.flag(), packet_->task, value.body().size()}, Bytes(value.body()),
       std::move(fds));
}

Status WorkerMain::redirect_output(const std::string& output, const std::string& error) {
  auto redirect = OutputRedirect::open(output, error);
  if (!redirect.ok()) return redirect.error();
  redirect_ = std::move(redirect.value());
  return Done{};
}

}  // namespace elsewhere
