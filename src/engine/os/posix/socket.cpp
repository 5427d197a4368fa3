#include "engine/os/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "engine/os/portable/portable.h"
#include "engine/os/posix/system.h"

namespace elsewhere {
namespace {

constexpr std::size_t kFdsMax = 8;

Result<Moved> outcome_of(ssize_t moved, const char* what) {
  if (moved >= 0) return Moved{Transfer::Moved, static_cast<std::size_t>(moved)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Moved{Transfer::WouldBlock, 0};
  if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return Moved{Transfer::Closed, 0};
  return system_error(what);
}

template <class Call>
ssize_t retrying(Call&& call) {
  ssize_t moved;
  do {
    moved = call();
  } while (moved < 0 && errno == EINTR);
  return moved;
}

// poll() counts in an int: a wait of over 24 days is cut to that.
int poll_timeout(std::optional<std::chrono::milliseconds> timeout) {
  if (!timeout) return -1;
  const auto longest = std::chrono::milliseconds(std::numeric_limits<int>::max());
  return static_cast<int>(std::min(*timeout, longest).count());
}

}  // namespace

void Fd::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

Result<std::pair<Fd, Fd>> output_pipe() {
  auto pipe = system::pipe_pair();
  if (!pipe.ok()) return pipe.error();
  if (auto status = set_nonblocking(pipe.value().first.get()); !status.ok()) return status.error();
  return pipe;
}

Result<std::pair<Fd, Fd>> pipe_pair() { return system::pipe_pair(); }

Status set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return system_error("cannot make a descriptor non-blocking");
  }
  return Done{};
}

Result<Fd> duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return system_error("cannot duplicate a descriptor");
  return Fd(copy);
}

Result<Moved> send_some(int fd, std::span<const std::byte> bytes) {
  return send_some(fd, bytes, {});
}

Result<Moved> send_some(int fd, std::span<const std::byte> head, std::span<const std::byte> body) {
  std::array<iovec, 2> parts{{{const_cast<std::byte*>(head.data()), head.size()},
                              {const_cast<std::byte*>(body.data()), body.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = body.empty() ? 1 : 2;
  return outcome_of(retrying([&] { return system::send_message(fd, message); }),
                    "cannot send to a worker");
}

Result<Moved> receive_some(int fd, std::span<std::byte> into) {
  const ssize_t got = retrying([&] { return ::recv(fd, into.data(), into.size(), MSG_DONTWAIT); });
  if (got == 0 && !into.empty()) return Moved{Transfer::Closed, 0};
  return outcome_of(got, "cannot receive from a worker");
}

Result<Moved> peek_some(int fd, std::span<std::byte> into) {
  const ssize_t got =
      retrying([&] { return ::recv(fd, into.data(), into.size(), MSG_DONTWAIT | MSG_PEEK); });
  if (got == 0 && !into.empty()) return Moved{Transfer::Closed, 0};
  return outcome_of(got, "cannot receive from a worker");
}

Result<Moved> send_some_with_fds(int fd, std::span<const std::byte> bytes,
                                 std::span<const int> fds) {
  if (fds.empty()) return send_some(fd, bytes);
  if (fds.size() > kFdsMax) return Error{ErrorCode::BadArgument, "too many descriptors at once"};
  if (bytes.empty()) return Error{ErrorCode::BadArgument, "descriptors travel with a byte"};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kFdsMax)> control{};
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen =
      static_cast<decltype(message.msg_controllen)>(CMSG_SPACE(sizeof(int) * fds.size()));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = static_cast<decltype(header->cmsg_len)>(CMSG_LEN(sizeof(int) * fds.size()));
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  return outcome_of(retrying([&] { return system::send_message(fd, message); }),
                    "cannot send descriptors to a worker");
}

Result<Moved> receive_some_with_fds(int fd, std::span<std::byte> into, std::vector<Fd>& fds) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kFdsMax)> control{};
  iovec part{into.data(), into.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = retrying([&] { return system::receive_message(fd, message); });
  if (got < 0) return outcome_of(got, "cannot receive from a worker");
  portable::for_each_received(message, [&](int number) { fds.emplace_back(number); });
  // The kernel drops what it cannot hand over, and says so only here.
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return Error{ErrorCode::System,
                 "this process has reached its limit of open files: descriptors were lost"};
  }
  if (got == 0 && !into.empty()) return Moved{Transfer::Closed, 0};
  return Moved{Transfer::Moved, static_cast<std::size_t>(got)};
}

