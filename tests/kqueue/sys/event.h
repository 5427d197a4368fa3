// As much of a BSD's <sys/event.h> as os/kqueue/ uses, for a build on Linux.
#pragma once

#include <stdint.h>
#include <time.h>

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  intptr_t data;
  void* udata;
};

inline constexpr short EVFILT_PROC = -5;
inline constexpr unsigned short EV_ADD = 0x0001;
inline constexpr unsigned int NOTE_EXIT = 0x80000000;

#define EV_SET(event, a, b, c, d, e, f) (*(event) = {(a), (b), (c), (d), (e), (f)})

int kqueue();
int kevent(int queue, const struct kevent* changes, int count, struct kevent* events, int room,
           const timespec* timeout);
