import HeapModule

/// What makes two workers alike for every policy.
struct NodeState: Hashable, Sendable {
    /// The kind of worker: what it has in all, and its labels.
    var kind: Int32
    /// The set of ``DeviceSets`` that is free.
    var devices: Int32
    var milliCores: Int64
    var memoryBytes: Int64
    /// A bit for each number of GPUs that something on it asked for; only ``clustering`` looks.
    var clusters: UInt16 = 0
}

/// The states that workers are in, and who is in which: a worker is looked for by its state.
///
/// A state that nobody is in is kept for a while, as workers come back to it.
struct NodeStates: Sendable {
    private(set) var states: ContiguousArray<NodeState> = []
    /// Changes when the first worker of a state does; 0 while nobody is in it.
    private(set) var stamps: ContiguousArray<UInt32> = []
    private var members: ContiguousArray<Members> = []
    /// Looked up only, never walked through.
    private var indices: [NodeState: Int32] = [:]
    /// By worker, the state it is in; -1 for none.
    private(set) var stateOf: ContiguousArray<Int32> = []
    private var stamp: UInt32 = 0
    /// States that somebody is in.
    private(set) var live = 0
    /// What has changed: states whose first worker is another one, the latest last.
    private(set) var log: ContiguousArray<Change> = []
    /// How many changes were dropped from the log's front.
    private(set) var dropped = 0

    struct Change: Sendable {
        var state: Int32
        var stamp: UInt32
    }

    /// Workers of a state: the first is at hand, the others in a heap that may hold some who left.
    private struct Members: Sendable {
        var first: Int32 = -1
        var count = 0
        var others: Heap<Int32>?
    }

    var count: Int { states.count }
    var logEnd: Int { dropped + log.count }

    /// The first worker of a state; -1 if nobody is in it.
    func first(of state: Int) -> Int32 { members[state].first }

    /// How many workers are in a state.
    func population(of state: Int) -> Int { members[state].count }

    mutating func intern(_ state: NodeState) -> Int32 {
        if let known = indices[state] { return known }
        let index = Int32(states.count)
        states.append(state)
        stamps.append(0)
        members.append(Members())
        indices[state] = index
        return index
    }

    /// Takes a worker from the state it is in to another; -1 for none.
    mutating func move(_ node: Int, to state: Int32) {
        while stateOf.count <= node { stateOf.append(-1) }
        let from = stateOf[node]
        guard from != state else { return }
        stateOf[node] = state
        if from >= 0 { leave(Int32(node), Int(from)) }
        if state >= 0 { enter(Int32(node), Int(state)) }
    }

    private mutating func enter(_ node: Int32, _ state: Int) {
        members[state].count += 1
        let first = members[state].first
        guard first >= 0 else {
            members[state].first = node
            live += 1
            return note(state)
        }
        let other = max(first, node)
        if members[state].others == nil { members[state].others = Heap() }
        members[state].others?.insert(other)
        guard node < first else { return tidy(state) }
        members[state].first = node
        note(state)
        tidy(state)
    }

    private mutating func leave(_ node: Int32, _ state: Int) {
        members[state].count -= 1
        guard members[state].first == node else { return }
        while let next = members[state].others?.popMin() {
            guard stateOf[Int(next)] == Int32(state) else { continue }
            members[state].first = next
            return note(state)
        }
        members[state].first = -1
        members[state].others = nil
        stamps[state] = 0
        live -= 1
    }

    /// Drops who left, once they are more than who is there.
    private mutating func tidy(_ state: Int) {
        guard let others = members[state].others,
            others.count > 2 * members[state].count + 16
        else { return }
        let there = others.unordered.filter {
            stateOf[Int($0)] == Int32(state) && $0 != members[state].first
        }
        members[state].others = Heap(Set(there))
    }

    private mutating func note(_ state: Int) {
        stamp &+= 1
        if stamp == 0 { stamp = 1 }
        stamps[state] = stamp
        log.append(Change(state: Int32(state), stamp: stamp))
        guard log.count > 2 * live + Limits.placementLogEntries else { return }
        let surplus = log.count / 2
        log.removeFirst(surplus)
        dropped += surplus
    }

    /// Forgets states that nobody is in; the numbers of the others change.
    mutating func forgetEmpty() {
        let old = self
        states.removeAll(keepingCapacity: true)
        stamps.removeAll(keepingCapacity: true)
        members.removeAll(keepingCapacity: true)
        indices.removeAll(keepingCapacity: true)
        dropped += log.count
        log.removeAll(keepingCapacity: true)
        live = 0
        for node in stateOf.indices { stateOf[node] = -1 }
        for (node, state) in old.stateOf.enumerated() where state >= 0 {
            move(node, to: intern(old.states[Int(state)]))
        }
    }

    /// Gives the set of devices of a worker's state another number, before ``forgetEmpty()``.
    mutating func changeDevices(of node: Int, to set: Int32) {
        states[Int(stateOf[node])].devices = set
    }
}