Result<Moved> read_some(int fd, std::span<std::byte> into) {
  const ssize_t got = retrying([&] { return ::read(fd, into.data(), into.size()); });
  if (got == 0 && !into.empty()) return Moved{Transfer::Closed, 0};
  return outcome_of(got, "cannot read what a worker printed");
}

Result<Moved> write_some(int fd, std::span<const std::byte> bytes) {
  return outcome_of(retrying([&] { return ::write(fd, bytes.data(), bytes.size()); }),
                    "cannot write to the owner");
}

void send_without_delay(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

namespace {

Error interrupted() { return {ErrorCode::Interrupted, "a signal came while waiting"}; }

short events_of(Ready what) {
  switch (what) {
    case Ready::Readable: return POLLIN;
    case Ready::Writable: return POLLOUT;
    case Ready::Either: return POLLIN | POLLOUT;
    case Ready::Broken: return 0;  // told without being asked for
  }
  return 0;
}

Result<bool> poll_once(std::span<pollfd> entries,
                       std::optional<std::chrono::milliseconds> timeout) {
  const int count = ::poll(entries.data(), entries.size(), poll_timeout(timeout));
  if (count == 0) return false;
  const bool is_closed = std::any_of(entries.begin(), entries.end(), [](const pollfd& entry) {
    return (entry.revents & POLLNVAL) != 0;
  });
  if (count > 0 && !is_closed) return true;
  if (count > 0) errno = EBADF;
  if (errno == EINTR) return interrupted();
  return system_error("cannot wait for a descriptor");
}

}  // namespace

Result<bool> wait_ready(int fd, Ready what, std::optional<std::chrono::milliseconds> timeout) {
  pollfd entry{fd, events_of(what), 0};
  return poll_once({&entry, 1}, timeout);
}

Result<bool> wait_any_readable(std::span<const int> fds,
                               std::optional<std::chrono::milliseconds> timeout) {
  std::vector<pollfd> entries;
  entries.reserve(fds.size());
  for (const int fd : fds) entries.push_back({fd, POLLIN, 0});
  return poll_once(entries, timeout);
}

Result<bool> wait_any(std::span<Awaited> entries,
                      std::optional<std::chrono::milliseconds> timeout) {
  std::array<pollfd, 8> few;
  std::vector<pollfd> many(entries.size() > few.size() ? entries.size() : 0);
  const std::span polled = many.empty() ? std::span(few).first(entries.size()) : std::span(many);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    polled[i] = {entries[i].fd, events_of(entries[i].what), 0};
  }
  const int count = ::poll(polled.data(), polled.size(), poll_timeout(timeout));
  if (count < 0 && errno == EINTR) return interrupted();
  if (count < 0) return system_error("cannot wait for descriptors");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].is_ready = polled[i].revents != 0;
    entries[i].is_broken = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  }
  return count > 0;
}

namespace {

// The port of a TCP socket's one end; 0 if it is none, or has none there.
std::uint16_t tcp_port(int fd, bool is_peer) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const int failed =
      is_peer ? ::getpeername(fd, generic, &size) : ::getsockname(fd, generic, &size);
  if (failed != 0) return 0;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return 0;
}

bool is_listening(int fd) {
  int answer = 0;
  socklen_t size = sizeof answer;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

}  // namespace

std::vector<int> quiet_tcp_sockets(std::uint16_t port, PortOf end) {
  std::vector<int> found;
  for (const int fd : portable::open_descriptors(0)) {
    const bool has_peer = tcp_port(fd, true) != 0;
    const bool fits = end == PortOf::Peer  ? tcp_port(fd, true) == port
                      : end == PortOf::Own ? has_peer && tcp_port(fd, false) == port
                                           : is_listening(fd);
    pollfd look{fd, POLLIN, 0};
    if (fits && ::poll(&look, 1, 0) == 0) found.push_back(fd);
  }
  return found;
}

}  // namespace elsewhere
