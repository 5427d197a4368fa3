// Local stream sockets: a connected pair without a name, bytes, and descriptors
// that travel beside them. Any thread; each call says whether it can block.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

// Two connected ends, both close-on-exec and blocking.
Result<std::pair<Fd, Fd>> socket_pair();

// A pipe: the end to read, then the end to write. Close-on-exec.
Result<std::pair<Fd, Fd>> pipe_pair();
// The same, and the end to read does not block.
Result<std::pair<Fd, Fd>> output_pipe();

Status set_nonblocking(int fd);
Result<Fd> duplicate(int fd);  // close-on-exec

// How far one send or receive came. `WouldBlock` and `Closed` are ordinary
// outcomes, not errors.
enum class Transfer { Moved, WouldBlock, Closed };
struct Moved {
  Transfer outcome = Transfer::Moved;
  std::size_t bytes = 0;
};

// One attempt that never blocks, whatever the descriptor's mode. A peer that is
// gone is `Closed`; no SIGPIPE is raised.
Result<Moved> send_some(int fd, std::span<const std::byte> bytes);
Result<Moved> send_some(int fd, std::span<const std::byte> head, std::span<const std::byte> body);
Result<Moved> receive_some(int fd, std::span<std::byte> into);
// The same, and leaves them where they are.
Result<Moved> peek_some(int fd, std::span<std::byte> into);

// Sends `bytes`, at least one, with `fds` attached to the first of them; at most
// 8 descriptors.
Result<Moved> send_some_with_fds(int fd, std::span<const std::byte> bytes,
                                 std::span<const int> fds);
// Receives bytes and whatever descriptors came with them (close-on-exec).
Result<Moved> receive_some_with_fds(int fd, std::span<std::byte> into, std::vector<Fd>& fds);

// The same for a pipe or a file, which blocks if its descriptor does.
Result<Moved> read_some(int fd, std::span<std::byte> into);
Result<Moved> write_some(int fd, std::span<const std::byte> bytes);

// The TCP sockets of this process that have `port` (of their peer, of their own end
// if they were accepted, or listening at any) and cannot be read now. For descriptors
// that others own and do not name. A look at each descriptor; does not block.
enum class PortOf { Peer, Own, Listening };
std::vector<int> quiet_tcp_sockets(std::uint16_t port, PortOf end);

// Small pieces do not wait for each other any more. Other sockets than those of TCP
// know no such wait.
void send_without_delay(int fd);

// How many of the bytes sent on a local socket the other end has not read yet.
std::size_t unread_bytes(int fd);

// A descriptor whose other end is gone counts as ready, whatever is waited for.
enum class Ready { Readable, Writable, Either, Broken };
// Blocks until `fd` is ready or `timeout` has passed (no timeout: for ever).
// false when the time is over; `Interrupted` when a signal came first.
Result<bool> wait_ready(int fd, Ready what, std::optional<std::chrono::milliseconds> timeout);
// The same, until any of them can be read.
Result<bool> wait_any_readable(std::span<const int> fds,
                               std::optional<std::chrono::milliseconds> timeout);
// The same, and marks which of them are ready. One below zero is left out.
struct Awaited {
  int fd = -1;
  Ready what = Ready::Readable;
  bool is_ready = false;
  bool is_broken = false;  // its other end is gone, or it is not open
};
Result<bool> wait_any(std::span<Awaited> entries, std::optional<std::chrono::milliseconds> timeout);

}  // namespace elsewhere
