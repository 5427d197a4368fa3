# An ssh server for one test: on a high port of the loopback device, with keys
# of its own, under the user who runs the tests. It ends with the test.
#
# list(rshopts, place): what plan(cluster, rshopts = ) needs to reach it under
# any host name, and the folder of its files. `setup` is lines for its
# configuration.
local_sshd <- function(setup = character(), env = parent.frame()) {
  sshd <- Sys.which("sshd")
  if (!nzchar(sshd)) sshd <- "/usr/sbin/sshd"
  testthat::skip_if_not(
    file.exists(sshd) && nzchar(Sys.which("ssh")),
    "openssh-server and openssh-client are installed"
  )
  place <- withr::local_tempdir(.local_envir = env)
  Sys.chmod(place, "0700")
  file <- function(name) file.path(place, name)
  for (key in c("host_key", "user_key")) {
    processx::run(
      "ssh-keygen", c("-q", "-t", "ed25519", "-N", "", "-f", file(key))
    )
  }
  file.copy(file("user_key.pub"), file("authorized_keys"))
  # A server that root starts wants this folder.
  if (Sys.info()[["user"]] == "root") dir.create("/run/sshd", FALSE, TRUE)
  port <- free_port()
  writeLines(c(
    sprintf("Port %d", port), "ListenAddress 127.0.0.1",
    sprintf("HostKey %s", file("host_key")),
    sprintf("AuthorizedKeysFile %s", file("authorized_keys")),
    "PidFile none", "StrictModes no", "PasswordAuthentication no",
    "KbdInteractiveAuthentication no", "PermitRootLogin yes", setup
  ), file("sshd_config"))
  server <- processx::process$new(
    sshd, c("-D", "-e", "-f", file("sshd_config")),
    stderr = file("log"), stdout = NULL
  )
  withr::defer(server$kill_tree(), envir = env)
  is_listening <- wait_until(function() {
    any(grepl("Server listening", readLines(file("log"), warn = FALSE)))
  })
  if (!is_listening) stop("sshd does not start: ", readLines(file("log")))
  list(
    place = place, port = port, server = server,
    rshopts = c(
      "-F", "none", "-i", file("user_key"), "-p", port,
      "-o", "HostName=127.0.0.1", "-o", "IdentitiesOnly=yes",
      "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
      "-o", "UserKnownHostsFile=/dev/null"
    )
  )
}

# A port that nothing listens on now.
free_port <- function() {
  repeat {
    port <- sample(20000:60000, 1L)
    socket <- tryCatch(serverSocket(port), error = function(e) NULL)
    if (!is.null(socket)) {
      close(socket)
      return(port)
    }
  }
}

# The TCP sockets on which a process that came from here listens; others on this
# machine come and go as they like.
listening_sockets <- function() {
  tables <- c("/proc/net/tcp", "/proc/net/tcp6")
  rows <- unlist(lapply(tables[file.exists(tables)], function(table) {
    readLines(table, warn = FALSE)[-1L]
  }))
  fields <- strsplit(trimws(rows), " +")
  is_listening <- vapply(fields, function(field) field[[4L]] == "0A", NA)
  sockets <- vapply(fields[is_listening], function(field) {
    sprintf("socket:[%s]", field[[10L]])
  }, "")
  open <- Sys.readlink(Sys.glob(
    file.path("/proc", c(Sys.getpid(), own_processes()), "fd", "*")
  ))
  intersect(sockets, open)
}
