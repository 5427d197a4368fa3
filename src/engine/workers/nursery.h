// A pristine R process that forks workers on request, in milliseconds instead
// of the tenth of a second that R takes to start. Every call is made under the
// turn; none blocks. If the nursery dies, its workers live on.
#pragma once

#include <unordered_map>

#include "engine/base/ids.h"
#include "engine/workers/peer.h"

namespace elsewhere {

class NurseryClient {
 public:
  virtual void on_forked(Turn&, Result<Launched> launched) = 0;
  virtual void on_exit_reported(Turn&, const ExitStatus& exit) = 0;

 protected:
  ~NurseryClient() = default;
};

class Nursery final : private PeerListener {
 public:
  Nursery(Turn&, Loop& loop, Launched launched);

  bool is_alive() const { return is_alive_; }  // takes requests
  bool is_gone() const { return is_gone_; }    // its process has ended
  Pid pid() const { return peer_.pid(); }
  // Answers with on_forked(), and later on_exit_reported(), unless the client
  // was dropped in between. `environment` is the worker's, as NAME=value, each
  // ended by a zero byte.
  void fork_worker(Turn&, WorkerId id, SharedParcel environment, NurseryClient& client);
  void drop(Turn&, WorkerId id);
  // The process leaves when its channel closes.
  void close(Turn&);

 private:
  struct Request {
    NurseryClient* client;
    Fd our_channel, our_output;
  };

  void on_packet(Turn&, Packet packet, std::vector<Fd> descriptors) override;
  void on_departed(Turn&, const Departure& departure) override;
  void on_forked(Turn&, WorkerId id, const Packet& packet, std::vector<Fd> descriptors);

  Peer peer_;
  bool is_alive_ = true;
  bool is_gone_ = false;
  std::unordered_map<WorkerId, Request> requested_;
  std::unordered_map<WorkerId, NurseryClient*> forked_;
};

}  // namespace elsewhere
