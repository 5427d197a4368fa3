// The worker side: a background R process that reads tasks where R reads its
// console, lets R's own top level evaluate them, and replies.
//
// Two steps start it. boot() replaces R's console reader and does nothing else:
// no thread, no byte read. The first time R asks for a line, the role of the
// process is decided (read_console.cpp), and become_worker() makes it a worker on
// descriptor 3. A process forked in between, in the console reader, becomes a
// worker of its own by falling through to the same call.
//
// worker_main.cpp takes turns with R's top level and with the owner; worker_task.cpp
// evaluates.
//
// There is one worker a process. R's main thread only, but for what is atomic.
#pragma once

#include <Rinternals.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bridge/main_thread.h"
#include "bridge/output_capture.h"
#include "bridge/worker/console_expression.h"
#include "engine/os/process.h"
#include "engine/workers/channel.h"
#include "engine/workers/console_input.h"
#include "engine/workers/output_redirect.h"
#include "engine/workers/parcel.h"

namespace elsewhere {

inline constexpr int kWorkerChannelFd = 3;

class WorkerMain {
 public:
  // `functions` is the environment that holds what a worker calls: setup(), and
  // evaluate() once setup() has put it there. The caller has made all three safe
  // from R's garbage collector for the life of the process.
  WorkerMain(SEXP functions, SEXP decode_call, SEXP pack_entry)
      : functions_(functions), decode_call_(decode_call), pack_entry_(pack_entry) {}

  // Makes this process a worker on descriptor 3: starts the thread that watches
  // the owner and takes standard input over. Once, in the console reader. `owners`
  // are descriptors of processes whose end is the worker's; none means the parent.
  Status become_worker(std::vector<Process> owners = {});
  // The first of these steps, for a process that has no other role: profiles that
  // R runs before may take any time. Once.
  Status watch_owner(std::vector<Process> owners = {});
  SEXP functions() const { return functions_; }
  bool is_started() const { return channel_.has_value(); }

  // What R's console reader returns. `DropExpression`: the top level has half an
  // expression and no more lines; the reader jumps out of it and comes back.
  enum class Next { Line, EndOfFile, DropExpression };
  // Blocks until there is a packet or a console line. Sends the reply of the task
  // that has ended since the last call. Puts one line into `buffer`.
  Next next_line(unsigned char* buffer, int buffer_bytes);

  // Runs what the packet at hand asks for and keeps the reply.
  void step(MainThread& main);
  // The value in the packet at hand; not protected.
  SEXP decode(MainThread& main);
  // Makes `value` the body of the reply.
  void pack(MainThread& main, SEXP value);

  // Sends a condition to the owner while a task runs. false when none runs here,
  // such as in a child that the task has forked.
  bool emit(MainThread& main, SEXP condition);

  // Sends what was printed while a task runs, as an Event that is a raw vector.
  // Calls nothing of R: it can run wherever R prints.
  void emit_text(std::string_view text);

  // From now on calls print to these targets; see OutputRedirect.
  Status redirect_output(const std::string& output, const std::string& error);
  OutputCapture& capture() { return capture_; }

  // In a child that the worker forked: the channel is the worker's alone.
  void forget_channel();

 private:
  enum class Phase {
    Idle,        // no task
    Dispatched,  // R has been given the line that calls step()
    Evaluating,  // in step()
    Replying,    // step() is over, with a reply or by a jump
  };

  void finish_task();
  void end_capture();
  Next end_of_console();
  void stay_attached();
  void send(const PacketHeader& header, Bytes body, std::vector<int> fds = {});
  void send_event(const Parcel& value);
  bool wait_for_input();
  Next take_packet(unsigned char* buffer, int buffer_bytes);
  Next look_at_packet(unsigned char* buffer, int buffer_bytes);
  bool take_next_run(MainThread& main);
  bool leaves_nothing(MainThread& main);
  bool is_packet_near();
  Next dispatch(unsigned char* buffer, int buffer_bytes);
  Next give_console_line(unsigned char* buffer, int buffer_bytes);
  // Whether the owner has set this one to TRUE among the worker's functions.
  bool has_setting(MainThread& main, const char* name);
  void set_up(MainThread& main);
  void run(MainThread& main);
  void begin_output();
  void end_output();
  void keep_failure(const char* message);

  SEXP functions_;
  SEXP decode_call_;
  SEXP pack_entry_;

  std::optional<Channel> channel_;
  std::optional<KeepsSegments> keeps_segments_;
  ConsoleInput console_;
  std::optional<OutputRedirect> redirect_;
  OutputCapture capture_;
  pid_t pid_ = -1;

  Phase phase_ = Phase::Idle;
  std::optional<Packet> packet_;  // read, but not dispatched or still running
  Packet reply_;
  Parcel reply_value_;  // holds the segment until its descriptor is sent
  std::vector<int> reply_fds_;
  bool has_reply_ = false;
  bool ends_after_reply_ = false;
  bool looks_first_ = false;
  bool leaves_nothing_ = false;  // for R's top level, by the last task of a session
  bool runs_once_ = false;       // one task, and nothing said before its result
  enum class End { NotYet, InOrder, Failed } end_ = End::NotYet;  // of that task
  bool is_in_pool_ = false;  // the owner reads large values from shared memory
  bool suspends_interrupts_ = false;
  ConsoleExpression expression_;
  bool watches_owner_ = false;
  std::atomic<bool> is_idle_{false};
};

// The worker of this process; null outside one.
WorkerMain* this_worker();
void boot_worker(MainThread& main, std::unique_ptr<WorkerMain> worker);

}  // namespace elsewhere
