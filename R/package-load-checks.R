# What is looked at when the package is loaded, so that it is said once, in one
# sentence, and not by whatever fails later. That each package is there and new
# enough is checked by R itself, before, from DESCRIPTION.

# Each gives the sentence, or NULL: without it some of elsewhere does not work, or
# works more slowly.
load_checks <- list(
  sessions = function() {
    tryCatch(check_processx(), error = conditionMessage)
  },
  forks = function() {
    if (processx_can_hold_forks()) return(NULL)
    sprintf(
      paste(
        "processx %s does not let a session be forked: each session starts R",
        "itself, which takes longer. With processx 3.8.0 to 3.9.0 it does."
      ),
      utils::packageVersion("processx")
    )
  },
  stand_in = function() {
    if (file.access(stand_in_file(), 1L) == 0L) return(NULL)
    sprintf(
      paste(
        "`%s` cannot be executed, so that sessions cannot be forked. Install",
        "elsewhere in a library on a file system without `noexec`, or set",
        "options(elsewhere.session_start = \"exec\")."
      ),
      stand_in_file()
    )
  },
  domain = function() {
    if (tells_domain()) return(NULL)
    sprintf(
      paste(
        "promises %s does not tell its current domain: after await(), a task",
        "is no longer in the Shiny session in which it began. Install promises",
        "1.3.2 to 1.5.0, or a newer elsewhere."
      ),
      utils::packageVersion("promises")
    )
  }
)

check_at_load <- function(checks = load_checks) {
  for (check in checks) {
    said <- check()
    if (!is.null(said)) {
      warning(warningCondition(said, class = "elsewhere_load_warning"))
    }
  }
}
