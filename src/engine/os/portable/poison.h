// The last #include of every source of os/portable/: none of these is used there.
#pragma once
#if defined(__GNUC__)
#pragma GCC poison memfd_create eventfd signalfd prctl syscall pipe2 on_exit
#endif
