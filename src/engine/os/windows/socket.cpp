// As much of os/socket.h as a task needs whose process somebody else has started. The
// number of a descriptor is that of a socket here: Windows counts them below 2^24.
#include "engine/os/socket.h"

#include <winsock2.h>
// After the types that it needs.
#include <ws2tcpip.h>

#include <algorithm>
#include <limits>
#include <string>
#include <system_error>

namespace elsewhere {
namespace {

SOCKET socket_of(int fd) { return static_cast<SOCKET>(fd); }
Fd owned(SOCKET socket) { return Fd(socket == INVALID_SOCKET ? -1 : static_cast<int>(socket)); }

// Once in a process, before the first socket; the answer never changes.
int start_sockets() {
  static const int failure = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);
  }();
  return failure;
}

Error socket_error(const std::string& what) {
  return {ErrorCode::System, what + ": " + std::system_category().message(::WSAGetLastError())};
}

Result<Moved> outcome_of(int moved, const char* what) {
  if (moved >= 0) return Moved{Transfer::Moved, static_cast<std::size_t>(moved)};
  switch (::WSAGetLastError()) {
    case WSAEWOULDBLOCK: return Moved{Transfer::WouldBlock, 0};
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAESHUTDOWN:
    case WSAENOTCONN: return Moved{Transfer::Closed, 0};
    default: return socket_error(what);
  }
}

int size_of_call(std::size_t bytes) {
  return static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max()));
}

// No call of its own says that it must not block, so the socket never does.
Result<Moved> receive(int fd, std::span<std::byte> into, int flags) {
  if (auto status = set_nonblocking(fd); !status.ok()) return status.error();
  const int got =
      ::recv(socket_of(fd), reinterpret_cast<char*>(into.data()), size_of_call(into.size()), flags);
  if (got == 0 && !into.empty()) return Moved{Transfer::Closed, 0};
  return outcome_of(got, "cannot receive from a worker");
}

short events_of(Ready what) {
  switch (what) {
    case Ready::Readable: return POLLIN;
    case Ready::Writable: return POLLOUT;
    case Ready::Either: return POLLIN | POLLOUT;
    case Ready::Broken: return 0;
  }
  return 0;
}

}  // namespace

void Fd::reset(int number) {
  if (number_ >= 0) ::closesocket(socket_of(number_));
  number_ = number;
}

// There is no such call, so one end listens for the other, for this machine alone.
Result<std::pair<Fd, Fd>> socket_pair() {
  constexpr const char* kWhat = "cannot make a pair of sockets";
  if (const int failure = start_sockets(); failure != 0) {
    return Error{ErrorCode::System, kWhat + (": " + std::system_category().message(failure))};
  }
  const Fd listening = owned(::socket(AF_INET, SOCK_STREAM, 0));
  Fd one = owned(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof address;
  if (!listening || !one || ::bind(socket_of(listening.get()), generic, size) != 0 ||
      ::getsockname(socket_of(listening.get()), generic, &size) != 0 ||
      ::listen(socket_of(listening.get()), 1) != 0 ||
      ::connect(socket_of(one.get()), generic, size) != 0) {
    return socket_error(kWhat);
  }
  Fd other = owned(::accept(socket_of(listening.get()), nullptr, nullptr));
  if (!other) return socket_error(kWhat);
  // Somebody else may have come first.
  sockaddr_in own{}, peer{};
  int own_size = sizeof own, peer_size = sizeof peer;
  const bool are_pair =
      ::getsockname(socket_of(one.get()), reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
      ::getpeername(socket_of(other.get()), reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
      own.sin_port == peer.sin_port;
  if (!are_pair) return Error{ErrorCode::System, std::string(kWhat) + ": a stranger connected"};
  send_without_delay(one.get());
  send_without_delay(other.get());
  return std::pair{std::move(one), std::move(other)};
}

Status set_nonblocking(int fd) {
  u_long on = 1;
  if (::ioctlsocket(socket_of(fd), static_cast<long>(FIONBIO), &on) == 0) return Done{};
  return socket_error("cannot make a socket non-blocking");
}

void send_without_delay(int fd) {
  const int on = 1;
  (void)::setsockopt(socket_of(fd), IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on),
                     sizeof on);
}

Result<Moved> send_some(int fd, std::span<const std::byte> bytes) {
  if (auto status = set_nonblocking(fd); !status.ok()) return status.error();
  return outcome_of(::send(socket_of(fd), reinterpret_cast<const char*>(bytes.data()),
                           size_of_call(bytes.size()), 0),
                    "cannot send to a worker");
}

Result<Moved> send_some(int fd, std::span<const std::byte> head, std::span<const std::byte> body) {
  auto sent = send_some(fd, head);
  if (!sent.ok() || sent.value().bytes < head.size() || body.empty()) return sent;
  const auto more = send_some(fd, body);
  if (!more.ok()) return more.error();
  sent.value().bytes += more.value().bytes;  // what is over now shows at the next send
  return sent;
}

Result<Moved> receive_some(int fd, std::span<std::byte> into) { return receive(fd, into, 0); }
Result<Moved> peek_some(int fd, std::span<std::byte> into) { return receive(fd, into, MSG_PEEK); }

Result<Moved> send_some_with_fds(int fd, std::span<const std::byte> bytes,
                                 std::span<const int> fds) {
  if (fds.empty()) return send_some(fd, bytes);
  return Error{ErrorCode::CannotTravel, "descriptors do not travel on Windows"};
}

Result<Moved> receive_some_with_fds(int fd, std::span<std::byte> into, std::vector<Fd>&) {
  return receive_some(fd, into);
}

Result<bool> wait_any(std::span<Awaited> entries,
                      std::optional<std::chrono::milliseconds> timeout) {
  // One that is left out would be told as wrong here, at once.
  std::vector<WSAPOLLFD> polled;
  std::vector<Awaited*> awaited;
  for (Awaited& entry : entries) {
    entry.is_ready = entry.is_broken = false;
    if (entry.fd < 0) continue;
    polled.push_back({socket_of(entry.fd), events_of(entry.what), 0});
    awaited.push_back(&entry);
  }
  constexpr std::chrono::milliseconds kLongest{std::numeric_limits<int>::max()};
  const int patience = timeout ? static_cast<int>(std::min(*timeout, kLongest).count()) : -1;
  const int count = ::WSAPoll(polled.data(), static_cast<ULONG>(polled.size()), patience);
  if (count < 0) return socket_error("cannot wait for sockets");
  for (std::size_t i = 0; i < polled.size(); ++i) {
    awaited[i]->is_ready = polled[i].revents != 0;
    awaited[i]->is_broken = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  }
  return count > 0;
}

Result<bool> wait_ready(int fd, Ready what, std::optional<std::chrono::milliseconds> timeout) {
  Awaited one{fd, what};
  return wait_any({&one, 1}, timeout);
}

}  // namespace elsewhere
