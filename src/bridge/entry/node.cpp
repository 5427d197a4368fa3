// Nodes of the parallel package: the owner's links to them, and in a node the
// start of a packet. R/backend-nodes.R says how they are used.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "bridge/convert.h"
#include "bridge/entry/entries.h"
#include "bridge/fork/forked_evaluation.h"
#include "bridge/guard.h"
#include "bridge/interrupts.h"
#include "engine/os/socket.h"
#include "engine/tasks/node_task.h"

namespace elsewhere {
namespace {

using SharedLink = std::shared_ptr<NodeLink>;
using std::chrono::milliseconds;

SEXP link_mark() {
  static const SEXP mark = Rf_install("elsewhere_node_link");
  return mark;
}

void drop_link(SEXP handle) {
  auto* link = static_cast<SharedLink*>(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
  delete link;
}

const SharedLink& link_from(SEXP handle) {
  auto* link = TYPEOF(handle) == EXTPTRSXP && R_ExternalPtrTag(handle) == link_mark()
                   ? static_cast<SharedLink*>(R_ExternalPtrAddr(handle))
                   : nullptr;
  if (link == nullptr) {
    throw EngineError({ErrorCode::Closed, "this node belongs to another R process"});
  }
  return *link;
}

const char* name_of(NodeState state) {
  switch (state) {
    case NodeState::Idle: return "idle";
    case NodeState::Busy: return "busy";
    case NodeState::Draining: return "draining";
    case NodeState::Lost: return "lost";
  }
  return "lost";
}

// While a node is draining it has to be asked now and then.
constexpr milliseconds kSlice{200}, kDrainSlice{20};

}  // namespace

// In a node, once: see take_interrupts().
extern "C" SEXP ew_node_take_interrupts() {
  return guard([&](MainThread&) {
    take_interrupts();
    return R_NilValue;
  });
}

// `descriptor` is copied. `sync_call`: see NodeLink.
extern "C" SEXP ew_node_link(SEXP descriptor, SEXP name, SEXP reported_pid, SEXP pid,
                             SEXP tail_bytes, SEXP sync_call) {
  return guard([&](MainThread& main) {
    NodeLink::Spec spec;
    spec.name = string_from(main, name);
    spec.reported_pid = int_from(main, reported_pid);
    spec.pid = int_from(main, pid);
    spec.tail_bytes = static_cast<std::size_t>(int_from(main, tail_bytes));
    spec.sync_call = Bytes({reinterpret_cast<const std::byte*>(RAW(sync_call)),
                            static_cast<std::size_t>(Rf_xlength(sync_call))});
    SEXP handle = PROTECT(r_call(main, [] {
      SEXP made = PROTECT(R_MakeExternalPtr(nullptr, link_mark(), R_NilValue));
      R_RegisterCFinalizerEx(made, drop_link, FALSE);
      UNPROTECT(1);
      return made;
    }));
    Fd socket = or_throw(duplicate(int_from(main, descriptor)));
    send_without_delay(socket.get());
    auto link = std::make_shared<NodeLink>(std::move(socket), std::move(spec));
    R_SetExternalPtrAddr(handle, new SharedLink(std::move(link)));
    UNPROTECT(1);
    return handle;
  });
}

extern "C" SEXP ew_node_state(SEXP link) {
  return guard([&](MainThread& main) {
    NodeLink& node = *link_from(link);
    node.look();
    return r_call(main, [&] { return Rf_mkString(name_of(node.state())); });
  });
}

extern "C" SEXP ew_node_why_lost(SEXP link) {
  return guard([&](MainThread& main) { return to_r(main, link_from(link)->why_lost()); });
}

extern "C" SEXP ew_node_lose(SEXP link, SEXP why) {
  return guard([&](MainThread& main) {
    link_from(link)->lose(string_from(main, why));
    return R_NilValue;
  });
}

// The number that the next task is sent with.
extern "C" SEXP ew_node_next(SEXP link) {
  return guard([&](MainThread& main) {
    const auto next = static_cast<double>(number(link_from(link)->next_number()));
    return r_call(main, [&] { return Rf_ScalarReal(next); });
  });
}

// A task with that number is about to be sent to the node, which is idle.
extern "C" SEXP ew_node_begin(SEXP link, SEXP timeout) {
  return guard([&](MainThread& main) {
    const SharedLink node = link_from(link);
    const auto limit = seconds_from(main, timeout);
    return hold_task(main, [&] { return std::make_unique<NodeTask>(node, limit); });
  });
}

// Waits until one of the nodes is idle, or none can be any more: TRUE; or until
// the time is over: FALSE.
extern "C" SEXP ew_nodes_wait(SEXP links, SEXP timeout) {
  return guard([&](MainThread& main) {
    const Deadline deadline = deadline_in(seconds_from(main, timeout));
    int answer = FALSE;
    for (;;) {
      std::vector<int> descriptors;
      bool is_idle = false, is_draining = false;
      for (R_xlen_t i = 0; i < Rf_xlength(links); ++i) {
        NodeLink& node = *link_from(VECTOR_ELT(links, i));
        node.look();
        if (node.state() == NodeState::Idle) is_idle = true;
        if (node.state() == NodeState::Draining) is_draining = true;
        if (node.state() != NodeState::Lost) descriptors.push_back(node.fd());
      }
      if (is_idle || descriptors.empty()) {
        answer = TRUE;
        break;
      }
      const milliseconds most = is_draining ? kDrainSlice : kSlice;
      const auto left = time_left(deadline);
      if (left && left->count() == 0) break;
      // A signal ends the wait, and R is asked next.
      (void)wait_any_readable(descriptors, left ? std::min(*left, most) : most);
      r_call(main, [] { R_CheckUserInterrupt(); });
    }
    return r_call(main, [&] { return Rf_ScalarLogical(answer); });
  });
}

// In a node: what is sent through sockets that lead to `port` leaves at once.
extern "C" SEXP ew_sockets_no_delay(SEXP port) {
  return guard([&](MainThread& main) {
    const auto wanted = static_cast<std::uint16_t>(int_from(main, port));
    for (const int fd : quiet_tcp_sockets(wanted, PortOf::Peer)) send_without_delay(fd);
    return R_NilValue;
  });
}

// In a node: the header of a packet, as raw bytes. `kind`: "started",
// "event", "result", "failed" (a result whose body is a message) or "synced".
extern "C" SEXP ew_node_header(SEXP kind, SEXP task, SEXP body_bytes) {
  return guard([&](MainThread& main) {
    const std::string word = string_from(main, kind);
    PacketHeader header;
    header.kind = word == "event"     ? PacketKind::Event
                  : word == "started" ? PacketKind::Ready
                  : word == "synced"  ? PacketKind::Synced
                                      : PacketKind::Result;
    header.flag = word == "failed" ? PacketFlag::Failed : PacketFlag::None;
    header.task = TaskId{static_cast<std::uint64_t>(number_from(main, task))};
    header.body_bytes = static_cast<std::uint64_t>(number_from(main, body_bytes));
    const auto bytes = encode_header(header);
    SEXP out = r_call(main, [] { return Rf_allocVector(RAWSXP, kHeaderBytes); });
    std::memcpy(RAW(out), bytes.data(), bytes.size());
    return out;
  });
}

}  // namespace elsewhere
