/// All that is known of the workers.
struct Fleet: Sendable {
    var states = NodeStates()
    var sets = DeviceSets()
    var kinds: [NodeKind] = []
}

/// Gives each state a score for a request, by the policy.
struct Scoring: Sendable {
    let policy: PlacementPolicy
    private(set) var usable = UsableCapacity()
    /// By state, what it is worth to typical requests; not a number where that is not known.
    private var values: ContiguousArray<Double> = []

    private let isForUse: Bool

    init(_ policy: PlacementPolicy) {
        self.policy = policy
        isForUse = PlacementPolicy.forUse.contains(policy)
    }

    /// Whether workers in this state take such a request only if no others can: work without GPUs
    /// stays off workers that have some.
    func isReluctant(_ request: PlacementRequest, _ state: NodeState) -> Bool {
        isForUse && request.resources.devices == 0 && state.devices != 0
    }

    /// Begins anew with other typical requests.
    mutating func learn(_ typical: TypicalRequests) {
        usable.reset(typical)
        forgetValues()
    }

    /// Forgets what is known by the number of a state.
    mutating func forgetValues() { values.removeAll(keepingCapacity: true) }

    /// The score of a state in which the request fits, and which choice of devices has it.
    mutating func score(
        _ request: PlacementRequest, in state: Int, of fleet: inout Fleet
    ) -> (score: Double, choice: Int32) {
        let before = fleet.states.states[state]
        guard policy.choosesDevices, request.resources.devices > 0 else {
            let positions = fleet.sets.firstChoice(for: request.resources, in: before.devices)
            let candidate = candidate(request, before, positions, &fleet)
            return (reluctance(candidate) + score(candidate, state, fleet), 0)
        }
        var best = (score: -Double.infinity, choice: Int32(0))
        let choices = fleet.sets.choices(for: request.resources, in: before.devices)
        for (index, positions) in choices.enumerated() {
            let score = score(candidate(request, before, positions, &fleet), state, fleet)
            if score > best.score { best = (score, Int32(index)) }
        }
        return best
    }

    /// The devices of a choice, by their positions in the state's set.
    func positions(
        of choice: Int32, for request: PlacementRequest, in set: Int32, _ sets: DeviceSets
    ) -> [Int] {
        guard policy.choosesDevices, request.resources.devices > 0 else {
            return sets.firstChoice(for: request.resources, in: set)
        }
        return sets.choices(for: request.resources, in: set)[Int(choice)]
    }

    /// A worker before and after.
    func candidate(
        _ request: PlacementRequest, _ before: NodeState, _ positions: [Int],
        _ fleet: inout Fleet
    ) -> Candidate {
        var after = before
        after.milliCores -= request.resources.milliCores
        after.memoryBytes -= request.resources.memoryBytes
        after.devices = fleet.sets.taking(request.resources, at: positions, of: before.devices)
        return Candidate(
            request: request, kind: fleet.kinds[Int(before.kind)], before: before, after: after,
            deviceMilliBefore: fleet.sets.milli[Int(before.devices)],
            deviceMilliAfter: fleet.sets.milli[Int(after.devices)])
    }

    private func reluctance(_ candidate: Candidate) -> Double {
        isReluctant(candidate.request, candidate.before) ? -Limits.reluctance : 0
    }

    private mutating func score(_ candidate: Candidate, _ state: Int, _ fleet: Fleet) -> Double {
        switch policy {
        case .fitness: return Scorers.bestFit(candidate)
        case .pack: return Scorers.pack(candidate)
        case .spread: return Scorers.spread(candidate)
        case .fgd:
            return Scorers.fragmentation(lost: lost(candidate, state, fleet))
        case .keepUsable:
            guard candidate.before.devices != 0 else { return Scorers.bestFit(candidate) }
            let lost = lost(candidate, state, fleet)
            return -(lost / Limits.usableStepMilli).rounded(.up) * Limits.usableStepMilli
        case .firstFit, .random: return 0
        case .bestFit: return Scorers.leastLeft(candidate)
        case .dotProduct: return Scorers.dotProduct(candidate)
        case .clustering: return Scorers.clustering(candidate)
        case .packing:
            return Scorers.packing(candidate, devices: fleet.sets[candidate.before.devices])
        }
    }

    /// What typical requests can use less of, beside what is taken, in thousandths of a GPU.
    private mutating func lost(_ candidate: Candidate, _ state: Int, _ fleet: Fleet) -> Double {
        let taken = Double(candidate.deviceMilliBefore - candidate.deviceMilliAfter)
        while values.count <= state { values.append(.nan) }
        if values[state].isNaN { values[state] = worth(candidate.before, fleet) }
        return values[state] - worth(candidate.after, fleet) - taken
    }

    private mutating func worth(_ state: NodeState, _ fleet: Fleet) -> Double {
        let value = usable.value(of: state, in: fleet.sets, kinds: fleet.kinds)
        return policy == .fgd ? value.usable : value.usable + Limits.roomWeight * value.room
    }

    /// Every scorer's value for a worker on which the request fits, by name, for an explanation.
    mutating func values(
        of request: PlacementRequest, in state: Int, _ fleet: inout Fleet
    ) -> [ScorerValue] {
        let before = fleet.states.states[state]
        let choice = score(request, in: state, of: &fleet)
        let positions = positions(of: choice.choice, for: request, in: before.devices, fleet.sets)
        let candidate = candidate(request, before, positions, &fleet)
        let old = usable.value(of: before, in: fleet.sets, kinds: fleet.kinds)
        let new = usable.value(of: candidate.after, in: fleet.sets, kinds: fleet.kinds)
        let taken = Double(candidate.deviceMilliBefore - candidate.deviceMilliAfter)
        return [
            ScorerValue(name: "best-fit", value: Scorers.bestFit(candidate)),
            ScorerValue(name: "pack", value: Scorers.pack(candidate)),
            ScorerValue(name: "spread", value: Scorers.spread(candidate)),
            ScorerValue(name: "fragmentation", value: (old.usable - new.usable - taken) / 1000),
            ScorerValue(name: "room-lost", value: (old.room - new.room) / 1000),
            ScorerValue(name: "policy", value: choice.score),
        ]
    }
}

/// What one scorer says about one worker.
package struct ScorerValue: Hashable, Sendable {
    /// The scorer's name; `policy` for the score by which the policy chooses.
    package var name: String
    /// Its value; `fragmentation` and `room-lost` are in GPUs, and less is better.
    package var value: Double
}
