import HeapModule

/// The states in which a request of one shape fits, the best first.
///
/// Kept up lazily: what has changed since the shape was placed last is taken from the log of
/// ``NodeStates``, so that a placement costs what changed, and not the workers or states there are.
struct ShapeIndex: Sendable {
    /// A state as it was scored; good while its stamp is that of the state.
    struct Entry: Comparable, Sendable {
        var score: Double
        /// The first worker of the state: of equal scores the one with the least number wins.
        var first: Int32
        var state: Int32
        var stamp: UInt32
        /// Which of the choices of devices has this score; ``unscored`` if it is a bound.
        var choice: UInt16
        /// What comes before the score: the place of a plugin's score among those of the shape, and
        /// above all of them ``Ranks/willing``; 0 where no plugin has a say.
        var rank: UInt16

        /// The choice of an entry whose score is more than its state can have.
        static let unscored = UInt16.max

        static func < (left: Entry, right: Entry) -> Bool {
            if left.rank != right.rank { return left.rank < right.rank }
            return left.score == right.score ? left.first > right.first : left.score < right.score
        }
    }

    let request: PlacementRequest
    /// What a plugin says; empty where it has no say.
    private(set) var ranks = Ranks()
    private var heap = Heap<Entry>()
    /// How far in the log of changes the shape has looked.
    private var seen = -1
    /// By kind of worker, whether its labels and size suit: 0 unknown, 1 no, 2 yes.
    private var kinds: ContiguousArray<UInt8> = []
    /// By set of devices, whether it has room: 0 unknown, 1 no, 2 yes.
    private var sets: ContiguousArray<UInt8> = []

    init(_ request: PlacementRequest) { self.request = request }

    /// Whether a state with devices was scored for work without.
    private var hasScoredReluctant = false

    /// Forgets all scores.
    mutating func invalidate() { seen = -1 }

    /// Forgets scores that depend on what is typical: those of states with devices.
    mutating func invalidateTypical() {
        if request.resources.devices > 0 || hasScoredReluctant { invalidate() }
    }

    /// Has these ranks come before scores from now on.
    mutating func order(by ranks: Ranks) {
        guard ranks != self.ranks else { return }
        self.ranks = ranks
        invalidate()
    }

    /// Forgets what it knows of states and sets of devices, as their numbers have changed.
    mutating func renumber() {
        seen = -1
        sets.removeAll()
    }

    /// The best state, if there is one.
    mutating func best(in fleet: inout Fleet, _ scoring: inout Scoring) -> Entry? {
        catchUp(&fleet, &scoring)
        while let top = heap.max {
            let isCurrent = fleet.states.stamps[Int(top.state)] == top.stamp
            if isCurrent, top.choice != Entry.unscored { return top }
            heap.removeMax()
            guard isCurrent else { continue }
            hasScoredReluctant = true
            heap.insert(scored(top.state, &fleet, &scoring))
        }
        return nil
    }

    private mutating func catchUp(_ fleet: inout Fleet, _ scoring: inout Scoring) {
        let end = fleet.states.logEnd
        guard seen >= fleet.states.dropped,
            heap.count <= 2 * fleet.states.live + Limits.placementLogEntries
        else {
            return rebuild(&fleet, &scoring)
        }
        for index in (seen - fleet.states.dropped)..<fleet.states.log.count {
            let change = fleet.states.log[index]
            let state = Int(change.state)
            guard fleet.states.stamps[state] == change.stamp,
                fits(fleet.states.states[state], fleet.sets, fleet.kinds)
            else { continue }
            heap.insert(entry(change.state, &fleet, &scoring))
        }
        seen = end
    }

    private mutating func rebuild(_ fleet: inout Fleet, _ scoring: inout Scoring) {
        var found: [Entry] = []
        for state in fleet.states.states.indices where fleet.states.stamps[state] != 0 {
            guard fits(fleet.states.states[state], fleet.sets, fleet.kinds) else { continue }
            found.append(entry(Int32(state), &fleet, &scoring))
        }
        hasScoredReluctant = false
        heap = Heap(found)
        seen = fleet.states.logEnd
    }

