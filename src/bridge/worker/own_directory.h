// How a worker comes to the temporary directory that its owner has made for it.
// R's main thread.
#pragma once

#include <string>

namespace elsewhere {

// Where R keeps the path of its own; empty before there is one.
std::string temporary_directory();

// Takes the directory out of the environment, where TMPDIR then is what it is for
// the worker's code. Empty when there is none.
std::string take_own_directory();

// For an R that was started with it: R's directory is inside, and moves to its
// place.
void move_into_directory(const std::string& path);

// For a fork, whose former directory is gone: R makes a new one and moves. An
// empty path lets R choose. Ends this process when its owner has removed `path`.
void renew_directory(const std::string& path);

}  // namespace elsewhere
