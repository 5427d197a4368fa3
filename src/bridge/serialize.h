// R values to bytes and back: R's own binary serialization, version 3, in the
// machine's byte order.
#pragma once

#include <Rinternals.h>

#include <span>
#include <string>

#include "bridge/main_thread.h"
#include "engine/base/bytes.h"
#include "engine/workers/parcel.h"

namespace elsewhere {

// What to do with an external pointer or weak reference that is alive. Such a
// value arrives dead on the other side, so by default it does not leave.
enum class OnReference { Refuse, Allow };

// A value ready for a task: in shared memory when it is large. Throws as below.
Parcel to_parcel(MainThread& main, SEXP value, OnReference on_reference = OnReference::Refuse);
// The result is not protected.
SEXP from_parcel(MainThread& main, const Parcel& parcel);

// The value, or what R says of why it cannot take it: mostly that there is no memory
// for it. Neither is protected. Costs some microseconds more.
struct Attempt {
  SEXP value;
  std::string failure = {};
};
Attempt try_from_parcel(MainThread& main, const Parcel& parcel);

// Throws EngineError (CannotTravel) for a value that may not travel.
Bytes to_bytes(MainThread& main, SEXP value, OnReference on_reference = OnReference::Refuse);

// The result is not protected.
SEXP from_bytes(MainThread& main, std::span<const std::byte> bytes);

// The tag of external pointers that may travel and are dead where they arrive.
SEXP handle_tag();

// A fastmap, and so what memoise() and cachem make, is functions around an
// environment with a pointer, its index. It builds that anew where it finds it dead.
// Null for any other environment.
SEXP index_of_fastmap(SEXP env);

// Tells the external pointers and weak references that mean something, in the
// order in which one serialization comes upon them (data.table's marks aside,
// which data.table renews by itself).
class LiveReferences {
 public:
  bool is_live(SEXP value);

 private:
  SEXP inside_mark_ = nullptr;  // what the mark seen last holds
  SEXP index_ = nullptr;        // of the fastmap seen last
};

// A raw vector as R would serialize it, without R. At most 2^31 - 1 bytes.
Bytes serialized_raw(std::span<const std::byte> bytes);

}  // namespace elsewhere
