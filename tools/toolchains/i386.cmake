# Debian's cross compiler for 32-bit x86, which the machine runs itself.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER i686-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER i686-linux-gnu-g++)
set(libraries /usr/i686-linux-gnu/lib)
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-Wl,-dynamic-linker,${libraries}/ld-linux.so.2 -Wl,--disable-new-dtags,-rpath,${libraries}")
