// A packet to the other end of a channel and back, the other end being a thread
// that waits as a worker does.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <thread>

#include "engine/os/socket.h"
#include "engine/workers/channel.h"
#include "engine/workers/parcel.h"

namespace elsewhere {
namespace {

// Sends back every packet until the channel closes.
void echo(Channel& channel) {
  for (;;) {
    auto packet = channel.wait_packet({});
    if (!packet.ok()) return;
    const PacketHeader header = header_of(*packet.value());
    if (!channel.send(header, std::move(packet.value()->body)).ok()) return;
    if (!channel.wait_sent({}).ok()) return;
  }
}

void channel_round_trip(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  auto ends = std::move(socket_pair().value());
  Channel near(std::move(ends.first));
  Channel far(std::move(ends.second));
  std::thread other([&far] { echo(far); });
  for (auto _ : state) {
    Bytes body(size);
    if (size > 0) std::fill_n(body.data(), size, std::byte{1});
    const PacketHeader header{PacketKind::Run, PacketFlag::None, TaskId{1}, size};
    if (!near.send(header, std::move(body)).ok() || !near.wait_packet({}).ok()) {
      state.SkipWithError("the channel is closed");
      break;
    }
  }
  near.close();
  other.join();
  state.SetBytesProcessed(2 * static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(channel_round_trip)->Arg(0)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20)->UseRealTime();

// A value written by one end and read by the other, as one whole: through shared
// memory, whose descriptor is sent, beside the same bytes through the socket.
enum class Way { Segment, Socket };

Parcel written(std::span<const std::byte> value, Way way) {
  if (way == Way::Socket) return Parcel(Bytes(value));
  ParcelWriter writer;
  if (!writer.append(value).ok()) return {};
  return std::move(writer.finish().value());
}

bool read_back(const Parcel& parcel, std::span<std::byte> into) {
  if (parcel.size_bytes() != into.size()) return false;
  ParcelReader reader(parcel);
  return reader.read(into).ok();
}

bool transfer(Channel& near, Channel& far, std::span<const std::byte> value,
              std::span<std::byte> into, Way way) {
  Parcel parcel = written(value, way);
  std::vector<int> descriptors;
  if (parcel.segment()) descriptors.push_back(parcel.segment()->fd_to_send());
  const PacketHeader header{PacketKind::Run, parcel.flag(), TaskId{1}, parcel.body().size()};
  if (!near.send(header, Bytes(parcel.body()), descriptors).ok()) return false;
  std::thread sender([&near] { (void)near.wait_sent({}); });
  auto packet = far.wait_packet({});
  sender.join();
  if (!packet.ok() || !packet.value()) return false;
  const auto received = Parcel::unpack(std::move(*packet.value()), far.take_fds());
  return received.ok() && read_back(received.value(), into);
}

void move_value(benchmark::State& state, Way way) {
  const auto size = static_cast<std::size_t>(state.range(0)) << 20;
  Bytes value(size);
  Bytes into(size);
  std::fill_n(value.data(), size, std::byte{1});
  std::fill_n(into.data(), size, std::byte{0});
  auto ends = std::move(socket_pair().value());
  Channel near(std::move(ends.first));
  Channel far(std::move(ends.second));
  for (auto _ : state) {
    if (!transfer(near, far, value.span(), into.span(), way)) {
      state.SkipWithError("the value did not arrive");
      break;
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(size));
}
// The argument is in MiB.
BENCHMARK_CAPTURE(move_value, segment, Way::Segment)
    ->RangeMultiplier(10)
    ->Range(1, 100)
    ->UseRealTime();
BENCHMARK_CAPTURE(move_value, socket, Way::Socket)
    ->RangeMultiplier(10)
    ->Range(1, 100)
    ->UseRealTime();

}  // namespace
}  // namespace elsewhere
