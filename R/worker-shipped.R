# What travels to workers, made when the package is built: compiling it takes a
# tenth of a second. The files that define the functions come before this one.

shipped <- list(
  evaluator = evaluator_functions(),
  framework = framework_functions(),
  session = session_functions(),
  cluster = cluster_functions()
)
