// A worker without R, for the tests of the engine: it speaks the protocol on
// descriptor 3 and does what a task's body tells it. With ELSEWHERE_ROLE=nursery
// it forks such workers, and such sessions, as a real one does.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "engine/os/process.h"
#include "engine/os/process_facts.h"
#include "engine/os/socket.h"
#include "engine/os/temporary_directory.h"
#include "engine/wire/environment_block.h"
#include "engine/wire/packet_reader.h"
#include "engine/workers/adoption.h"
#include "engine/workers/fork_server.h"
#include "engine/workers/owner_watch.h"

using namespace elsewhere;

namespace {

constexpr int kChannel = 3;

volatile sig_atomic_t is_interrupted = 0;

void on_interrupt(int) { is_interrupted = 1; }

void send_bytes(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto moved = send_some(kChannel, bytes);
    if (!moved.ok() || moved.value().outcome == Transfer::Closed) std::_Exit(0);
    bytes = bytes.subspan(moved.value().bytes);
    if (moved.value().outcome == Transfer::WouldBlock) {
      (void)wait_ready(kChannel, Ready::Writable, {});
    }
  }
}

Bytes encoded(PacketKind kind, PacketFlag flag, TaskId task, const std::string& body) {
  return encode(Packet{kind, flag, task, Bytes(std::as_bytes(std::span(body)))});
}

void send(PacketKind kind, PacketFlag flag, TaskId task, const std::string& body) {
  send_bytes(encoded(kind, flag, task, body).span());
}

