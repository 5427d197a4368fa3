# Zig's clang and libc++ for musl, as in Alpine Linux. ZIG, in the environment, is its path.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER $ENV{ZIG} cc -target x86_64-linux-musl)
# musl's CMSG_NXTHDR() compares a signed number with an unsigned one.
set(CMAKE_CXX_FLAGS_INIT -Wno-error=sign-compare)
set(CMAKE_CXX_COMPILER $ENV{ZIG} c++ -target x86_64-linux-musl)
