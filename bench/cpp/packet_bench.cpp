// What it costs to write and to read a packet's bytes, without a socket.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>

#include "engine/wire/packet.h"
#include "engine/wire/packet_reader.h"

namespace elsewhere {
namespace {

Packet packet_of(std::size_t body_bytes) {
  Packet packet{PacketKind::Run, PacketFlag::None, TaskId{7}, Bytes(body_bytes)};
  std::fill_n(packet.body.data(), body_bytes, std::byte{1});
  return packet;
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

void encode_packet(benchmark::State& state) {
  const Packet packet = packet_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(encode(packet).data());
  count_bytes(state);
}
BENCHMARK(encode_packet)->Arg(64)->Arg(64 << 10)->Arg(1 << 20);

void decode_packet(benchmark::State& state) {
  const Bytes bytes = encode(packet_of(static_cast<std::size_t>(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(decode(bytes.span()).value()->consumed_bytes);
  count_bytes(state);
}
BENCHMARK(decode_packet)->Arg(64)->Arg(64 << 10)->Arg(1 << 20);

// As the I/O thread reads: exactly the bytes that the reader wants.
void read_packet(benchmark::State& state) {
  const Bytes bytes = encode(packet_of(static_cast<std::size_t>(state.range(0))));
  PacketReader reader;
  for (auto _ : state) {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto into = reader.wanted();
      std::memcpy(into.data(), bytes.data() + at, into.size());
      at += into.size();
      benchmark::DoNotOptimize(reader.advance(into.size()).ok());
    }
  }
  count_bytes(state);
}
BENCHMARK(read_packet)->Arg(64)->Arg(64 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace elsewhere
