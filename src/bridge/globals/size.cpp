#include "bridge/globals/size.h"

#include "bridge/guard.h"
#include "bridge/serialize.h"

namespace elsewhere {
namespace {

constexpr int kSerializationVersion = 3;

struct Tally {
  std::uint64_t bytes = 0;
  bool has_reference = false;
  LiveReferences references = {};
};

void count_bytes(R_outpstream_t stream, void*, int count) {
  reinterpret_cast<Tally*>(stream->data)->bytes += static_cast<std::uint64_t>(count);
}

void count_char(R_outpstream_t stream, int) { count_bytes(stream, nullptr, 1); }

// Asked for every reference object; the answer nil means "as usual". Going on to
// the end is cheap here, and leaves no error for the user's handlers to see.
SEXP note_reference(SEXP value, SEXP tally_pointer) {
  auto* tally = static_cast<Tally*>(R_ExternalPtrAddr(tally_pointer));
  if (tally->references.is_live(value)) tally->has_reference = true;
  return R_NilValue;
}

Tally tally_of(MainThread& main, SEXP value) {
  Tally tally;
  r_call(main, [&] {
    SEXP pointer = PROTECT(R_MakeExternalPtr(&tally, R_NilValue, R_NilValue));
    R_outpstream_st stream;
    R_InitOutPStream(&stream, reinterpret_cast<R_pstream_data_t>(&tally), R_pstream_binary_format,
                     kSerializationVersion, count_char, count_bytes, note_reference, pointer);
    R_Serialize(value, &stream);
    UNPROTECT(1);
  });
  return tally;
}

}  // namespace

std::uint64_t serialized_bytes(MainThread& main, SEXP value) { return tally_of(main, value).bytes; }

bool can_travel(MainThread& main, SEXP value) { return !tally_of(main, value).has_reference; }

}  // namespace elsewhere
