// How an idle worker ends.
#pragma once

namespace elsewhere {

// R starts a shell to remove the temporary directory, which takes longer than the
// rest of its end. From now on a worker whose console has ended removes it itself;
// any other end is R's own.
void replace_clean_up();
void note_end_of_console();

}  // namespace elsewhere
