#include "bridge/serialize.h"

#include <cstdint>
#include <cstring>
#include <new>

#include "bridge/guard.h"
#include "bridge/r_api.h"
#include "bridge/serialize_plain.h"

namespace elsewhere {
namespace {

constexpr int kSerializationVersion = 3;

// Where a serialized value goes: into memory, or into a parcel.
struct Sink {
  Bytes* bytes;
  ParcelWriter* parcel;
  OnReference on_reference;
  bool is_refused = false;
  LiveReferences references = {};
  char failure[256] = "";
};

// false with `failure` filled in. Never throws.
bool put(Sink& sink, std::span<const std::byte> bytes) noexcept {
  const char* why = "not enough memory to serialize the value";
  try {
    if (sink.bytes != nullptr) {
      sink.bytes->append(bytes);
      return true;
    }
    const auto status = sink.parcel->append(bytes);
    if (status.ok()) return true;
    std::strncpy(sink.failure, status.error().message.c_str(), sizeof sink.failure - 1);
    return false;
  } catch (const std::bad_alloc&) {
    std::strncpy(sink.failure, why, sizeof sink.failure - 1);
    return false;
  }
}

// The callbacks run inside R's C frames: they may jump by R's own error, never
// by a C++ exception.
void put_bytes(R_outpstream_t stream, void* data, int count) {
  auto* sink = static_cast<Sink*>(stream->data);
  if (sink->is_refused) return;
  const auto* bytes = static_cast<const std::byte*>(data);
  if (!put(*sink, {bytes, static_cast<std::size_t>(count)})) Rf_error("%s", sink->failure);
}

void put_char(R_outpstream_t stream, int character) {
  auto byte = static_cast<unsigned char>(character);
  put_bytes(stream, &byte, 1);
}

// R asks this for every reference object; the answer nil means "as usual". An R
// error here would reach the user's handlers before ours, so the refusal waits
// until R is done.
SEXP look_at_reference(SEXP value, SEXP sink_pointer) {
  auto* sink = static_cast<Sink*>(R_ExternalPtrAddr(sink_pointer));
  if (sink->on_reference == OnReference::Refuse && sink->references.is_live(value)) {
    sink->is_refused = true;
  }
  return R_NilValue;
}

// Where it comes from again.
struct Source {
  std::span<const std::byte> bytes;
  ParcelReader* parcel;
};

bool take(ParcelReader& parcel, std::span<std::byte> into) noexcept {
  try {
    return parcel.read(into).ok();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void take_bytes(R_inpstream_t stream, void* into, int count) {
  auto* source = static_cast<Source*>(stream->data);
  const std::span wanted(static_cast<std::byte*>(into), static_cast<std::size_t>(count));
  if (source->parcel != nullptr) {
    if (!take(*source->parcel, wanted)) Rf_error("a large value could not be read back");
    return;
  }
  if (wanted.size() > source->bytes.size()) Rf_error("the serialized value is cut short");
  std::memcpy(into, source->bytes.data(), wanted.size());
  source->bytes = source->bytes.subspan(wanted.size());
}

int take_char(R_inpstream_t stream) {
  unsigned char byte;
  take_bytes(stream, &byte, 1);
  return byte;
}

}  // namespace

SEXP handle_tag() {
  static SEXP tag = Rf_install("elsewhere_handle");
  return tag;
}

namespace {

// Each definition of a class, and with it each object of a reference class, has a
// key of its version: a pointer to a function of the methods package, the same for
// all. Null while that package is not loaded. Found once.
const void* class_version_key() {
  static const void* found = nullptr;
  if (found != nullptr) return found;
  SEXP methods = loaded_namespace(Rf_install("methods"));
  if (TYPEOF(methods) != ENVSXP) return nullptr;
  SEXP call = PROTECT(Rf_lang1(Rf_install(".newExternalptr")));
  int failed = 0;
  SEXP key = R_tryEvalSilent(call, methods, &failed);
  if (failed == 0 && TYPEOF(key) == EXTPTRSXP) found = R_ExternalPtrAddr(key);
  UNPROTECT(1);
  return found;
}

}  // namespace

SEXP index_of_fastmap(SEXP env) {
  static SEXP package = Rf_install("fastmap"), name = Rf_install("key_idx_map");
  const SEXP home = loaded_namespace(package);
  if (home == R_UnboundValue || parent_of(env) != home) return nullptr;
  const SEXP index = slot_in(env, name).value;
  return index != nullptr && TYPEOF(index) == EXTPTRSXP ? index : nullptr;
}

bool LiveReferences::is_live(SEXP value) {
  if (TYPEOF(value) == ENVSXP) {
    if (const SEXP index = index_of_fastmap(value)) index_ = index;
    return false;
  }
  if (TYPEOF(value) == WEAKREFSXP) return true;
  if (TYPEOF(value) != EXTPTRSXP || R_ExternalPtrAddr(value) == nullptr) return false;
  // A pool or task of ours: dead elsewhere it says so itself, and futures that
  // hold one may travel.
  if (R_ExternalPtrTag(value) == handle_tag()) return false;
  if (value == inside_mark_ || value == index_ || R_ExternalPtrAddr(value) == class_version_key())
    return false;
  // data.table marks its tables with a pointer to nothing, which holds one to the
  // table itself; it checks the mark and renews it after a copy.
  const bool is_table_mark =
      R_ExternalPtrAddr(value) == R_NilValue && TYPEOF(R_ExternalPtrProtected(value)) == EXTPTRSXP;
  if (is_table_mark) inside_mark_ = R_ExternalPtrProtected(value);
  return !is_table_mark;
}

namespace {

void serialize(MainThread& main, SEXP value, Sink& sink) {
  r_call(main, [&] {
    SEXP pointer = PROTECT(R_MakeExternalPtr(&sink, R_NilValue, R_NilValue));
    R_outpstream_st stream;
    R_InitOutPStream(&stream, reinterpret_cast<R_pstream_data_t>(&sink), R_pstream_binary_format,
                     kSerializationVersion, put_char, put_bytes, look_at_reference, pointer);
    R_Serialize(value, &stream);
    UNPROTECT(1);
  });
  if (sink.is_refused) {
    throw EngineError({ErrorCode::CannotTravel, "an external pointer cannot travel"});
  }
}

SEXP unserialize(MainThread& main, Source& source) {
  return r_call(main, [&] {
    R_inpstream_st stream;
    R_InitInPStream(&stream, reinterpret_cast<R_pstream_data_t>(&source), R_pstream_binary_format,
                    take_char, take_bytes, nullptr, R_NilValue);
    return R_Unserialize(&stream);
  });
}

}  // namespace

Bytes to_bytes(MainThread& main, SEXP value, OnReference on_reference) {
  if (auto plain = serialize_plain(value)) return std::move(*plain);
  Bytes bytes;
  Sink sink{&bytes, nullptr, on_reference};
  serialize(main, value, sink);
  return bytes;
}

Parcel to_parcel(MainThread& main, SEXP value, OnReference on_reference) {
  ParcelWriter parcel;
  if (const auto plain = serialize_plain(value)) {
    or_throw(parcel.append(plain->span()));
    return or_throw(parcel.finish());
  }
  Sink sink{nullptr, &parcel, on_reference};
  serialize(main, value, sink);
  return or_throw(parcel.finish());
}

SEXP from_bytes(MainThread& main, std::span<const std::byte> bytes) {
  Source source{bytes, nullptr};
  return unserialize(main, source);
}

SEXP from_parcel(MainThread& main, const Parcel& parcel) {
  ParcelReader reader(parcel);
  Source source{{}, &reader};
  return unserialize(main, source);
}

namespace {

SEXP unserialize_from(void* source) {
  R_inpstream_st stream;
  R_InitInPStream(&stream, static_cast<R_pstream_data_t>(source), R_pstream_binary_format,
                  take_char, take_bytes, nullptr, R_NilValue);
  return R_Unserialize(&stream);
}

// Given the condition; its message is of this attempt.
SEXP note_failure(SEXP condition, void* failure) {
  static_cast<SEXP*>(failure)[0] = condition;
  return R_NilValue;
}

}  // namespace

Attempt try_from_parcel(MainThread& main, const Parcel& parcel) {
  ParcelReader reader(parcel);
  Source source{{}, &reader};
  SEXP condition = R_NilValue;
  const char* text = nullptr;
  SEXP value = r_call(main, [&] {
    SEXP out = R_tryCatchError(unserialize_from, &source, note_failure, &condition);
    if (condition == R_NilValue) return out;
    SEXP message = VECTOR_ELT(condition, 0);
    text = Rf_isString(message) ? Rf_translateCharUTF8(STRING_ELT(message, 0)) : "unknown error";
    return R_NilValue;
  });
  return {value, text == nullptr ? "" : text};
}

Bytes serialized_raw(std::span<const std::byte> bytes) {
  constexpr std::int32_t kRaw = 24;
  Bytes out;
  const auto put_number = [&](std::int32_t number) {
    out.append(std::as_bytes(std::span(&number, 1)));
  };
  put_stream_header(out);
  put_number(kRaw);
  put_number(static_cast<std::int32_t>(bytes.size()));
  out.append(bytes);
  return out;
}

}  // namespace elsewhere