    /// The entry of a state.
    ///
    /// Workers with devices come last for work without, and few are ever asked: their scores, which
    /// cost most, are made when one comes up.
    private func entry(_ state: Int32, _ fleet: inout Fleet, _ scoring: inout Scoring) -> Entry {
        guard scoring.isReluctant(request, fleet.states.states[Int(state)]) else {
            return scored(state, &fleet, &scoring)
        }
        return Entry(
            score: -Limits.reluctance / 2, first: fleet.states.first(of: Int(state)), state: state,
            stamp: fleet.states.stamps[Int(state)], choice: Entry.unscored,
            rank: ranks.isEmpty ? 0 : rank(of: Int(state), in: fleet, scoring))
    }

    private func scored(_ state: Int32, _ fleet: inout Fleet, _ scoring: inout Scoring) -> Entry {
        let (score, choice) = scoring.score(request, in: Int(state), of: &fleet)
        return Entry(
            score: score, first: fleet.states.first(of: Int(state)), state: state,
            stamp: fleet.states.stamps[Int(state)], choice: UInt16(truncatingIfNeeded: choice),
            rank: ranks.isEmpty ? 0 : rank(of: Int(state), in: fleet, scoring))
    }

    /// The rank of a state, by what the plugin says of its kind and how full it is.
    func rank(of state: Int, in fleet: Fleet, _ scoring: Scoring) -> UInt16 {
        guard !ranks.isEmpty else { return 0 }
        let state = fleet.states.states[state]
        let load = WorkerLoad.of(
            state, fleet.kinds[Int(state.kind)].total, milli: fleet.sets.milli[Int(state.devices)])
        // Work without GPUs stays off workers that have some, whatever a plugin says.
        let isWilling = !scoring.isReluctant(request, state)
        return ranks[kind: Int(state.kind), load] | (isWilling ? Ranks.willing : 0)
    }

    /// Whether the request fits on a worker in this state.
    mutating func fits(_ state: NodeState, _ sets: DeviceSets, _ kinds: [NodeKind]) -> Bool {
        guard request.resources.milliCores <= state.milliCores,
            request.resources.memoryBytes <= state.memoryBytes
        else { return false }
        let kind = Int(state.kind)
        while self.kinds.count <= kind {
            self.kinds.append(request.accepts(kinds[self.kinds.count].labels) ? 2 : 1)
        }
        guard self.kinds[kind] == 2 else { return false }
        guard request.resources.devices > 0 else { return true }
        let set = Int(state.devices)
        while self.sets.count <= set { self.sets.append(0) }
        if self.sets[set] == 0 {
            self.sets[set] = sets.fits(request.resources, in: state.devices) ? 2 : 1
        }
        return self.sets[set] == 2
    }
}

/// The places of a plugin's scores for a shape among each other: by kind of worker and load.
struct Ranks: Hashable, Sendable {
    /// What the rank of every worker has that may take the work at once; above all places.
    static let willing: UInt16 = 1 << 15

    private var places: ContiguousArray<UInt16> = []

    /// No say.
    init() {}

    /// The places of scores, by kind and load; a kind without workers has any numbers.
    init(_ scores: [Double]) {
        let known = Set(scores.filter { !$0.isNaN }).sorted()
        var order: [Double: UInt16] = [:]
        for (place, score) in known.enumerated() { order[score] = UInt16(place + 1) }
        places = ContiguousArray(scores.map { order[$0] ?? 0 })
    }

    var isEmpty: Bool { places.isEmpty }

    subscript(kind kind: Int, load: Int) -> UInt16 {
        let place = kind * WorkerLoad.count + load
        return places.indices.contains(place) ? places[place] : 0
    }
}