// What a worker should never do, once it has begun `task`: each verb breaks the
// protocol in its own way. What is no such verb does nothing.
void misbehave(const std::string& verb, const std::string& rest, TaskId task) {
  if (verb == "cut-result") {
    const Bytes whole = encoded(PacketKind::Result, PacketFlag::None, task, rest);
    send_bytes(whole.span().first(whole.size() - 1));
    ::raise(SIGKILL);
  }
  if (verb == "close-channel") {
    ::close(kChannel);
    for (;;) ::pause();
  }
  if (verb == "wrong-task") {
    send(PacketKind::Result, PacketFlag::None, TaskId{number(task) + 1000}, rest);
  }
  if (verb == "wrong-kind") send(PacketKind::Fork, PacketFlag::None, task, rest);
  if (verb == "ready-again") send(PacketKind::Ready, PacketFlag::None, kNoTask, "");
  if (verb == "no-descriptor") {
    send(PacketKind::Result, PacketFlag::InSegment, task, std::string(8, '\1'));
  }
  if (verb == "huge-length") {  // of a body of which nothing comes
    PacketHeader header{PacketKind::Result, PacketFlag::None, task, std::stoull(rest)};
    send_bytes(encode_header(header));
    ::raise(SIGKILL);
  }
  if (verb == "event-and-die") {
    send(PacketKind::Event, PacketFlag::None, task, rest);
    ::raise(SIGKILL);
  }
  if (verb == "leave-child" && ::fork() != 0) ::raise(SIGKILL);
  if (verb == "leave-child") {  // which keeps the channel and the output open
    ::usleep(300'000);
    std::_Exit(0);
  }
}

// The next packet with what came beside it; ends the process at end-of-file.
Packet next_packet(std::vector<Fd>& descriptors) {
  PacketReader reader;
  for (;;) {
    // Signals that came before this packet was read are not meant for it.
    (void)wait_ready(kChannel, Ready::Readable, {});
    if (!reader.is_inside_packet()) is_interrupted = 0;
    const auto moved = receive_some_with_fds(kChannel, reader.wanted(), descriptors);
    if (!moved.ok() || moved.value().outcome == Transfer::Closed) std::_Exit(0);
    if (moved.value().outcome == Transfer::WouldBlock) continue;
    auto packet = reader.advance(moved.value().bytes);
    if (!packet.ok()) std::_Exit(9);
    if (packet.value()) return std::move(*packet.value());
  }
}

std::string text_of(const Packet& packet) {
  return {reinterpret_cast<const char*>(packet.body.data()), packet.body.size()};
}

void print(const std::string& text) {
  [[maybe_unused]] const auto written = ::write(1, text.data(), text.size());
}

std::string wait_for_interrupt() {
  while (is_interrupted == 0) ::usleep(1000);
  return "interrupted";
}

void run(const Packet& task) {
  const std::string text = text_of(task);
  const auto colon = text.find(':');
  const std::string verb = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::string answer = rest;
  PacketFlag flag = PacketFlag::None;
  if (verb == "die") ::raise(std::atoi(rest.c_str()));
  if (verb == "die-soon") {  // after what is behind it has been sent
    ::usleep(5000);
    ::raise(std::atoi(rest.c_str()));
  }
  if (verb == "sleep") {
    ::usleep(1000 * static_cast<useconds_t>(std::atoi(rest.c_str())));
    answer = "slept";
  }
  if (verb == "exit") std::_Exit(std::atoi(rest.c_str()));
  if (verb == "garbage") {
    print("about to send garbage\n");
    [[maybe_unused]] const auto written = ::write(kChannel, std::string(64, 'x').data(), 64);
    ::pause();
  }
  if (verb == "print-and-die") {
    print(rest);
    ::raise(SIGKILL);
  }
  misbehave(verb, rest, task.task);
  if (verb == "print") {
    print(std::string(static_cast<std::size_t>(std::stoul(rest)), '.'));
    print("the end");
  }
  if (verb == "events") {
    for (int i = std::atoi(rest.c_str()); i > 0; --i) {
      send(PacketKind::Event, PacketFlag::None, task.task, std::string(1000, 'e'));
    }
  }
  if (verb == "event") send(PacketKind::Event, PacketFlag::None, task.task, rest);
  if (verb == "event-and-wait") {
    send(PacketKind::Event, PacketFlag::None, task.task, rest);
    answer = wait_for_interrupt();
  }
  if (verb == "wait") answer = wait_for_interrupt();
  if (verb == "stubborn") {
    for (;;) ::usleep(10000);
  }
  if (verb == "umask") answer = std::to_string(::umask(0));
  if (verb == "descriptors_max") {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    answer = std::to_string(limit.rlim_cur);
  }
  if (verb == "directory") answer = std::filesystem::current_path();
  if (verb == "shown_environment") {
    std::ifstream file("/proc/self/environ");
    answer.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (verb == "parent") answer = std::to_string(::getppid());
  if (verb == "pid") answer = std::to_string(::getpid());
  if (verb == "unserializable") flag = PacketFlag::Failed;
  if (verb == "abort") flag = PacketFlag::Aborted;
  if (verb == "once") {  // dies the first time, when the file is not there yet
    if (FILE* mark = std::fopen(rest.c_str(), "r")) {
      std::fclose(mark);
      answer = "second time";
    } else {
      std::fclose(std::fopen(rest.c_str(), "w"));
      ::raise(SIGKILL);
    }
  }
  send(PacketKind::Result, flag, task.task, answer);
}

[[noreturn]] void work() {
  std::vector<Fd> descriptors;
  const std::string setup = text_of(next_packet(descriptors));
  if (setup == "fail") send(PacketKind::Ready, PacketFlag::Failed, kNoTask, "there is no library");
  if (setup == "print-and-exit") {
    print("cannot open the library\n");
    std::_Exit(4);
  }
  if (setup == "hang") ::pause();
  send(PacketKind::Ready, PacketFlag::None, kNoTask, "");
  for (;;) run(next_packet(descriptors));
}

void become_pool_worker(const ForkOrder& order) {
  remove_all_of(order.directory);
  ::dup2(order.joints[0].get(), kChannel);
  ::dup2(order.joints[1].get(), 1);
  ::dup2(order.joints[1].get(), 2);
}

// The steps of a real one (bridge/worker/nursery_main.cpp) that need no R.
void become_session(ForkOrder& order) {
  char* const room = std::getenv(kRoomName);
  auto environment = from_block(order.request.body.span());
  if (!move_in(order.joints[1], order.joints[2], environment).ok()) std::_Exit(20);
  auto adopted = adopt_belongings(order.joints[0].get());
  if (!adopted.ok()) std::_Exit(adopted.error().code == ErrorCode::Closed ? 0 : 21);
  if (!take_over_from_stand_in(std::move(order.joints[0])).ok()) std::_Exit(22);
  show_marks(room, adopted.value().marks);
  OwnerWatch watch{kChannel, {}, "", nullptr};
  watch.owners.push_back(std::move(order.owner));
  watch.owners.push_back({-1, std::move(adopted.value().stand_in)});
  if (!start_owner_watch(std::move(watch)).ok()) std::_Exit(23);
}

void on_setup(const Packet& setup) {
  const std::string text = text_of(setup);
  if (text == "hang") ::pause();
  if (text == "run a thread") std::thread([] { ::pause(); }).detach();
}

[[noreturn]] void tend() {
  auto owner = watch_parent();
  ForkServerOptions options;
  // One that the sanitizer of threads adds is no trouble.
  options.threads_max = count_threads().value_or(1);
  {
    ForkServer server(Fd(kChannel), std::move(owner.value()), options);
    ForkOrder order = server.serve(on_setup);
    is_for_session(order.joints) ? become_session(order) : become_pool_worker(order);
  }
  work();
}

}  // namespace

int main() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  const char* role = std::getenv("ELSEWHERE_ROLE");
  if (role != nullptr && std::strcmp(role, "nursery") == 0) tend();
  work();
}
