# Zig's clang and libc++ for glibc 2.28, as in RHEL 8. ZIG, in the environment, is its path.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER $ENV{ZIG} cc -target x86_64-linux-gnu.2.28)
set(CMAKE_CXX_COMPILER $ENV{ZIG} c++ -target x86_64-linux-gnu.2.28)
