# Reads every #include under a source folder and fails on an arrow that the
# house style does not draw: each room sees only rooms to its right. What only
# Linux has is found outside of its folder, too, and what only Unix has in the engine
# outside of the folders of engine/os/.
#
#   Rscript tools/check-rooms.R src

engine <- c(
  "base", "os", "wire", "shm", "random", "loop", "workers", "tasks"
)
engine_rooms <- paste0("engine/", engine)

# Room -> the rooms it may include. Every room may include itself.
may_see <- list(
  "engine/base" = character(),
  "engine/os" = "engine/base",
  "engine/wire" = "engine/base",
  "engine/random" = "engine/base",
  "engine/shm" = c("engine/os", "engine/base"),
  "engine/loop" = c("engine/os", "engine/base"),
  "engine/workers" = setdiff(engine_rooms, c("engine/tasks", "engine/random")),
  "engine/tasks" = setdiff(engine_rooms, "engine/random"),
  "engine" = engine_rooms,
  # The bridge sees the engine but for the I/O thread's inside.
  "bridge" = c("frontend", "engine", setdiff(engine_rooms, "engine/loop")),
  "bridge/eval" = c("bridge", "engine/base"),
  # Tasks that are forks of this process, and waiting for any kind of task.
  "bridge/fork" = c("bridge", "engine", setdiff(engine_rooms, "engine/loop")),
  "bridge/globals" = c("bridge", "engine/base"),
  "bridge/worker" = c("bridge", "engine", setdiff(engine_rooms, "engine/loop")),
  "bridge/entry" = c(
    "bridge", "bridge/eval", "bridge/fork", "bridge/globals", "bridge/worker",
    "engine", setdiff(engine_rooms, "engine/loop")
  ),
  "init" = "bridge/entry",
  # A program of its own, without a library: of engine/os it links bare.h alone.
  "standin" = c("engine/wire", "engine/os"),
  # R's front end in workers: a program, and a module.
  "frontend" = character()
)

# Libraries that only some rooms know: a pattern for the header in <...>, and
# the rooms, or files of them, as a pattern.
libraries <- list(
  "versions of R" = c("^Rversion\\.h$", "^bridge/r_api\\.h$"),
  "R as a front end does" = c("^(Rembedded|Rinterface)\\.h$", "^frontend/"),
  "R" = c("^R[A-Za-z]*\\.h$|^R_ext/|^cpp11|^later", "^(bridge|frontend|init)"),
  "Asio" = c("^asio", "^engine/loop/")
)

# What Unix has, and other systems may not: its headers stay inside engine/os/, whose
# own headers say ideas instead. So the rest of the engine could be built anywhere.
unix_headers <- paste0(
  "^(arpa|net|netinet|sys)/|^csignal$|^(aio|dirent|dlfcn|fcntl|fnmatch|ftw|glob|",
  "grp|ifaddrs|libgen|mqueue|netdb|poll|pthread|pwd|regex|search|semaphore|",
  "signal|spawn|strings|syslog|termios|ucontext|unistd|utime|wordexp)\\.h$"
)
unix_folders <- "^engine/os/[a-z]+/"

# What only Linux has: its headers, and its words in code.
linux_folder <- "^engine/os/linux/"
linux_headers <- paste0(
  "^(linux|asm)/|^sched\\.h$|",
  "^sys/(epoll|eventfd|prctl|sendfile|signalfd|syscall|timerfd)\\.h$"
)
linux_words <- paste0(
  "\\b(SYS_\\w+|memfd_create|eventfd|signalfd|timerfd_\\w+|epoll_\\w+|prctl|",
  "pidfd\\w*|pipe2|accept4|close_range|clearenv|sched_\\w*affinity|unshare|",
  "POLLRDHUP|SIOCOUTQ|SOCK_CLOEXEC|SOCK_NONBLOCK|MSG_CMSG_CLOEXEC|",
  "PR_SET_\\w+|cpu_set_t)\\b|::on_exit\\b|::syscall\\b|\"/proc\\b"
)

# "engine/wire/packet.h" lives in "engine/wire"; "init.cpp" in "init".
room_of <- function(path) {
  folder <- dirname(path)
  if (folder == ".") return(sub("\\..*$", "", path))
  parts <- strsplit(folder, "/", fixed = TRUE)[[1L]]
  # engine/os/posix is the inside of engine/os.
  paste(utils::head(parts, 2L), collapse = "/")
}

includes_of <- function(file) {
  lines <- readLines(file, warn = FALSE)
  pattern <- "^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*$"
  is_include <- grepl(pattern, lines)
  data.frame(
    line = which(is_include),
    quote = sub(pattern, "\\1", lines[is_include]),
    header = sub(pattern, "\\2", lines[is_include])
  )
}

# What is wrong with one #include, in words; nothing if it is right.
complaint <- function(src, file, quote, header) {
  if (quote == "<") return(library_complaint(file, header))
  room <- room_of(file)
  if (!file.exists(file.path(src, header))) {
    return(sprintf(
      "\"%s\" is no file under %s: write our own headers as paths from there",
      header, basename(src)
    ))
  }
  target <- room_of(header)
  if (target == room || target %in% may_see[[room]]) return(character())
  sprintf("%s may not see %s (\"%s\")", room, target, header)
}

library_complaint <- function(file, header) {
  for (name in names(libraries)) {
    rule <- libraries[[name]]
    if (grepl(rule[[1L]], header) && !grepl(rule[[2L]], file)) {
      return(sprintf("%s may not see %s (<%s>)", room_of(file), name, header))
    }
  }
  is_seam <- startsWith(file, "engine/") && !grepl(unix_folders, file)
  is_unix <- grepl(unix_headers, header) && !grepl(linux_headers, header)
  if (is_seam && is_unix) {
    return(sprintf(
      "only Unix has <%s>: a header of engine/os/ is to say what it is for", header
    ))
  }
  character()
}

check_file <- function(src, file) {
  room <- room_of(file)
  if (!room %in% names(may_see)) {
    return(sprintf(
      "%s: no room is called %s; tools/check-rooms.R lists them", file, room
    ))
  }
  found <- includes_of(file.path(src, file))
  complaints <- linux_complaints(file, readLines(file.path(src, file)), found)
  arrows <- Map(
    function(line, quote, header) {
      wrong <- complaint(src, file, quote, header)
      if (length(wrong)) sprintf("%s:%d: %s", file, line, wrong)
    },
    found$line, found$quote, found$header
  )
  c(complaints, unlist(arrows))
}

# Comments may name what they like, and so may the list of what is forbidden.
linux_complaints <- function(file, lines, includes) {
  if (grepl(linux_folder, file)) return(character())
  code <- sub("//.*$|^#pragma GCC poison.*$", "", lines)
  code[includes$line] <- ""
  words <- regmatches(code, regexpr(linux_words, code, perl = TRUE))
  at <- grep(linux_words, code, perl = TRUE)
  is_linux <- includes$quote == "<" & grepl(linux_headers, includes$header)
  sprintf(
    "%s:%d: only Linux has `%s`: engine/os/linux/ is the place for it", file,
    c(includes$line[is_linux], at), c(includes$header[is_linux], words)
  )
}

check_rooms <- function(src) {
  files <- list.files(src, pattern = "\\.(h|hpp|c|cc|cpp)$", recursive = TRUE)
  if (length(files) == 0L) return(sprintf("there is no source in %s", src))
  unlist(lapply(files, function(file) check_file(src, file)))
}

if (sys.nframe() == 0L) {
  source("tools/run-check.R")
  run_check(check_rooms, "check-rooms.R src", "every include is allowed")
}
