/// What of a worker's free capacity typical requests could still use.
///
/// For a request `t`, a worker's GPUs with enough free are usable if it has as many as `t` wants,
/// the cores and the memory, and a label that `t` accepts:
///
/// * `usable(t)` is the free share of those GPUs, in thousandths of a GPU: what is not usable is
///   the fragmentation of the source below, where `t` is without memory.
/// * `room(t)` is how many of `t` fit at a time, as the scarcest of cores, memory and GPUs has it;
///   `room(t)^(3/4)` is what it is worth, since the first to fit matters more than the tenth.
///
/// Source: Q. Weng et al., "Beware of fragmentation: scheduling GPU-sharing workloads with
/// fragmentation gradient descent", USENIX ATC 2023, for `usable`.
struct UsableCapacity: Sendable {
    /// A typical request, taken apart.
    private struct Row: Sendable {
        var milliCores: Int64
        var memoryBytes: Int64
        var share: Double
        /// What room for one counts: its share, its GPUs and how scarce workers for it are.
        var weight: Double
    }

    /// What a set of devices offers a typical request.
    private struct Offer: Sendable {
        var usable: Float
        var room: Int32
    }

    private var rows: [Row] = []
    private var requests: [PlacementRequest] = []
    private var offers: ContiguousArray<Offer> = []
    /// By set of devices, where its offers begin; -1 if they are not made.
    private var offersOf: ContiguousArray<Int32> = []
    /// By kind of worker and row, whether it is accepted.
    private var accepted: ContiguousArray<Bool> = []
    private var kinds = 0
    /// `n` to the power of 3/4, the room that is worth so much.
    private var worth: [Double] = []

    init() {
        worth = (0...Limits.slotsPerWorkerAndShape).map {
            let root = Double($0).squareRoot()
            return root * root.squareRoot()
        }
    }

    /// Begins anew with other typical requests.
    mutating func reset(_ typical: TypicalRequests) {
        let list = typical.list.filter { $0.request.resources.devices > 0 }
        requests = list.map(\.request)
        rows = list.map { typical in
            let request = typical.request
            let scarcity = typical.scarcity
            return Row(
                milliCores: request.resources.milliCores,
                memoryBytes: request.resources.memoryBytes, share: typical.share,
                weight: typical.share * scarcity * scarcity.squareRoot()
                    * Double(request.allDeviceMilli))
        }
        offers.removeAll(keepingCapacity: true)
        offersOf.removeAll(keepingCapacity: true)
        accepted.removeAll(keepingCapacity: true)
        kinds = 0
    }

    /// What typical requests can use of a state.
    ///
    /// - Returns: `usable`, weighted by shares, in thousandths of a GPU; and `room`, each request
    ///   weighted by what it takes and by how few workers could take it.
    mutating func value(
        of state: NodeState, in sets: DeviceSets, kinds: [NodeKind]
    ) -> (usable: Double, room: Double) {
        guard !rows.isEmpty, state.devices != 0 else { return (0, 0) }
        let offer = offersBegin(state.devices, in: sets)
        let accept = acceptBegins(Int(state.kind), kinds)
        var usable = 0.0
        var room = 0.0
        for row in rows.indices where accepted[accept + row] {
            let offered = offers[offer + row]
            guard offered.room > 0, rows[row].milliCores <= state.milliCores,
                rows[row].memoryBytes <= state.memoryBytes
            else { continue }
            usable += rows[row].share * Double(offered.usable)
            var fits = Double(offered.room)
            if offered.room > 1 {
                fits = min(fits, Self.ratio(state.milliCores, rows[row].milliCores))
                fits = min(fits, Self.ratio(state.memoryBytes, rows[row].memoryBytes))
            }
            room += rows[row].weight * worth[Int(fits)]
        }
        return (usable, room)
    }

    private static func ratio(_ free: Int64, _ wanted: Int64) -> Double {
        wanted > 0 ? (Double(free) / Double(wanted)).rounded(.down) : .infinity
    }

    private mutating func offersBegin(_ set: Int32, in sets: DeviceSets) -> Int {
        while offersOf.count <= Int(set) { offersOf.append(-1) }
        let known = offersOf[Int(set)]
        if known >= 0 { return Int(known) }
        let begin = offers.count
        offersOf[Int(set)] = Int32(begin)
        for request in requests {
            offers.append(Self.offer(of: sets[set], to: request.resources))
        }
        return begin
    }

    private static func offer(of devices: [DeviceVector], to request: ResourceRequest) -> Offer {
        var usable: Int64 = 0
        var parts: Int64 = 0
        var able = 0
        for device in devices where device.milli >= request.deviceMilli {
            guard device.memoryBytes >= request.deviceMemoryBytes else { continue }
            able += 1
            usable += device.milli
            let share = device.milli / request.deviceMilli
            parts +=
                request.deviceMemoryBytes > 0
                ? min(share, device.memoryBytes / request.deviceMemoryBytes) : share
        }
        guard able >= request.devices else { return Offer(usable: 0, room: 0) }
        let room = min(parts / Int64(request.devices), Int64(Limits.slotsPerWorkerAndShape))
        return Offer(usable: Float(usable), room: Int32(room))
    }

    private mutating func acceptBegins(_ kind: Int, _ kinds: [NodeKind]) -> Int {
        while self.kinds <= kind {
            let labels = kinds[self.kinds].labels
            for request in requests { accepted.append(request.accepts(labels)) }
            self.kinds += 1
        }
        return kind * rows.count
    }
}

/// A kind of worker: what it has in all.
struct NodeKind: Hashable, Sendable {
    var total: ResourceVector
    var labels: [String]
    /// How many workers are of it.
    var count = 0
    /// Thousandths of all devices.
    var deviceMilli: Int64 { total.devices.reduce(0) { $0 + $1.milli } }
}
