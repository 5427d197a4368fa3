// syscall(), and the numbers that the C library's headers may be too old for. Where they
// are missing and stand not here either, the headers of a newer kernel are needed.
#pragma once

#include <sys/syscall.h>

// The same wherever Linux got its numbers anew, and that is nearly everywhere.
#if !defined(__alpha__) && !defined(__ia64__) && !defined(__mips__) && \
    !(defined(__x86_64__) && defined(__ILP32__))
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424  // Linux 5.1
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434  // Linux 5.3
#endif
#ifndef SYS_close_range
#define SYS_close_range 436  // Linux 5.9
#endif
#endif
