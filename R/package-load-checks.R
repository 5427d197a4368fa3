# Checks when the package is loaded, so that the user sees one sentence now and
# not an obscure error later. R itself has already checked the versions in
# DESCRIPTION.

# Each returns the sentence, or NULL. If one returns a sentence, a part of
# elsewhere does not work, or is slower.
load_checks <- list(
  sessions = function() {
    tryCatch(check_processx(), error = conditionMessage)
  },
  forks = function() {
    if (processx_can_hold_forks()) return(NULL)
    sprintf(
      paste(
        "processx %s cannot hold forked sessions, so each session starts R,",
        "which takes longer. Install processx 3.8.0 to 3.9.0 to avoid that."
      ),
      utils::packageVersion("processx")
    )
  },
  stand_in = function() {
    if (file.access(stand_in_file(), 1L) == 0L) return(NULL)
    sprintf(
      paste(
        "`%s` cannot be executed, so sessions cannot be forked. Install",
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
        "loses the Shiny session in which it started. Install promises 1.3.2",
        "to 1.5.0, or a newer elsewhere."
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
