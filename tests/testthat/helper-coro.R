# Our functions behind coro's names and interface: functions for iterators,
# `exhausted()` at the end. To be called in an R process of its own.
coro_shim <- quote(function(root) {
  shim <- new.env(parent = asNamespace("coro"))
  for (file in c("helper-async.R", "helper-flowery.R")) {
    sys.source(file.path(root, "tests", "testthat", file), shim)
  }
  # An instance is called for its values; what is given is sent.
  instance <- function(g) {
    made <- function(arg, close = FALSE) {
      if (close) {
        base::close(g)
        return(coro::exhausted())
      }
      if (missing(arg)) {
        g(coro::exhausted(), NULL)
      } else {
        g(coro::exhausted(), arg)
      }
    }
    structure(made, class = c("coro_generator_instance", "function"))
  }
  factory <- function(maker, shape, class) {
    function(fn) {
      around <- parent.frame()
      made <- eval(call("maker", substitute(fn)), list(maker = maker), around)
      structure(function(...) shape(made(...)), class = c(class, "function"))
    }
  }
  shim$generator <- factory(elsewhere::gen, instance, "coro_generator")
  shim$gen <- function(expr) {
    around <- parent.frame()
    maker <- list(maker = elsewhere::gen)
    instance(eval(call("maker", substitute(expr)), maker, around))
  }
  shim$async <- factory(elsewhere::async, identity, "function")
  stream_instance <- function(st) {
    made <- function(arg, close = FALSE) {
      if (close) {
        elsewhere::cancel(st)
        return(promises::promise_resolve(coro::exhausted()))
      }
      elsewhere::nextOr(st, coro::exhausted())
    }
    structure(made, class = c("coro_generator_instance", "function"))
  }
  shim$async_generator <- factory(
    elsewhere::stream, stream_instance, "coro_generator"
  )
  shim$wait_for <- elsewhere::wait_for
  shim$prom_value <- elsewhere::wait_for
  shim$await <- elsewhere::await
  shim$yield <- elsewhere::yield
  shim$await_each <- identity
  shim
})
