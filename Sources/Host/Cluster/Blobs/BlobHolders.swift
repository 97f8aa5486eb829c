import DequeModule
import FanfoldBlobs
import FanfoldCore
import FanfoldWire
import Synchronization

/// Which workers have which blobs, as far as the coordinator was told: hints for workers that need
/// one, which ask the coordinator itself when a hint is no good.
final class BlobHolders: Sendable {
    /// Blobs whose holders are remembered; the ones that were noted first go first.
    static let blobs = 65_536
    /// Holders of a blob that are remembered.
    static let holdersPerBlob = 8
    /// Holders that an order names.
    static let offered = 4

    private struct State {
        var holders: [BlobID: [WorkerID]] = [:]
        var order: Deque<BlobID> = []
        /// Where workers that are connected serve blobs; looked up only.
        var peers: [WorkerID: Peer] = [:]
        var turn = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int = BlobHolders.blobs) { self.limit = limit }

    /// A worker is connected and says where others may fetch blobs from it.
    ///
    /// - Parameters:
    ///   - said: what it said; an address that makes no sense is as good as none.
    ///   - mustBeLoopback: whether workers know each other by a token that must not leave the machine.
    func enter(_ worker: WorkerID, uid: String, said: String, mustBeLoopback: Bool) {
        var peer: Peer?
        if said.utf8.count <= PeerLimits.addressBytes, let address = try? WireAddress(said),
            case .host(_, let port) = address, port > 0, address.isLoopback || !mustBeLoopback
        {
            peer = Peer(uid: uid, address: address)
        }
        state.withLock { $0.peers[worker] = peer }
    }

    /// Where a worker that is connected serves blobs; `nil` if nowhere.
    func address(of worker: WorkerID) -> WireAddress? {
        state.withLock { $0.peers[worker]?.address }
    }

    /// A worker is not connected any more: what it has is remembered, and not offered.
    func leave(_ worker: WorkerID) { state.withLock { $0.peers[worker] = nil } }

    /// A worker has a blob.
    func note(_ blob: BlobID, on worker: WorkerID) {
        state.withLock { state in
            guard state.peers[worker] != nil else { return }
            guard var known = state.holders[blob] else {
                state.holders[blob] = [worker]
                state.order.append(blob)
                if state.order.count > limit, let first = state.order.popFirst() {
                    state.holders[first] = nil
                }
                return
            }
            guard !known.contains(worker) else { return }
            if known.count >= Self.holdersPerBlob { known.removeFirst() }
            known.append(worker)
            state.holders[blob] = known
        }
    }

    /// Whom a worker may ask for a blob, others each time if there are many.
    func holders(of blob: BlobID, for worker: WorkerID) -> [WireHolder] {
        state.withLock { state in
            let known = (state.holders[blob] ?? []).filter { $0 != worker }
                .compactMap { state.peers[$0] }
            guard !known.isEmpty else { return [] }
            state.turn = (state.turn + 1) % (1 << 20)
            let first = known.count > Self.offered ? state.turn % known.count : 0
            return (0..<min(known.count, Self.offered)).map { place in
                let peer = known[(first + place) % known.count]
                var holder = WireHolder()
                holder.workerUid = peer.uid
                holder.address = peer.address.description
                return holder
            }
        }
    }

    /// Blobs whose holders are known.
    var count: Int { state.withLock { $0.order.count } }
}
