# What a workspace may hold and an expression over it: `define` is evaluated in
# the global environment, `expr` there and again in a fresh process that has
# only what find_globals() found. The two values must be equal.
case <- function(define, expr) {
  list(define = substitute(define), expr = substitute(expr))
}

cases <- list(
  "a function and what it uses" = case(
    {
      k <- 10
      inner <- function(x) x + k
      outer_fun <- function(x) inner(x) * 2
    },
    outer_fun(1)
  ),
  "a closure with an environment of its own" = case(
    {
      scale <- 3
      make <- function(n) function(x) (x + n) * scale
      add_two <- make(2)
    },
    add_two(1)
  ),
  "mutual recursion" = case(
    {
      even <- function(n) if (n == 0) TRUE else odd(n - 1)
      odd <- function(n) if (n == 0) FALSE else even(n - 1)
    },
    even(10)
  ),
  "a closure in a list" = case(
    {
      ff <- function(x) x + 1
      tools <- list(deep = list(g = function(x) ff(x)))
    },
    tools$deep$g(1)
  ),
  "a closure in an attribute" = case(
    {
      ff <- function(x) x + 1
      with_attribute <- structure(1, run = function(x) ff(x))
    },
    attr(with_attribute, "run")(1)
  ),
  "a closure in an environment" = case(
    {
      ff <- function(x) x + 1
      store <- new.env()
      store$inner <- new.env()
      store$inner$g <- function(x) ff(x)
    },
    store$inner$g(1)
  ),
  "a closure around a closure of the workspace" = case(
    {
      ff <- function(x, y) x + y + offset
      offset <- 100
      vectorised <- Vectorize(ff)
    },
    vectorised(1:3, 2)
  ),
  "an R6 object whose method calls the workspace" = case(
    {
      helper <- function(x) x * factor_of
      factor_of <- 7
      counter <- R6::R6Class("counter", public = list(
        n = 1, go = function() helper(self$n)
      ))$new()
    },
    counter$go()
  ),
  "an R6 generator with an inherited class" = case(
    {
      helper <- function(x) x * 2
      base_class <- R6::R6Class("base_class", public = list(
        value = function() helper(4)
      ))
      derived <- R6::R6Class("derived", inherit = base_class)
    },
    derived$new()$value()
  ),
  "a reference class instance" = case(
    {
      helper <- function(x) x * 2
      Account <- setRefClass("Account",
        fields = list(balance = "numeric"),
        methods = list(add = function(x) {
          balance <<- balance + helper(x)
          balance
        })
      )
      account <- Account$new(balance = 1)
    },
    account$add(5)
  ),
  "a reference class generator" = case(
    {
      helper <- function(x) x * 2
      Account <- setRefClass("Account",
        fields = list(balance = "numeric"),
        methods = list(add = function(x) balance <<- balance + helper(x))
      )
    },
    {
      a <- Account$new(balance = 1)
      a$add(5)
      a$balance
    }
  ),
  "S3 methods of the workspace" = case(
    {
      area <- function(s, ...) UseMethod("area")
      area.square <- function(s, ...) s$side^2 * unit
      area.default <- function(s, ...) 0
      unit <- 2
      s <- structure(list(side = 3), class = "square")
    },
    c(area(s), area(1))
  ),
  "a method for a generic of base" = case(
    {
      format.coin <- function(x, ...) paste0(unclass(x), currency)
      currency <- " ct"
      print.coin <- function(x, ...) cat("a coin:", format(x), "\n")
      coin <- structure(5, class = "coin")
    },
    capture.output(print(coin))
  ),
  "a method called by a generic inside a package" = case(
    {
      toString.coin <- function(x, ...) "coin!"
      `[.coin` <- function(x, i) structure(unclass(x)[i], class = "coin")
      length.coin <- function(x) 99L
      coins <- structure(1:3, class = "coin")
    },
    list(length(coins), toString(coins), class(coins[1]))
  ),
  "operators for a class of the workspace" = case(
    {
      Ops.money <- function(e1, e2) {
        value <- get(.Generic)(unclass(e1), unclass(e2))
        if (.Generic == "+") structure(value, class = "money") else value
      }
      wallet <- structure(5, class = "money")
    },
    unclass(wallet + wallet)
  ),
  "a class made in the code" = case(
    {
      describe <- function(x) UseMethod("describe")
      describe.animal <- function(x) "an animal"
      make_animal <- function() structure(list(), class = "animal")
    },
    describe(make_animal())
  ),
  "an S4 class of the workspace" = case(
    {
      setClass("Shape", representation("VIRTUAL"))
      setClass("Circle", contains = "Shape", representation(r = "numeric"),
        validity = function(object) {
          if (object@r < smallest) "too small" else TRUE
        }
      )
      smallest <- 0
    },
    new("Circle", r = 2)@r
  ),
  "an S4 generic and its methods" = case(
    {
      setClass("Circle", representation(r = "numeric"))
      setGeneric("surface", function(shape, ...) standardGeneric("surface"))
      setMethod(
        "surface", "Circle", function(shape, ...) pi_of_mine * shape@r^2
      )
      pi_of_mine <- 3
      circle <- new("Circle", r = 2)
    },
    surface(circle)
  ),
  "S4 methods for generics of base and methods" = case(
    {
      setClass("Amount", representation(value = "numeric"))
      setMethod("show", "Amount", function(object) cat(prefix, object@value))
      setMethod("+", signature("Amount", "Amount"), function(e1, e2) {
        new("Amount", value = e1@value + e2@value)
      })
      setMethod("length", "Amount", function(x) 42L)
      prefix <- "amount: "
      amount <- new("Amount", value = 1)
    },
    list(capture.output(show(amount)), (amount + amount)@value, length(amount))
  ),
  "functions named by strings" = case(
    {
      twice <- function(x) 2 * x
      `%plus%` <- function(a, b) a + b
      hidden <- 5
    },
    list(
      do.call("twice", list(2)), sapply(1:3, "twice"), Reduce("%plus%", 1:4),
      match.fun("twice")(1), get("hidden"), Map("twice", 1:2)
    )
  ),
  "code kept as a value" = case(
    {
      a <- 1
      b <- 2
      code <- quote(a + b)
      formula_of_mine <- y ~ f(x)
    },
    list(eval(code), all.vars(formula_of_mine))
  ),
  "conditional bindings" = case(
    {
      flag <- FALSE
      x <- 5
    },
    {
      if (flag) x <- 0
      for (i in integer()) x <- 1
      x + 1
    }
  ),
  "a name that is a variable and a function" = case(
    {
      c <- 3
      total <- function(x) sum(x)
      sum_of <- function(total) total(c(total, c))
    },
    list(c(c, 1), sum_of(1))
  ),
  "a compiled function" = case(
    {
      k <- 3
      slow <- compiler::cmpfun(function(x) {
        y <- x + k
        y
      })
    },
    slow(1)
  ),
  "a promise and an active binding" = case(
    {
      delayedAssign("late", 6 * 7)
      makeActiveBinding("now", function() late + 1, globalenv())
    },
    c(late, now)
  ),
  "a formula with functions in its environment" = case(
    {
      square <- function(x) x^2
      data_of_mine <- data.frame(x = 1:5, y = (1:5)^2)
      model <- function() y ~ square(x)
    },
    coef(lm(model(), data = data_of_mine))
  ),
  "a model that was fitted before" = case(
    {
      frame <- data.frame(x = 1:5, y = c(1, 3, 2, 5, 4))
      fit <- lm(y ~ x, data = frame)
    },
    list(predict(fit, data.frame(x = 6)), coef(update(fit, . ~ 1)))
  ),
  "a data.table" = case(
    {
      dt <- data.table::data.table(g = c(1, 1, 2), v = 1:3)
    },
    as.list(dt[, list(s = sum(v)), by = g])
  ),
  "a replacement function of the workspace" = case(
    {
      `second<-` <- function(x, value) {
        x[2] <- value
        x
      }
      v <- 1:3
    },
    {
      second(v) <- 10L
      v
    }
  ),
  "a function with a default from the workspace" = case(
    {
      level <- 4
      with_default <- function(x, by = level) x + by
    },
    with_default(1)
  ),
  "functions used by functions given as arguments" = case(
    {
      threshold <- 2
      keep <- function(x) x > threshold
    },
    Filter(keep, Map(function(x) keep(x) + x, 1:4))
  ),
  "a local frame between the code and the workspace" = case(
    {
      x <- 1
      g <- function() x
      in_frame <- function() {
        x <- 2
        list(quote(x + g()), environment())
      }
    },
    x + g()
  ),
  "a memoised function" = case(
    {
      calls <- 0
      memoise_it <- function(f) {
        cache <- new.env()
        function(key) {
          if (is.null(cache[[key]])) cache[[key]] <- f(key)
          cache[[key]]
        }
      }
      slow <- function(key) paste0(key, suffix)
      suffix <- "!"
      quick <- memoise_it(slow)
    },
    quick("a")
  ),
  "a purrr-style lambda" = case(
    {
      offset <- 3
      shift <- function(x) x + offset
      lambda <- ~ shift(.x)
    },
    eval(lambda[[2]], list(.x = 1))
  ),
  "the name of a function, given to a function of one's own" = case(
    {
      offset <- 3
      shift <- function(x) x + offset
      apply_it <- function(f, x) do.call(f, list(x))
      settings <- list(fun = "shift")
      apply_how <- function(how, x) apply_it(how$fun, x)
    },
    c(apply_it("shift", 1), apply_how(settings, 2))
  ),
  "the name of a variable, given to a function of one's own" = case(
    {
      hidden <- 3
      read <- function(name) get(name, envir = globalenv())
    },
    read("hidden")
  ),
  "an object attached to the search path" = case(
    {
      attach(list(attached_value = 12), name = "things_of_mine")
    },
    attached_value + 1
  )
)
