#include "bridge/worker/console_capture.h"

#include <cstdio>

#define R_INTERFACE_PTRS
#include <Rinterface.h>

#include <new>
#include <utility>

namespace elsewhere {
namespace {

// R's hook has no place for an argument, so what belongs to the one capture that
// runs is here.
std::string captured;
ConsoleCapture::Take taker;
bool is_any_running = false;
FILE* output_before = nullptr;
void (*write_before)(const char*, int) = nullptr;
void (*write_extended_before)(const char*, int, int) = nullptr;

// Called in R's C frames: nothing may be thrown through them.
void catch_output(const char* text, int length, int) {
  try {
    captured.append(text, static_cast<std::size_t>(length));
    if (taker && captured.find('\n') != std::string::npos) taker(std::exchange(captured, {}));
    return;
  } catch (const std::bad_alloc&) {
  }
  Rf_error("not enough memory to keep the output");
}

}  // namespace

bool ConsoleCapture::begin(Take take) {
  if (is_any_running) return false;
  captured.clear();
  taker = std::move(take);
  output_before = std::exchange(R_Outputfile, nullptr);
  write_before = std::exchange(ptr_R_WriteConsole, nullptr);
  write_extended_before = std::exchange(ptr_R_WriteConsoleEx, catch_output);
  is_running_ = is_any_running = true;
  return true;
}

std::string ConsoleCapture::end() {
  if (!is_running_) return {};
  R_Outputfile = output_before;
  ptr_R_WriteConsole = write_before;
  ptr_R_WriteConsoleEx = write_extended_before;
  is_running_ = is_any_running = false;
  const Take take = std::exchange(taker, {});
  if (take && !captured.empty()) take(std::exchange(captured, {}));
  return std::exchange(captured, {});
}

void flush_streams() {
  std::fflush(stdout);
  std::fflush(stderr);
}

}  // namespace elsewhere
