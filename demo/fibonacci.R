# Futures that make futures: each number is the sum of two others.

library(elsewhere)

fibonacci <- function(n) {
  if (n < 2) return(n)
  before %<-% fibonacci(n - 2)
  after %<-% fibonacci(n - 1)
  before + after
}

message(sprintf("The 12th number of Fibonacci is %d.", fibonacci(12)))
