# The check of the rooms finds each kind of wrong arrow that is planted, and
# nothing in a tree without one.
source("tools/check-rooms.R")

include <- function(...) sprintf("#include \"%s\"", c(...))
library_header <- function(...) sprintf("#include <%s>", c(...))

# A source tree in a temporary folder; `files` maps paths to their lines.
plant <- function(files) {
  src <- file.path(tempfile("rooms"), "src")
  for (path in names(files)) {
    dir.create(dirname(file.path(src, path)), FALSE, recursive = TRUE)
    writeLines(files[[path]], file.path(src, path))
  }
  src
}

right <- list(
  "engine/base/bytes.h" = library_header("vector"),
  "engine/os/fd.h" = include("engine/base/bytes.h"),
  "engine/os/posix/a.cpp" = library_header("unistd.h", "sys/wait.h", "csignal"),
  "bridge/a.cpp" = library_header("unistd.h"),
  "engine/os/linux/a.cpp" = c(
    library_header("sys/eventfd.h"), "  ::memfd_create(\"/proc\");"
  ),
  "engine/wire/packet.h" = c(
    include("engine/base/bytes.h"), "// not by memfd_create()"
  ),
  "engine/loop/a.h" = library_header("asio.hpp"),
  "engine/loop/loop.h" = include("engine/loop/a.h", "engine/os/fd.h"),
  "engine/engine.h" = include("engine/loop/loop.h"),
  "bridge/r_api.h" = library_header("Rversion.h"),
  "frontend/main.c" = library_header("Rinterface.h", "Rembedded.h"),
  "bridge/guard.h" = c(library_header("R.h"), include("engine/engine.h")),
  "bridge/entry/entries.h" = library_header("Rinternals.h"),
  "bridge/entry/task.cpp" = include("bridge/guard.h", "bridge/entry/entries.h"),
  "init.cpp" = library_header("R_ext/Rdynload.h")
)
stopifnot(length(check_rooms(plant(right))) == 0L)

# A file, its wrong line, and what the complaint must say.
wrong <- list(
  list("engine/base/ids.h", include("engine/os/fd.h"), "see engine/os"),
  list("engine/os/posix/fd.cpp", include("engine/wire/packet.h"), "see engine"),
  list("engine/wire/a.h", library_header("Rinternals.h"), "see R "),
  list("bridge/a.h", library_header("Rversion.h"), "see versions of R "),
  list("bridge/a.h", library_header("Rembedded.h"), "see R as a front end "),
  list("frontend/a.c", include("engine/os/fd.h"), "see engine/os"),
  list("engine/workers/a.h", "  #  include <R_ext/Print.h>", "see R "),
  list("engine/workers/a.h", library_header("cpp11/protect.hpp"), "see R "),
  list("engine/workers/a.h", library_header("asio/ts/net.hpp"), "see Asio"),
  list("bridge/a.h", include("engine/loop/loop.h"), "see engine/loop"),
  list("bridge/a.h", include("bridge/entry/entries.h"), "see bridge/entry"),
  list("engine/os/socket.h", include("fd.h"), "is no file"),
  list("engine/workers/a.cpp", library_header("sys/eventfd.h"), "only Linux"),
  list("engine/os/posix/a.cpp", "  Fd fd(::memfd_create(name));", "only Linux"),
  list("engine/workers/a.cpp", library_header("unistd.h"), "only Unix"),
  list("engine/os/socket.h", library_header("sys/socket.h"), "only Unix"),
  list("engine/engine.cpp", library_header("csignal"), "only Unix"),
  list("standin/main.cpp", "  ::open(\"/proc/self/stat\");", "only Linux"),
  list("engine/cellar/wine.h", library_header("vector"), "no room is called")
)
for (case in wrong) {
  files <- right
  files[[case[[1L]]]] <- case[[2L]]
  found <- check_rooms(plant(files))
  if (length(found) != 1L || !grepl(case[[3L]], found)) {
    stop(sprintf("`%s` in %s was not found", case[[2L]], case[[1L]]))
  }
}
stopifnot(length(check_rooms(tempfile("nothing"))) == 1L)
cat("every planted arrow was found\n")
