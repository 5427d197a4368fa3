#include "bridge/globals/size.h"

#include "bridge/guard.h"

namespace elsewhere {
namespace {

constexpr int kSerializationVersion = 3;

void count_bytes(R_outpstream_t stream, void*, int count) {
  *reinterpret_cast<std::uint64_t*>(stream->data) += static_cast<std::uint64_t>(count);
}

void count_char(R_outpstream_t stream, int) { count_bytes(stream, nullptr, 1); }

}  // namespace

std::uint64_t serialized_bytes(MainThread& main, SEXP value) {
  std::uint64_t total = 0;
  r_call(main, [&] {
    R_outpstream_st stream;
    R_InitOutPStream(&stream, reinterpret_cast<R_pstream_data_t>(&total), R_pstream_binary_format,
                     kSerializationVersion, count_char, count_bytes, nullptr, R_NilValue);
    R_Serialize(value, &stream);
  });
  return total;
}

}  // namespace elsewhere
