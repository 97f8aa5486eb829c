/// Puts requests on workers by a policy, over an index of workers that are alike.
///
/// A worker is a number; of equal scores the least number wins.  The same calls give the same
/// places, whatever the index holds at that time.
///
/// Complexity: a placement costs what has changed since its shape was placed last, times the
/// logarithm of the states workers are in; the number of workers does not matter.
package struct Placer: Sendable {
    /// What it was told to place by.
    package var policy: PlacementPolicy { scoring.policy }

    private var fleet = Fleet()
    private var scoring: Scoring
    private var shapes: ContiguousArray<ShapeIndex> = []
    private(set) var requests: [PlacementRequest] = []
    /// Looked up only, never walked through.
    private var shapeIndices: [PlacementRequest: Int] = [:]
    /// Looked up only, never walked through.
    private var kindIndices: [NodeKind: Int] = [:]
    private var nodes: ContiguousArray<Node> = []
    var typical = TypicalRequests()
    /// GPUs of all workers.
    private var devices = 0
    /// Counts up when there are workers of another kind, or of one less.
    private(set) var kindChanges = 0

    /// A worker.
    private struct Node: Sendable {
        /// -1 if it is not there.
        var kind = -1
        var free = ResourceVector(milliCores: 0, memoryBytes: 0)
        /// By number of GPUs asked for, how many requests are on it; only for ``clustering``.
        var clusters: [UInt16] = []
    }

    /// A placer without workers.
    package init(_ policy: PlacementPolicy) { scoring = Scoring(policy) }

    /// How many different states workers are in.
    package var states: Int { fleet.states.live }

    // MARK: Workers

    /// Takes in a worker, or one that has changed as a whole.
    package mutating func add(
        _ node: Int, total: ResourceVector, labels: [String] = [], free: ResourceVector? = nil
    ) {
        remove(node)
        while nodes.count <= node { nodes.append(Node()) }
        let key = NodeKind(total: total, labels: labels)
        let kind = kindIndices[key] ?? fleet.kinds.count
        if kind == fleet.kinds.count {
            kindIndices[key] = kind
            fleet.kinds.append(key)
        }
        if fleet.kinds[kind].count == 0 { kindChanges += 1 }
        fleet.kinds[kind].count += 1
        devices += total.devices.count
        nodes[node].kind = kind
        set(node, free: free ?? total)
    }

    /// Forgets a worker; what was on it is gone with it.
    package mutating func remove(_ node: Int) {
        guard nodes.indices.contains(node), nodes[node].kind >= 0 else { return }
        fleet.kinds[nodes[node].kind].count -= 1
        if fleet.kinds[nodes[node].kind].count == 0 { kindChanges += 1 }
        devices -= fleet.kinds[nodes[node].kind].total.devices.count
        nodes[node] = Node()
        fleet.states.move(node, to: -1)
    }

    /// Has nothing placed on a worker until ``set(_:free:)``; it counts as there.
    package mutating func close(_ node: Int) {
        guard nodes.indices.contains(node), nodes[node].kind >= 0 else { return }
        fleet.states.move(node, to: -1)
    }

    /// Tells what is free of a worker.
    package mutating func set(_ node: Int, free: ResourceVector) {
        precondition(nodes.indices.contains(node) && nodes[node].kind >= 0, "the worker is there")
        nodes[node].free = free
        let clusters = nodes[node].clusters.indices.reduce(UInt16(0)) {
            nodes[node].clusters[$1] > 0 ? $0 | 1 << UInt16($1) : $0
        }
        move(
            node,
            to: NodeState(
                kind: Int32(nodes[node].kind), devices: fleet.sets.intern(free.devices),
                milliCores: free.milliCores, memoryBytes: free.memoryBytes, clusters: clusters))
    }

    /// What is free of a worker; `nil` if it is not there.
    package func free(of node: Int) -> ResourceVector? {
        nodes.indices.contains(node) && nodes[node].kind >= 0 ? nodes[node].free : nil
    }

    /// Whether a worker is there and may be chosen.
    func isOpen(_ node: Int) -> Bool {
        nodes.indices.contains(node) && nodes[node].kind >= 0 && fleet.states.stateOf[node] >= 0
    }

    private mutating func move(_ node: Int, to state: NodeState) {
        fleet.states.move(node, to: fleet.states.intern(state))
        let kept = fleet.states.count - fleet.states.live
        guard kept > 2 * fleet.states.live + Limits.emptyStates else { return }
        forgetEmptyStates()
    }

    private mutating func forgetEmptyStates() {
        if fleet.sets.count > 4 * fleet.states.live + Limits.emptyStates {
            fleet.sets = DeviceSets()
            scoring.learn(typical)
            for node in nodes.indices where isOpen(node) {
                let set = fleet.sets.intern(nodes[node].free.devices)
                fleet.states.changeDevices(of: node, to: set)
            }
        }
        fleet.states.forgetEmpty()
        scoring.forgetValues()
        for shape in shapes.indices { shapes[shape].renumber() }
    }

    // MARK: Requests

    /// The number of requests like this one.
    package mutating func shape(of request: PlacementRequest) -> Int {
        if let known = shapeIndices[request] { return known }
        shapeIndices[request] = shapes.count
        shapes.append(ShapeIndex(request))
        requests.append(request)
        return shapes.count - 1
    }

    /// Counts requests that have come, so that the policy learns what is typical.
    package mutating func arrived(_ shape: Int, count: Int = 1) {
        guard policy.needsTypicalRequests else { return }
        let isDue = typical.note(shape, count: count)
        guard isDue || typical.isOutgrown(by: devices) else { return }
        typical.learn(requests, fleet.kinds)
        learn()
    }

    /// Takes these for typical, each with how often it comes, instead of learning.
    package mutating func assume(_ counted: [(count: Double, request: PlacementRequest)]) {
        typical.fix(counted.map { ($0.count, $0.request) }, fleet.kinds)
        learn()
    }

    mutating func learn() {
        scoring.learn(typical)
        for shape in shapes.indices { shapes[shape].invalidateTypical() }
    }

    /// Kinds of workers, those that are gone included.
    var kinds: [NodeKind] { fleet.kinds }

    /// Has these ranks come before the policy's scores.
    mutating func order(_ shape: Int, by ranks: Ranks) { shapes[shape].order(by: ranks) }

    /// Whether ranks come before the policy's scores.
    func isOrdered(_ shape: Int) -> Bool { !shapes[shape].ranks.isEmpty }

    /// The kind of a worker that is there, and how full it is.
    func standing(of node: Int) -> (kind: NodeKind, load: Int) {
        let kind = fleet.kinds[nodes[node].kind]
        let state = fleet.states.states[Int(fleet.states.stateOf[node])]
        return (
            kind, WorkerLoad.of(state, kind.total, milli: fleet.sets.milli[Int(state.devices)])
        )
    }

    // MARK: Placing

    /// Where the next request of a shape would go; `nil` if nothing has room.
    package mutating func choose(_ shape: Int) -> ChosenPlace? {
        guard let best = shapes[shape].best(in: &fleet, &scoring) else { return nil }
        let request = shapes[shape].request
        let set = fleet.states.states[Int(best.state)].devices
        let positions = scoring.positions(of: Int32(best.choice), for: request, in: set, fleet.sets)
        return place(at: positions, on: Int(best.first))
    }

    /// Puts the next request of a shape where it goes.
    package mutating func place(_ shape: Int) -> ChosenPlace? {
        guard let chosen = choose(shape) else { return nil }
        take(shape, chosen)
        return chosen
    }

    /// Puts a request on any worker and any of its devices, with the same chance for each.
    package mutating func place(
        _ shape: Int, anywhere random: inout SplitMix64
    ) -> ChosenPlace? {
        var able: [Int] = []
        for node in nodes.indices where isOpen(node) {
            let state = fleet.states.states[Int(fleet.states.stateOf[node])]
            if shapes[shape].fits(state, fleet.sets, fleet.kinds) { able.append(node) }
        }
        guard !able.isEmpty else { return nil }
        let node = able[Int(random.upTo(UInt64(able.count - 1)))]
        let request = shapes[shape].request.resources
        let fitting = nodes[node].free.devices.indices.filter {
            let device = nodes[node].free.devices[$0]
            return device.milli >= request.deviceMilli
                && device.memoryBytes >= request.deviceMemoryBytes
        }
        var chosen = ChosenPlace(node: node, devices: Array(fitting.prefix(request.devices)))
        if request.devices == 1 {
            chosen.devices = [fitting[Int(random.upTo(UInt64(fitting.count - 1)))]]
        }
        take(shape, chosen)
        return chosen
    }

    /// Gives back what a request took.
    package mutating func release(_ shape: Int, _ place: ChosenPlace) {
        change(shape, place, by: -1)
    }

    private mutating func take(_ shape: Int, _ place: ChosenPlace) {
        change(shape, place, by: 1)
    }

    private mutating func change(_ shape: Int, _ place: ChosenPlace, by sign: Int64) {
        let request = requests[shape].resources
        var free = nodes[place.node].free
        nodes[place.node].free = ResourceVector(milliCores: 0, memoryBytes: 0)
        free.milliCores -= sign * request.milliCores
        free.memoryBytes -= sign * request.memoryBytes
        for device in place.devices {
            free.devices[device].milli -= sign * request.deviceMilli
            free.devices[device].memoryBytes -= sign * request.deviceMemoryBytes
        }
        if policy == .clustering, request.devices > 0 {
            let bit = Scorers.clusterBit(of: requests[shape]).trailingZeroBitCount
            while nodes[place.node].clusters.count <= bit { nodes[place.node].clusters.append(0) }
            nodes[place.node].clusters[bit] &+= sign > 0 ? 1 : .max
        }
        set(place.node, free: free)
    }

    private func place(at positions: [Int], on node: Int) -> ChosenPlace {
        guard !positions.isEmpty else { return ChosenPlace(node: node, devices: []) }
        let order = DeviceSets.order(nodes[node].free.devices)
        return ChosenPlace(node: node, devices: positions.map { order[$0] })
    }

    // MARK: Explaining

    /// How well a worker suits a request, with what every scorer says if it fits.
    package mutating func explain(
        _ shape: Int, on node: Int
    ) -> (fitness: Fitness, values: [ScorerValue]) {
        guard let free = free(of: node), isOpen(node) else { return (.unknown, []) }
        let request = requests[shape]
        let kind = fleet.kinds[nodes[node].kind]
        let fitness = Fitness.calculate(
            request, free: free, total: kind.total, labels: kind.labels)
        guard fitness.unfit.isEmpty else { return (fitness, []) }
        let state = Int(fleet.states.stateOf[node])
        return (fitness, scoring.values(of: request, in: state, &fleet))
    }

    /// The place that a look at every single worker finds: what ``choose(_:)`` must find too.
    ///
    /// - Complexity: O(workers); for tests.
    mutating func chooseNaively(_ shape: Int) -> ChosenPlace? {
        var best: (node: Int, rank: UInt16, score: Double, choice: Int32)?
        for node in nodes.indices where isOpen(node) {
            let labels = fleet.kinds[nodes[node].kind].labels
            let fitness = Fitness.calculate(
                requests[shape], free: nodes[node].free, total: nodes[node].free, labels: labels)
            guard fitness.unfit.isEmpty else { continue }
            let state = Int(fleet.states.stateOf[node])
            let (score, choice) = scoring.score(requests[shape], in: state, of: &fleet)
            let rank = shapes[shape].rank(of: state, in: fleet, scoring)
            if best == nil || rank > best?.rank ?? 0
                || (rank == best?.rank && score > best?.score ?? -.infinity)
            {
                best = (node, rank, score, choice)
            }
        }
        guard let best else { return nil }
        let set = fleet.states.states[Int(fleet.states.stateOf[best.node])].devices
        let positions = scoring.positions(
            of: best.choice, for: requests[shape], in: set, fleet.sets)
        return place(at: positions, on: best.node)
    }
}
