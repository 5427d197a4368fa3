library(testthat)
library(elsewhere)

test_check("elsewhere")
