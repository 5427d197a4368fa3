# What travels to workers, made when the package is built: compiling it takes a
# tenth of a second. The files that define the functions come before this one.

shipped <- list(
  evaluator = evaluator_functions(),
  framework = framework_functions(),
  # As bytes: a nursery's sessions need not decode them, and have them anyway.
  session = serialize(session_functions(), NULL, xdr = FALSE),
  cluster = cluster_functions(),
  node = node_functions()
)
