#include "bridge/worker/worker_main.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "bridge/guard.h"
#include "bridge/r_api.h"
#include "bridge/worker/clean_up.h"
#include "bridge/worker/own_directory.h"
#include "engine/workers/owner_watch.h"

// After the standard library: R's header declares with C names.
#include <R_ext/GraphicsEngine.h>

namespace elsewhere {
namespace {

// After a reply the next packet is often microseconds away. Whoever else wants the
// processor meanwhile gets it at each look.
constexpr std::chrono::microseconds kLook{100};

// A name that no code of a user hides; inst/worker/profile.R attaches it.
constexpr std::string_view kStepLine = "`.elsewhere step`()\n";
constexpr std::string_view kQuitLine = "base::quit(\"no\", 1L, FALSE)\n";

void put_line(unsigned char* buffer, int buffer_bytes, std::string_view line) {
  const auto length = std::min(line.size(), static_cast<std::size_t>(buffer_bytes) - 1);
  std::memcpy(buffer, line.data(), length);
  buffer[length] = 0;
}

// What R's top level runs after each of its expressions.
bool has_task_callbacks() {
  static SEXP const names = [] {
    SEXP call = Rf_lang1(Rf_install("getTaskCallbackNames"));
    R_PreserveObject(call);
    return call;
  }();
  return Rf_xlength(Rf_eval(names, R_BaseEnv)) != 0;
}

PacketKind reply_kind(const Packet& packet) {
  return packet.kind == PacketKind::Setup ? PacketKind::Ready : PacketKind::Result;
}

}  // namespace

Status WorkerMain::become_worker(std::vector<Process> owners) {
  if (::fcntl(kWorkerChannelFd, F_SETFD, FD_CLOEXEC) != 0) {
    return system_error("a worker needs its channel as descriptor 3");
  }
  auto console = ConsoleInput::take_over();
  if (!console.ok()) return console.error();
  console_ = std::move(console.value());
  pid_ = ::getpid();
  channel_.emplace(Fd(kWorkerChannelFd));
  keeps_segments_.emplace();
  return watches_owner_ ? Status(Done{}) : watch_owner(std::move(owners));
}

Status WorkerMain::watch_owner(std::vector<Process> owners) {
  watches_owner_ = true;
  // callr's variable, and its meaning.
  const bool cleans_up = std::getenv("PROCESSX_R_SIGTERM_CLEANUP") != nullptr;
  return start_owner_watch(
      {kWorkerChannelFd, std::move(owners), temporary_directory(), &is_idle_, cleans_up});
}

void WorkerMain::forget_channel() {
  // Not closed by close(): the number belongs to the parent's object, which lives
  // on in this copy of the memory and must not close a number reused meanwhile.
  if (!channel_) return;
  ::close(channel_->release());
}

WorkerMain::Next WorkerMain::next_line(unsigned char* buffer, int buffer_bytes) {
  // Code of a task that reads the console finds its end.
  if (phase_ == Phase::Evaluating || ::getpid() != pid_) return Next::EndOfFile;
  finish_task();
  end_output();
  if (ends_after_reply_ || end_ == End::Failed) {
    put_line(buffer, buffer_bytes, kQuitLine);
    return Next::Line;
  }
  if (end_ == End::InOrder) return end_of_console();
  expression_.look();
  if (packet_) {
    const Next next = look_at_packet(buffer, buffer_bytes);
    if (next != Next::Line || phase_ == Phase::Dispatched) return next;
  }
  for (;;) {
    // An interrupt that came for a task that is over, or for none, hits nothing.
    R_interrupts_pending = 0;
    if (console_.has_line()) return give_console_line(buffer, buffer_bytes);
    if (console_.has_ended()) return end_of_console();
    is_idle_ = true;
    if (!wait_for_input()) continue;
    const Next next = take_packet(buffer, buffer_bytes);
    if (next != Next::Line || phase_ == Phase::Dispatched) return next;
  }
}

WorkerMain::Next WorkerMain::end_of_console() {
  note_end_of_console();
  return Next::EndOfFile;
}

// true when the channel is to be read. Console lines that were sent before a
// packet come first: the channel is looked at before the console, so whoever
// finds the packet finds them too.
bool WorkerMain::wait_for_input() {
  pollfd entries[] = {{channel_->fd(), POLLIN, 0}, {console_.fd(), POLLIN, 0}};
  if (std::exchange(looks_first_, false)) channel_->look_for(kLook);
  if (!channel_->has_waiting_packet() && ::poll(entries, 2, -1) < 0) return false;
  if (entries[1].revents != 0) {
    console_.read_some();
    return false;
  }
  return true;
}

// Line with the phase still Idle: nothing for R to do, wait on.
WorkerMain::Next WorkerMain::take_packet(unsigned char* buffer, int buffer_bytes) {
  // What came before this moment was sent before the packet and is not meant for
  // it; what comes once the packet is read is.
  R_interrupts_pending = 0;
  auto packet = channel_->wait_packet({});
  if (!packet.ok()) {
    return packet.error().code == ErrorCode::Interrupted ? Next::Line : end_of_console();
  }
  packet_ = std::move(packet.value());
  return look_at_packet(buffer, buffer_bytes);
}

WorkerMain::Next WorkerMain::look_at_packet(unsigned char* buffer, int buffer_bytes) {
  const PacketHeader header = header_of(*packet_);
  switch (header.kind) {
    case PacketKind::Setup:
    case PacketKind::Run: break;
    case PacketKind::Sync:
      packet_.reset();
      send(
          {PacketKind::Synced,
           expression_.is_incomplete() ? PacketFlag::Incomplete : PacketFlag::None, header.task, 0},
          {});
      return Next::Line;
    case PacketKind::Ready:
    case PacketKind::Event:
    case PacketKind::Result:
    case PacketKind::Synced:
    case PacketKind::Signal:
    case PacketKind::Vitals:
    case PacketKind::Fork:
    case PacketKind::Forked:
    case PacketKind::Exited: return Next::EndOfFile;  // the owner is no owner of ours
  }
  if (!expression_.is_incomplete()) return dispatch(buffer, buffer_bytes);
  // The packet is at hand when the reader comes back.
  expression_.drop();
  return Next::DropExpression;
}

WorkerMain::Next WorkerMain::dispatch(unsigned char* buffer, int buffer_bytes) {
  expression_.drop();
  is_idle_ = false;
  phase_ = Phase::Dispatched;
  if (suspends_interrupts_) R_interrupts_suspended = TRUE;
  put_line(buffer, buffer_bytes, kStepLine);
  return Next::Line;
}

WorkerMain::Next WorkerMain::give_console_line(unsigned char* buffer, int buffer_bytes) {
  is_idle_ = false;
  R_interrupts_suspended = FALSE;
  const std::string line = console_.take_line(static_cast<std::size_t>(buffer_bytes) - 1);
  expression_.add(line);
  put_line(buffer, buffer_bytes, line);
  return Next::Line;
}

// The line that calls step() finds it on the search path, from where a task can
// detach it, with all that is attached, say.
void WorkerMain::stay_attached() {
  static SEXP const name = Rf_install(".elsewhere");
  for (SEXP env = R_GlobalEnv; env != R_EmptyEnv; env = parent_of(env)) {
    if (slot_in(env, name).value == functions_) return;
  }
  int failed = 0;
  SEXP attach = PROTECT(
      R_ParseEvalString("function(home) base::attach("
                        "base::list(.elsewhere = home, `.elsewhere step` = home$top_level_step),"
                        " pos = base::length(base::search()), name = \"tools:elsewhere\","
                        " warn.conflicts = FALSE)",
                        R_BaseEnv));
  SEXP call = PROTECT(Rf_lang2(attach, functions_));
  R_tryEvalSilent(call, R_BaseEnv, &failed);
  UNPROTECT(2);
}

// Left by a task that jumped away from all that it was in. Where R reads its console
// nothing may fail.
void WorkerMain::end_capture() {
  const auto end = [](void* capture) {
    (void)guard([&](MainThread& main) {
      static_cast<OutputCapture*>(capture)->end(main);
      return R_NilValue;
    });
  };
  (void)R_ToplevelExec(end, &capture_);
}

// By now R has printed the warnings that the task has left behind.
void WorkerMain::finish_task() {
  if (phase_ == Phase::Idle || !packet_) return;
  flush_streams();
  end_capture();
  stay_attached();
  if (!has_reply_) {
    // With what R said, if it was an error that nobody could handle.
    const std::string_view said = is_in_pool_ ? R_curErrorBuf() : "";
    reply_ = Packet{reply_kind(*packet_), PacketFlag::Aborted, packet_->task,
                    Bytes(std::as_bytes(std::span(said)))};
  }
  const bool says_nothing = runs_once_ && reply_.kind == PacketKind::Ready && !ends_after_reply_;
  if (runs_once_ && !says_nothing && end_ == End::NotYet) end_ = End::InOrder;
  packet_.reset();
  phase_ = Phase::Idle;
  has_reply_ = false;
  if (says_nothing) return;
  looks_first_ = true;
  const PacketHeader header = header_of(reply_);
  if (reply_value_.segment()) reply_fds_.push_back(reply_value_.segment()->fd_to_send());
  send(header, std::exchange(reply_.body, Bytes()), std::exchange(reply_fds_, {}));
  reply_value_ = Parcel();
}

// An owner that is gone shows at the next read.
void WorkerMain::send(const PacketHeader& header, Bytes body, std::vector<int> fds) {
  if (!channel_->send(header, std::move(body), std::move(fds)).ok()) return;
  while (!channel_->is_all_sent()) {
    auto sent = channel_->wait_sent({});
    if (!sent.ok() && sent.error().code != ErrorCode::Interrupted) return;
  }
}

void WorkerMain::step(MainThread& main) {
  if (phase_ != Phase::Dispatched || !packet_) return;
  do {
    phase_ = Phase::Evaluating;
    try {
      if (packet_->kind == PacketKind::Setup) {
        set_up(main);
      } else {
        run(main);
      }
    } catch (...) {
      phase_ = Phase::Replying;
      throw;
    }
    phase_ = Phase::Replying;
  } while (take_next_run(main));
}

// R's top level has nothing to do after most tasks. The reply goes out from here
// then, and where the next task comes soon, it is taken at once, which spares R the
// reading of a line.
bool WorkerMain::take_next_run(MainThread& main) {
  if (!has_reply_ || ends_after_reply_ || runs_once_ || !leaves_nothing(main)) return false;
  finish_task();
  if (!is_in_pool_ && !is_packet_near()) return false;
  R_interrupts_pending = 0;
  auto packet = channel_->take_packet();
  // The end of the channel shows again where lines are read.
  if (!packet.ok() || !packet.value()) return false;
  packet_ = std::move(packet.value());
  if (packet_->kind != PacketKind::Run) return false;
  is_idle_ = false;
  phase_ = Phase::Dispatched;
  if (suspends_interrupts_) R_interrupts_suspended = TRUE;
  return true;
}

// Nothing that R would print when its top level is back, or run.
bool WorkerMain::leaves_nothing(MainThread& main) {
  if (is_in_pool_) return has_setting(main, "leaves_nothing");
  return leaves_nothing_ && !r_call(main, [] { return has_task_callbacks(); });
}

// Console lines come first; R's top level reads them.
bool WorkerMain::is_packet_near() {
  pollfd console{console_.fd(), POLLIN, 0};
  if (console_.has_line() || console_.has_ended() || ::poll(&console, 1, 0) != 0) return false;
  is_idle_ = true;
  looks_first_ = false;
  return channel_->has_waiting_packet() || channel_->look_for(kLook);
}

}  // namespace elsewhere
