// Files by their descriptors, and the descriptors that every process has. Any thread;
// none waits for anything but the file system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/base/result.h"
#include "engine/os/fd.h"

namespace elsewhere {

inline constexpr int kStandardInput = 0;
inline constexpr int kStandardOutput = 1;
inline constexpr int kStandardError = 2;

// All that are opened here are close-on-exec.
Result<Fd> open_nothing();  // reads as empty, and takes whatever is written
Result<Fd> open_directory(const std::string& path);
// Empty, and written at its end; made if it is not there.
Result<Fd> create_file(const std::string& path);

// `number` becomes a copy of `fd`, which stays open in a program that is started.
Status copy_to(int fd, int number);
Status set_close_on_exec(int fd);
Status go_to_directory(const Fd& directory);

// Whether somebody may write lines there: a pipe, a socket or a terminal.
bool is_console(int fd);

std::uint64_t size_of(int fd);  // 0 if nobody knows
void make_empty(int fd);
// How much was moved; 0 at the end of the file. `what` begins the error.
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> into,
                            const char* what);
Result<std::size_t> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes,
                             const char* what);
// Whether the files of this process have a limit: who goes over it is ended by a signal.
bool has_file_limit();

}  // namespace elsewhere
