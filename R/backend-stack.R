# What plan() has set, and what the futures of this process share.
plans <- new.env(parent = emptyenv())
plans$stack <- NULL       # list of strategies; the first rules
plans$backend <- NULL     # of the first strategy, once it was needed
plans$direct <- list()    # backends of strategies called directly
plans$disposable <- NULL  # options of the %...% operators for the next future
plans$created <- 0L       # futures made so far

current_stack <- function() {
  if (is.null(plans$stack)) plans$stack <- initial_stack()
  plans$stack
}

# A worker goes on with the rest of its owner's stack, which it gets as plain
# data, because most workers never load this package.
initial_stack <- function() {
  inherited <- inherited_stack()
  if (!is.null(inherited)) return(inherited)
  default_stack()
}

inherited_stack <- function() {
  if (!("tools:elsewhere" %in% search())) return(NULL)
  worker <- get0(".elsewhere", as.environment("tools:elsewhere"))
  if (is.null(worker$nested)) return(NULL)
  decode_stack(worker$nested)
}

# Option `future.plan`, then the environment variable, then sequential.
default_stack <- function() {
  choice <- getOption("future.plan")
  if (is.null(choice)) {
    choice <- Sys.getenv("R_FUTURE_PLAN", "")
    if (!nzchar(choice)) choice <- "sequential"
  }
  as_stack(choice)
}

# Strategies as names and arguments, and back.
encode_stack <- function(stack) {
  lapply(stack, function(strategy) {
    list(name = strategy_name(strategy), arguments = attr(strategy, "tweaks"))
  })
}

decode_stack <- function(entries) {
  as_stack(lapply(entries, function(entry) {
    do.call(tweak, c(list(strategy_by_name(entry$name)), entry$arguments))
  }))
}

# What is left for a future's own futures.
nested_stack <- function(stack) {
  left <- stack[-1L]
  new_stack(if (length(left)) left else list(strategy_by_name("sequential")))
}

new_stack <- function(strategies) {
  structure(
    strategies, class = c("elsewhere_strategies", "FutureStrategyList", "list")
  )
}

# A stack from what plan() takes: a strategy, its name, a list, a stack.
as_stack <- function(x) {
  if (is.list(x)) {
    if (!length(x)) abort_argument("strategy", "at least one strategy", x)
    return(new_stack(lapply(x, as_strategy)))
  }
  new_stack(list(as_strategy(x)))
}

is_equal_stack <- function(x, y) {
  same <- function(a, b) {
    identical(strategy_name(a), strategy_name(b)) &&
      isTRUE(all.equal(attr(a, "tweaks"), attr(b, "tweaks")))
  }
  length(x) == length(y) && all(mapply(same, unclass(x), unclass(y)))
}
