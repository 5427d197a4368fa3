# How deep and how large a task gets: 100 000 awaits in one loop, tasks that
# await each other 1 000 deep, and yieldFrom() 2 000 deep.
#
#   Rscript bench/depth.R          writes bench/results/<date>-depth.md

script <- grep("^--file=", commandArgs(), value = TRUE)
root <- dirname(sub("^--file=", "", script))
source(file.path(root, "report.R"))
suppressPackageStartupMessages(library(elsewhere))

megabytes <- function() sum(gc()[, 2L])
stack_bytes <- function() unname(Cstack_info()[["current"]])

# What each tenth of the loop saw: frames and C stack below the body, and what R
# holds after a collection.
awaits_in_one_loop <- function(count = 1e5) {
  seen <- NULL
  look <- function(i) {
    seen <<- rbind(seen, data.frame(
      awaits = i, frames = sys.nframe(), c_stack = stack_bytes(),
      megabytes = megabytes()
    ))
  }
  task <- async({
    step <- async(function(i) i)
    for (i in seq_len(count)) {
      await(if (i %% 2 == 0) step(i) else delay(0))
      if (i == 10 || i %% (count / 10) == 0) look(i)
    }
  })
  wait_for(task)
  seen
}

recursion <- function(depth = 1000) {
  down <- async(function(n) {
    if (n == 0) return(stack_bytes())
    await(delay(0))
    await(down(n - 1))
  })
  c(depth = depth, c_stack = wait_for(down(depth)))
}

# Microseconds an item, by depth.
chain <- function(depths = c(1, 10, 100, 2000), items = 20000) {
  layer <- gen(function(inner) yieldFrom(inner))
  seconds <- vapply(depths, function(depth) {
    made <- gen(for (i in seq_len(items + 1)) yield(i))
    for (i in seq_len(depth)) made <- layer(made)
    made()
    started <- Sys.time()
    for (i in seq_len(items)) made()
    as.double(Sys.time() - started, units = "secs")
  }, 0)
  data.frame(depth = depths, microseconds = signif(seconds / items * 1e6, 3))
}

as_table <- function(data) {
  row <- function(cells) paste0("| ", paste(cells, collapse = " | "), " |")
  text <- function(x) format(x, big.mark = " ")
  cells <- vapply(data, text, character(nrow(data)))
  c(
    row(names(data)), row(rep("---:", length(data))),
    apply(matrix(cells, nrow(data)), 1L, row)
  )
}

loop <- awaits_in_one_loop()
deep <- recursion()
delegated <- chain()
lines <- c(
  "# depth", "", origin(root, c("R", "src", "bench/depth.R")), "",
  "Script: `bench/depth.R`.", "",
  "## 100 000 awaits in one loop, of tasks and of timers", "",
  as_table(loop), "",
  "`frames` and `c_stack` (bytes) are those in the body, `megabytes` what R",
  "holds.",
  "", "## Tasks that await each other", "",
  sprintf(
    "%d deep, each after a pause: %s bytes of C stack in the innermost.",
    deep[["depth"]], format(deep[["c_stack"]], big.mark = " ")
  ),
  "", "## yieldFrom(), microseconds an item", "", as_table(delegated), ""
)
cat(lines, sep = "\n")
write_report(root, "depth", lines)
