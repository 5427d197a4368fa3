# Seeds of futures: streams of the generator L'Ecuyer-CMRG, so that numbers do
# not depend on the plan, on the number of workers or on the order of work.

is_lecuyer_seed <- function(seed) {
  is.numeric(seed) && length(seed) == 7L && !anyNA(seed) &&
    seed[[1L]] %% 10000L == 407L
}

current_seed <- function() .GlobalEnv$.Random.seed

# The state of the user's generator, moved on by one draw: what a second call
# gets is different. `seed = TRUE` does this, and nothing else ever does.
advance_seed <- function() {
  sample.int(n = 1L, size = 1L, replace = FALSE)
  current_seed()
}

# Runs `code` with the generator L'Ecuyer-CMRG and answers the seed it left; the
# user's generator and state are as before.
with_lecuyer <- function(code) {
  before <- current_seed()
  kind <- RNGkind("L'Ecuyer-CMRG")
  on.exit({
    restore_seed(NULL, kind)
    if (!is.null(before)) restore_seed(before, NULL)
  })
  force(code)
  current_seed()
}

# A L'Ecuyer seed from TRUE (the user's state), one integer, or seven.
as_lecuyer_seed <- function(seed) {
  if (is_lecuyer_seed(seed)) return(as.integer(seed))
  if (isTRUE(seed)) {
    if (is_lecuyer_seed(current_seed())) return(current_seed())
    return(with_lecuyer(NULL))
  }
  if (is.numeric(seed) && length(seed) == 1L && is.finite(seed)) {
    return(with_lecuyer(set.seed(seed)))
  }
  abort_argument(
    "seed",
    paste(
      "`TRUE`, `FALSE`, `NULL`, one integer or seven integers",
      "(a seed of kind \"L'Ecuyer-CMRG\")"
    ),
    seed
  )
}

next_stream <- function(seed) .Call(ew_random_next_stream, seed)

# The seed of one future: NULL when it has none.
future_seed <- function(seed) {
  if (is.null(seed) || identical(seed, FALSE)) return(NULL)
  if (is_lecuyer_seed(seed)) return(as.integer(seed))
  if (isTRUE(seed)) advance_seed()
  next_stream(as_lecuyer_seed(seed))
}

# One seed an element, each in a stream of its own. A list of seeds is taken as
# it is. The user's state moves on by one draw.
element_seeds <- function(count, seed) {
  if (is.null(seed) || identical(seed, FALSE)) return(NULL)
  if (is.list(seed)) return(check_seed_list(seed, count))
  first <- as_lecuyer_seed(seed)
  advance_seed()
  .Call(ew_random_substreams, first, as.double(count))
}

check_seed_list <- function(seeds, count) {
  if (length(seeds) != count) {
    abort_argument(
      "seed",
      sprintf("a list with one seed for each of the %d elements", count),
      seeds
    )
  }
  for (seed in seeds) {
    if (!is.integer(seed) || length(seed) < 2L) {
      abort_argument(
        "seed", "a list of seeds in the format of `.Random.seed`", seed
      )
    }
  }
  seeds
}
