#include "engine/wire/nursery_body.h"

#include <cstring>

namespace elsewhere {
namespace {

template <class Body>
Bytes copied_out(const Body& body) {
  Bytes bytes(sizeof body);
  std::memcpy(bytes.data(), &body, sizeof body);
  return bytes;
}

template <class Body>
std::optional<Body> copied_in(std::span<const std::byte> bytes) {
  if (bytes.size() != sizeof(Body)) return {};
  Body body;
  std::memcpy(static_cast<void*>(&body), bytes.data(), sizeof body);
  return body;
}

}  // namespace

Bytes encode(const ForkedBody& body) { return copied_out(body); }
Bytes encode(const ExitedBody& body) { return copied_out(body); }
Bytes encode(const SignalBody& body) { return copied_out(body); }
Bytes encode(const VitalsBody& body) { return copied_out(body); }

std::optional<ForkedBody> decode_forked(std::span<const std::byte> bytes) {
  return copied_in<ForkedBody>(bytes);
}
std::optional<ExitedBody> decode_exited(std::span<const std::byte> bytes) {
  return copied_in<ExitedBody>(bytes);
}
std::optional<SignalBody> decode_signal(std::span<const std::byte> bytes) {
  return copied_in<SignalBody>(bytes);
}
std::optional<VitalsBody> decode_vitals(std::span<const std::byte> bytes) {
  return copied_in<VitalsBody>(bytes);
}

}  // namespace elsewhere
