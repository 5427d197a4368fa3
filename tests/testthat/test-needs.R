# src/needs/check.sh says in one sentence what is missing to compile. It is in a
# clone, not in the installed package; R, the compiler and the system are fakes
# here.

program <- function(folder, name, lines) {
  path <- file.path(folder, name)
  dir.create(dirname(path), FALSE, TRUE)
  writeLines(c("#!/bin/sh", lines), path)
  Sys.chmod(path, "755")
  path
}

# What it prints, and its status, in a world where `R CMD config CXX20`
# answers with `compiler`, and where `programs` come first on the path.
configured <- function(compiler, programs = list(), env = character(),
                       frame = parent.frame()) {
  script <- document_file("src/needs/check.sh")
  home <- withr::local_tempdir(.local_envir = frame)
  program(home, "bin/R", c(
    'case "$*" in',
    '  --version) echo "R version 4.3.1 (2023-06-16)" ;;',
    sprintf('  *CXX20STD) echo "-std=gnu++20" ;;'),
    sprintf('  *CXX20) echo "%s" ;;', compiler),
    "esac"
  ))
  path <- file.path(home, "path")
  dir.create(path)
  for (name in names(programs)) program(path, name, programs[[name]])
  withr::local_envvar(
    R_HOME = home, PATH = paste0(path, ":", Sys.getenv("PATH")), env
  )
  said <- suppressWarnings(
    system2("sh", script, stdout = TRUE, stderr = TRUE)
  )
  status <- attr(said, "status")
  list(said = c(said), status = if (is.null(status)) 0L else status)
}

expect_one_sentence <- function(result, ...) {
  expect_identical(result$status, 1L)
  expect_length(result$said, 1L)
  for (pattern in c("^elsewhere: ", ...)) expect_match(result$said, pattern)
}

test_that("a compiler that knows C++20 passes without a word", {
  skip_if(!nzchar(Sys.which("g++")), "there is no g++")
  expect_identical(configured("g++"), list(said = character(), status = 0L))
})

test_that("a compiler without C++20 is named, with its words and the way out", {
  old <- c(
    'case "$*" in *-std=gnu++20*)',
    "  echo \"g++: error: unrecognized option '-std=gnu++20'\" >&2; exit 1 ;;",
    "esac"
  )
  expect_one_sentence(
    configured("g++", list("g++" = old)),
    "`g\\+\\+` does not compile C\\+\\+20", "unrecognized option",
    "apt-get install g\\+\\+", "CXX20 = /path/to/g\\+\\+"
  )
})

test_that("a compiler that is not there is named", {
  expect_one_sentence(
    configured("no-such-compiler"), "no-such-compiler.*not found"
  )
})

test_that("another system is named", {
  expect_one_sentence(
    configured("g++", list(uname = "echo Darwin")), "Linux.*Darwin"
  )
})
