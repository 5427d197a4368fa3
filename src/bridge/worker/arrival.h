// The last step of a worker's start: what was set to make the process start as a
// worker is not for the processes that it starts. R's main thread.
#pragma once

#include <string>
#include <vector>

namespace elsewhere {

struct Arrival {
  std::string preamble;      // R code, to be run before the user's profile
  std::string user_profile;  // a file, or empty
};
// Takes the variables of the start out of the environment, and puts those back
// that they have hidden.
Arrival arrive();

// In a session that a nursery has forked: makes the environment what it would be
// had R started with `given`. `own` is the nursery's, after its start. Returns the
// temporary directory that its owner has made for it.
std::string start_environment(const std::vector<std::string>& given,
                              const std::vector<std::string>& own);

// Evaluates R code in base. false after an error, which R has printed unless it
// shall be silent.
enum class Errors { Shown, Silent };
bool run_preamble(const std::string& code, Errors errors);

// Sets these variables and no others.
void replace_environment(const std::vector<std::string>& entries);
void add_environment(const std::vector<std::string>& entries);

}  // namespace elsewhere
