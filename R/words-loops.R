# The event loops of later.

# later does not export the number of its current loop; this function is
# replaced by its own when the package is loaded.
current_loop_id <- function() later::current_loop()$id

bind_later <- function() {
  loop_id <- get0("getCurrentRegistryId", asNamespace("later"))
  if (is.function(loop_id)) current_loop_id <<- loop_id
}

loop_handle <- function(id) {
  if (id == 0L) return(later::global_loop())
  structure(list(id = id), class = "event_loop")
}

is_loop_id <- function(id) later::exists_loop(loop_handle(id))
