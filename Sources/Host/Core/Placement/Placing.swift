/// Which policy places, and which one is only asked what it would have done.
package struct PlacementSettings: Hashable, Sendable {
    /// The policy by which subtasks are placed.
    package var policy: PlacementPolicy
    /// A policy whose choices are compared with what is done; `nil` for none.
    package var shadow: PlacementPolicy?
    /// The plugin that places, ``policy`` being what decides where it has no say; `nil` for none.
    package var plugin: String?
    /// The plugin that looks on, as ``plugin`` with ``shadow``, which is never `nil` then.
    package var shadowPlugin: String?

    /// A policy, and none beside.
    package init(policy: PlacementPolicy = .fitness, shadow: PlacementPolicy? = nil) {
        self.policy = policy
        self.shadow = shadow
    }

    /// The plugin in a seat.
    package func plugin(in seat: PolicySeat) -> String? {
        seat == .placing ? plugin : shadowPlugin
    }
}

/// Why a slot is where it is.
package struct PlacementNote: Hashable, Sendable {
    /// The worker.
    package var worker: WorkerID
    /// The policy that chose it.
    package var policy: PlacementPolicy
    /// How well it suited the request.
    package var fitness: Fitness
    /// What every scorer said about it; of a plugin that chose, `plugin` last.
    package var values: [ScorerValue]
    /// The plugin that was to choose; `nil` for none.
    package var plugin: String?
    /// Why ``policy`` chose in the plugin's place; `nil` if the plugin did.
    package var fallback: PolicyFault?
    /// What a policy in the shadow would have done; `nil` also if it is a plugin without a say.
    package var shadow: Shadow?

    /// Who chose, by name.
    package var decider: String {
        guard let plugin, fallback == nil else { return policy.rawValue }
        return plugin
    }

    /// What a policy that only looks on would have done.
    package struct Shadow: Hashable, Sendable {
        /// The policy, by name.
        package var policy: String
        /// The worker it would have taken.
        package var worker: WorkerID
        /// Its score for that worker.
        package var score: Double
        /// Its score for the worker that was taken.
        package var scoreOfTaken: Double
    }
}

/// How many slots were given by policy, since the coordinator began or was restored.
package struct PlacementCounts: Hashable, Sendable {
    /// Slots that the policy chose the worker of.
    package var chosen: UInt64 = 0
    /// Those of them for which the policy in the shadow was asked too.
    package var compared: UInt64 = 0
    /// Those of them that it would have put on another worker.
    package var differed: UInt64 = 0
    /// Slots that a plugin chose the worker of.
    package var byPlugin: UInt64 = 0
    /// Slots that the policy built in chose in a plugin's place, by why.
    package var fallbacks: [UInt64] = Array(repeating: 0, count: PolicyFault.allCases.count)

    /// A count of chosen slots, none of them by a plugin.
    package init(chosen: UInt64 = 0, compared: UInt64 = 0, differed: UInt64 = 0) {
        self.chosen = chosen
        self.compared = compared
        self.differed = differed
    }
}

/// How the coordinator places once it has been told a policy: an index over its workers.
///
/// What the index holds follows from the books of the workers, and is made anew from them; only
/// what is typical (``TypicalRequests``) is kept in a snapshot.
struct Placing: Sendable {
    private(set) var settings: PlacementSettings?
    var placer = Placer(.fitness)
    var shadow: Placer?
    /// By class of requests, its number in both placers.
    private var numbers: ContiguousArray<Int> = []
    /// Workers whose books are not in the index as they are.
    private var stale: [Int] = []
    /// By worker: whether it stands in ``stale``.
    private var isStale: ContiguousArray<Bool> = []
    /// The latest notes, in a ring; not kept, as they are for people.
    private var notes: [(worker: Int, slot: SlotID, note: PlacementNote)] = []
    private var nextNote = 0
    var counts = PlacementCounts()
    /// The latest choice that the policy in the shadow would have made otherwise.
    private(set) var latestDifference: PlacementNote?
    /// Plugins, by ``PolicySeat``.
    var seats: [PluginSeat] = PolicySeat.allCases.map { _ in PluginSeat() }

    var isOn: Bool { settings != nil }

    /// Begins anew with other policies.
    mutating func begin(_ settings: PlacementSettings) {
        placer = Placer(settings.policy)
        shadow = settings.shadow.map { Placer($0) }
        name(settings)
        numbers = []
        stale = []
        isStale = []
    }

    /// Plugins choose beside the policies that are there.
    mutating func name(_ settings: PlacementSettings) {
        self.settings = settings
        for seat in PolicySeat.allCases {
            seats[Int(seat.rawValue)] = PluginSeat(isOn: settings.plugin(in: seat) != nil)
        }
    }

    /// The books of a worker may have changed.
    mutating func touch(_ worker: Int) {
        while isStale.count <= worker { isStale.append(false) }
        guard !isStale[worker] else { return }
        isStale[worker] = true
        stale.append(worker)
    }

    /// Whether the index may not know how a worker is.
    func isTouched(_ worker: Int) -> Bool { isStale.indices.contains(worker) && isStale[worker] }

    /// The workers that were touched since the last time.
    mutating func takeStale() -> [Int] {
        guard !stale.isEmpty else { return [] }
        defer { stale.removeAll(keepingCapacity: true) }
        for worker in stale { isStale[worker] = false }
        return stale
    }

    /// Takes in how a worker is now.
    mutating func update(_ worker: Int, _ state: WorkerState) {
        placer.update(worker, state)
        shadow?.update(worker, state)
    }

    /// The number of a class of requests in the index.
    mutating func number(of resources: Int, _ request: ResourceRequest) -> Int {
        while numbers.count <= resources { numbers.append(-1) }
        if numbers[resources] < 0 {
            numbers[resources] = placer.shape(of: PlacementRequest(request))
            _ = shadow?.shape(of: PlacementRequest(request))
        }
        return numbers[resources]
    }

    /// Keeps why a slot is where it is.
    mutating func keep(_ note: PlacementNote, worker: Int, slot: SlotID) {
        counts.chosen += 1
        if let fault = note.fallback {
            counts.fallbacks[Int(fault.rawValue)] += 1
        } else if note.plugin != nil {
            counts.byPlugin += 1
        }
        if let shadow = note.shadow {
            counts.compared += 1
            if shadow.worker != note.worker {
                counts.differed += 1
                latestDifference = note
            }
        }
        guard notes.count == Limits.placementNotes else {
            return notes.append((worker, slot, note))
        }
        notes[nextNote] = (worker, slot, note)
        nextNote = (nextNote + 1) % Limits.placementNotes
    }

    /// Why a slot is where it is; `nil` if that is not kept any more.
    func note(worker: Int, slot: SlotID) -> PlacementNote? {
        notes.first { $0.worker == worker && $0.slot == slot }?.note
    }
}

extension Placer {
    /// Takes in how a worker is now: one that is kept for a shape is there, and not chosen.
    fileprivate mutating func update(_ worker: Int, _ state: WorkerState) {
        guard state.phase == .active else { return remove(worker) }
        let isOpen = state.takesWork && state.heldFor == noIndex
        if free(of: worker) == nil {
            add(
                worker, total: state.ledger.total, labels: state.ledger.labels,
                free: state.ledger.free)
        } else if isOpen {
            set(worker, free: state.ledger.free)
        }
        if !isOpen { close(worker) }
    }
}
