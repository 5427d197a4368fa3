// How an idle worker ends. R starts a shell to remove the temporary directory, which
// takes longer than the rest of its end; a worker whose console has ended removes it
// itself. Any other end is R's own.
#pragma once

namespace elsewhere {

void note_end_of_console();
// What R's front end asks for; see elsewhere_console.
extern "C" int ends_plainly(int asks_default);
extern "C" void remove_own_directory(const char* path);

}  // namespace elsewhere
