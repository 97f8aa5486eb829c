/// A pool's workers as they would be: work is packed on copies of their ledgers.
struct Projection {
    /// One worker's room.
    struct Room {
        var name: String
        var pool: Int
        var isSpot: Bool
        var ledger: Ledger
    }

    private(set) var rooms: [Room] = []
    private var nextSlot: UInt32 = 0

    /// Adds a worker that has nothing to do.
    mutating func add(_ name: String, pool: Int, offering: ScalingOffering) {
        let ledger = Ledger(total: offering.resources, labels: offering.labels)
        rooms.append(
            Room(name: name, pool: pool, isSpot: offering.isSpot, ledger: ledger))
    }

    mutating func remove(_ name: String) {
        rooms.removeAll { $0.name == name }
    }

    /// Reserves on one worker what already runs there.
    mutating func occupy(_ name: String, with running: [ScalingDemand]) {
        guard let room = rooms.firstIndex(where: { $0.name == name }) else { return }
        for demand in running { _ = fill(room, demand.request, demand.count) }
    }

    /// Packs on the fullest first, so that others can become empty.
    ///
    /// - Parameter isSteady: Only on workers that are not taken back.
    /// - Returns: How many found no room.
    mutating func pack(
        _ request: ResourceRequest, count: Int, isSteady: Bool = false
    ) -> Int {
        var left = count
        // Each is looked at once: a sort looks at each many times.
        let uses = rooms.indices.map { use(of: $0) }
        let order = rooms.indices.sorted {
            uses[$0] == uses[$1] ? $0 < $1 : uses[$0] > uses[$1]
        }
        for room in order where left > 0 && !(isSteady && rooms[room].isSpot) { left -= fill(room, request, left) }
        return left
    }

    private mutating func fill(_ room: Int, _ request: ResourceRequest, _ count: Int) -> Int {
        var done = 0
        while done < min(count, Limits.slotsPerWorkerAndShape) {
            let slot = SlotID(index: nextSlot, generation: 0)
            guard rooms[room].ledger.reserve(request, by: slot) else { break }
            nextSlot += 1
            done += 1
        }
        return done
    }

    /// The largest used share of a worker over all dimensions.
    private func use(of room: Int) -> Double {
        let ledger = rooms[room].ledger
        let used = ResourceAmount(ledger.total) - ResourceAmount(ledger.free)
        return used.dominantShare(of: ResourceAmount(ledger.total))
    }

    /// Workers of the pool that would be fully busy.
    func load(of pool: Int) -> Double {
        rooms.indices.reduce(0) { $0 + (rooms[$1].pool == pool ? use(of: $1) : 0) }
    }

    func count(of pool: Int) -> Int { rooms.count { $0.pool == pool } }
}
