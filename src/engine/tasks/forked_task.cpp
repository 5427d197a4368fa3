#include "engine/tasks/forked_task.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <new>

#include "engine/os/process_facts.h"
#include "engine/os/signal.h"
#include "engine/os/socket.h"

namespace elsewhere {
namespace {

// The child ends itself by its own clock; only one that cannot is ended from here.
constexpr std::chrono::milliseconds kLateMax{500};

// A child whose task is over: it is to be reaped once it has ended, and until
// then its pipe must stay open.
struct Leaving {
  Process process;
  Fd control;
  Deadline kill_at;  // a child that was told to end may have been stopped since
};

// What this process has forked. A child must close its siblings' ends, or it
// would keep their channels open beyond their owner's end.
struct Held {
  const ForkedTask* task;
  int channel_fd;
  int control_fd;
};
struct Forks {
  std::vector<Held> held;
  std::vector<Leaving> leaving;
};

Forks& forks() {
  static Forks here;
  return here;
}

void close_inherited() {
  Forks& here = forks();
  for (const Held& held : here.held) {
    Fd channel(held.channel_fd), control(held.control_fd);
  }
  for (auto& child : here.leaving) child.control.reset();
  // The objects belong to the owner's heap and are left alone.
  new (&here) Forks;
}

[[noreturn]] void be_child(Fd channel, Fd control, std::optional<std::chrono::milliseconds> timeout,
                           const std::function<void(ForkedChild&)>& evaluate) {
  try {
    ForkedChild child(std::move(channel), std::move(control));
    if (const Status status = child.settle_in(timeout); !status.ok()) {
      child.send_failure(status.error().message);
    } else {
      evaluate(child);
    }
    std::fflush(nullptr);  // start() has emptied what was there before
    end_this_process(0);
  } catch (...) {
    end_this_process(1);
  }
}

bool is_readable(int fd) {
  const auto ready = wait_ready(fd, Ready::Readable, std::chrono::milliseconds(0));
  return ready.ok() && ready.value();
}

}  // namespace

std::size_t reap_forked_children() {
  auto& leaving = forks().leaving;
  std::erase_if(leaving, [](const Leaving& child) {
    const auto exit = reap(child.process);
    if (!exit.ok() || exit.value().has_value()) return true;
    if (child.kill_at && std::chrono::steady_clock::now() >= *child.kill_at) {
      kill_group(child.process);
    }
    return false;
  });
  return leaving.size();
}

ForkedTask::ForkedTask(const Options& options, Evaluate evaluate)
    : options_(options), evaluate_(std::move(evaluate)) {}

Result<std::unique_ptr<ForkedTask>> ForkedTask::start(const Options& options, Evaluate evaluate) {
  std::unique_ptr<ForkedTask> task(new ForkedTask(options, std::move(evaluate)));
  if (const Status status = task->fork_child(); !status.ok()) return status.error();
  return task;
}

Status ForkedTask::fork_child() {
  reap_forked_children();
  auto sockets = socket_pair();
  if (!sockets.ok()) return sockets.error();
  auto pipe = pipe_pair();
  if (!pipe.ok()) return pipe.error();
  auto& [ours, theirs] = sockets.value();
  auto& [reading, writing] = pipe.value();
  // What is in the buffers would be written twice.
  std::fflush(nullptr);
  // Before the child's own clock starts: a child that ends by it is late here, too.
  stop_watch_ = {};
  stays_stopped_ = false;
  deadline_ = deadline_in(options_.timeout);
  auto forked = fork_process();
  if (!forked.ok()) return forked.error();
  const Pid pid = forked.value().pid;
  if (pid == 0) {
    ours.reset();
    writing.reset();
    close_inherited();
    be_child(std::move(theirs), std::move(reading), options_.timeout, evaluate_);
  }
  lead_group(pid);  // the child does the same: whoever is first
  process_ = std::move(forked.value());
  channel_ = Channel(std::move(ours));
  control_ = std::move(writing);
  outcome_.pid = pid;
  hold();
  return Done{};
}

void ForkedTask::hold() { forks().held.push_back({this, channel_.fd(), control_.get()}); }

void ForkedTask::let_go() {
  std::erase_if(forks().held, [&](const Held& held) { return held.task == this; });
}

ForkedTask::~ForkedTask() {
  if (is_copy()) {
    // A copy in somebody's child: the descriptors are closed there already, or
    // are not ours to use.
    (void)channel_.release();
    (void)control_.release();
    (void)process_.watch.release();
    return;
  }
  if (state_ == TaskState::Running) {
    kill_group(process_);
    dismiss_child();
  }
  reap_forked_children();
}

void ForkedTask::dismiss_child() {
  let_go();
  channel_.close();
  if (process_.watch) {
    forks().leaving.push_back({std::move(process_), std::move(control_), kill_at_});
  }
  process_.watch.reset();
}

// Whether it has ended is asked first: what it sent before is then all there.
void ForkedTask::look() {
  if (state_ == TaskState::Settled) {
    reap_forked_children();
    return;
  }
  const bool has_ended = is_readable(process_.watch.get());
  take_packets();
  if (state_ != TaskState::Running) return;
  if (has_ended) return note_end();
  // A child that is stopped does not see its own clock.
  if (deadline_ && std::chrono::steady_clock::now() >= *deadline_ + kLateMax) kill_group(process_);
  if (!stays_stopped_ && stop_watch_.is_over(process_.pid)) {
    // Its end is noted like any other.
    stays_stopped_ = true;
    kill_group(process_);
  }
}

void ForkedTask::take_packets() {
  while (state_ == TaskState::Running && channel_.is_open()) {
    auto packet = channel_.take_packet();
    if (!packet.ok()) {
      // Closed by its end, which note_end() explains; or by bytes of nobody's.
      if (packet.error().code != ErrorCode::Closed) (void)send_signal(process_, kKillSignal);
      let_go();
      channel_.close();  // else it would be readable for ever
      hold();
      return;
    }
    if (!packet.value()) return;
    take(std::move(*packet.value()));
  }
}

void ForkedTask::take(Packet packet) {
  const PacketKind kind = packet.kind;
  const PacketFlag flag = packet.flag;
  if (flag == PacketFlag::Aborted) return settle(OutcomeKind::Aborted);
  if (flag == PacketFlag::Failed) {
    return settle(OutcomeKind::Unserializable, {},
                  {reinterpret_cast<const char*>(packet.body.data()), packet.body.size()});
  }
  auto parcel = Parcel::unpack(std::move(packet), channel_.take_fds());
  if (!parcel.ok()) return settle(OutcomeKind::Unserializable, {}, parcel.error().message);
  if (kind == PacketKind::Event) {
    events_.push_back(std::move(parcel.value()));
  } else {
    settle(OutcomeKind::Value, std::move(parcel.value()));
  }
}

void ForkedTask::settle(OutcomeKind kind, Parcel value, std::string message) {
  state_ = TaskState::Settled;
  outcome_.kind = kind;
  outcome_.value = std::move(value);
  outcome_.message = std::move(message);
  dismiss_child();
  reap_forked_children();
}

void ForkedTask::note_end() {
  const auto exit = reap(process_);
  if (exit.ok() && !exit.value()) return;  // stopped, not ended
  process_.watch.reset();
  const bool is_late = deadline_ && std::chrono::steady_clock::now() >= *deadline_;
  if (!is_late && options_.retries > 0) {
    --options_.retries;
    let_go();
    if (fork_child().ok()) return;
  }
  if (exit.ok()) outcome_.exit = *exit.value();
  const std::string how = stays_stopped_ ? kStoppedWords : describe(outcome_.exit);
  settle(
      is_late ? OutcomeKind::TimedOut : OutcomeKind::Lost, {},
      exit.ok() ? "its process " + std::to_string(outcome_.pid) + " " + how : exit.error().message);
}

std::vector<int> ForkedTask::descriptors() const {
  if (state_ == TaskState::Settled) return {};
  std::vector<int> open;
  for (const int fd : {channel_.fd(), process_.watch.get()}) {
    if (fd >= 0) open.push_back(fd);
  }
  return open;
}

bool ForkedTask::cancel(std::chrono::milliseconds grace) {
  look();
  if (state_ == TaskState::Settled) return false;
  const std::int64_t grace_milliseconds = grace.count();
  const auto told = write_some(control_.get(), std::as_bytes(std::span(&grace_milliseconds, 1)));
  const bool is_told = told.ok() && told.value().bytes == sizeof grace_milliseconds;
  const bool can_act = is_told && !is_stopped(process_.pid);
  (void)send_signal(process_, can_act ? kInterruptSignal : kKillSignal);
  kill_at_ = std::chrono::steady_clock::now() + grace + kLateMax;
  settle(OutcomeKind::Cancelled);
  return true;
}

}  // namespace elsewhere
