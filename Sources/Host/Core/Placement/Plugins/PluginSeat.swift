/// What the coordinator knows of a policy that is a plugin, or that none is in the seat.
struct PluginSeat: Sendable {
    var isOn = false
    var scores = PolicyScores()
    /// Classes of requests that scores are wanted for, the first to be asked about first.
    private(set) var wanted: [Int] = []
    /// By class of requests: whether it stands in ``wanted``.
    private var isWanted: ContiguousArray<Bool> = []
    /// By class of requests: the ``version`` whose ranks the index has; 0 for none.
    private var applied: ContiguousArray<Int> = []
    /// Counts up when ranks have to be made anew.
    private var version = 1
    /// What ``Placer/kindChanges`` was when it was looked at last.
    private var kindChanges = -1

    init(isOn: Bool = false) { self.isOn = isOn }

    /// Scores are wanted for a class of requests.
    mutating func want(_ resources: Int) {
        while isWanted.count <= resources { isWanted.append(false) }
        guard isOn, !isWanted[resources], wanted.count < Limits.policyRequestsWaiting else {
            return
        }
        isWanted[resources] = true
        wanted.append(resources)
    }

    /// Takes an answer in.
    mutating func take(_ answer: PolicyAnswer) {
        if scores.take(answer) { version += 1 }
        let answered = Set(answer.classes)
        for resources in answered {
            if applied.indices.contains(resources) { applied[resources] = 0 }
            if isWanted.indices.contains(resources) { isWanted[resources] = false }
        }
        wanted.removeAll { answered.contains($0) }
    }

    /// Forgets all scores, as the plugin is set aside.
    mutating func setAside() {
        scores.clear()
        scores.isSetAside = true
        version += 1
    }

    /// There may be workers of another kind.
    mutating func look(atKindChanges changes: Int) {
        guard isOn, kindChanges != changes else { return }
        defer { kindChanges = changes }
        version += 1
        // After a restart nothing is new.
        guard kindChanges >= 0 else { return }
        // What was asked before is likely to come again: asked before it does.
        for known in scores.rows.indices where !scores.rows[known].isEmpty { want(known) }
    }

    /// Whether the ranks of a class of requests have to be made; says so once.
    mutating func mustApply(_ resources: Int) -> Bool {
        while applied.count <= resources { applied.append(0) }
        guard applied[resources] != version else { return false }
        applied[resources] = version
        return true
    }
}

extension Placing {
    /// Scores are wanted for a class of requests.
    mutating func want(_ resources: Int) {
        for seat in seats.indices { seats[seat].want(resources) }
    }

    /// A plugin gave no answer.
    mutating func fail(_ seat: PolicySeat, _ fault: PolicyFault, isSetAside: Bool) {
        guard seats[Int(seat.rawValue)].isOn else { return }
        if isSetAside { seats[Int(seat.rawValue)].setAside() }
        seats[Int(seat.rawValue)].scores.fault = fault
    }

    /// Has what a plugin says of a class of requests come first, if it says anything of all workers.
    mutating func order(_ resources: Int, _ number: Int, in seat: PolicySeat) {
        let place = Int(seat.rawValue)
        guard seats[place].isOn, seats[place].mustApply(resources) else { return }
        switch seat {
        case .placing:
            placer.order(number, by: ranks(resources, in: place, placer.kinds))
        case .shadow:
            guard let shadow else { return }
            let ranks = ranks(resources, in: place, shadow.kinds)
            self.shadow?.order(number, by: ranks)
        }
    }

    private mutating func ranks(_ resources: Int, in seat: Int, _ kinds: [NodeKind]) -> Ranks {
        let scores = seats[seat].scores
        let row = scores.row(resources)
        var found: [Double] = []
        found.reserveCapacity(kinds.count * WorkerLoad.count)
        for kind in kinds {
            let column = scores.column(of: WorkerKind(total: kind.total, labels: kind.labels))
            for load in 0..<WorkerLoad.count {
                let place = (column ?? row.count) * WorkerLoad.count + load
                let score = row.indices.contains(place) ? row[place] : .nan
                if score.isNaN, kind.count > 0 {
                    seats[seat].want(resources)
                    return Ranks()
                }
                found.append(score)
            }
        }
        return Ranks(found)
    }

    /// The score of a plugin that has a say, for a worker as it is.
    func pluginScore(_ resources: Int, on worker: Int, in seat: PolicySeat) -> Double? {
        guard seats[Int(seat.rawValue)].isOn else { return nil }
        let index = seat == .placing ? placer : shadow ?? placer
        guard index.isOpen(worker) else { return nil }
        let (kind, load) = index.standing(of: worker)
        return seats[Int(seat.rawValue)].scores.score(
            resources, on: WorkerKind(total: kind.total, labels: kind.labels), load: load)
    }

    /// Writes into a note what the plugin said, or why it said nothing.
    func addPlugin(to note: inout PlacementNote, _ resources: Int, _ number: Int, on worker: Int) {
        guard let plugin = settings?.plugin else { return }
        note.plugin = plugin
        guard placer.isOrdered(number),
            let score = pluginScore(resources, on: worker, in: .placing)
        else {
            note.fallback = seats[Int(PolicySeat.placing.rawValue)].scores.fault ?? .unanswered
            return
        }
        note.values.append(ScorerValue(name: "plugin", value: score))
    }
}

extension Coordinator {
    /// What the plugin that places says of a shape on each of these workers as they are; 0 for all
    /// unless it has scored each of them.
    mutating func pluginScores(of shape: Int, on candidates: [Int]) -> [Double] {
        let seat = Int(PolicySeat.placing.rawValue)
        let none = Array(repeating: 0.0, count: candidates.count)
        guard placing.seats[seat].isOn, candidates.count > 1 else { return none }
        let resources = shapes[shape].resources
        var found: [Double] = []
        for worker in candidates {
            let ledger = workers[worker].ledger
            guard
                let score = placing.seats[seat].scores.score(
                    resources, on: WorkerKind(total: ledger.total, labels: ledger.labels),
                    load: WorkerLoad.of(free: ledger.free, total: ledger.total))
            else {
                placing.seats[seat].want(resources)
                return none
            }
            found.append(score)
        }
        return found
    }

    /// Takes scores in; an answer about what nobody asks any more is dropped.
    mutating func policyAnswered(_ answer: PolicyAnswer) {
        let seat = Int(answer.seat.rawValue)
        guard placing.seats[seat].isOn, answer.classes.allSatisfy(classes.indices.contains),
            answer.kinds.count <= Limits.policyKinds,
            answer.classes.count <= Limits.policyRequestsAsked,
            answer.scores.count
                == answer.classes.count * answer.kinds.count * WorkerLoad.count,
            answer.scores.allSatisfy(\.isFinite)
        else { return }
        placing.seats[seat].take(answer)
    }

    /// What a plugin is to be asked now; `nil` if it has said all that is wanted, or there is
    /// no worker.
    ///
    /// - Complexity: O(kinds of workers there ever were) if something is wanted, else O(1).
    package func policyQuestion(for seat: PolicySeat) -> PolicyQuestion? {
        let book = placing.seats[Int(seat.rawValue)]
        guard book.isOn, !book.wanted.isEmpty else { return nil }
        return question(for: seat) { Array(book.wanted.prefix($0)) }
    }

    /// What a plugin is to be asked again, as it has learned since: what it has scored from class
    /// of requests `first`, and the class to go on from; `nil` if that is all.
    ///
    /// - Complexity: O(kinds of workers and classes of requests there ever were).
    package func policyQuestion(
        for seat: PolicySeat, again first: Int
    ) -> (question: PolicyQuestion, next: Int)? {
        let rows = placing.seats[Int(seat.rawValue)].scores.rows
        guard placing.seats[Int(seat.rawValue)].isOn, first < rows.count,
            let question = question(
                for: seat,
                { room in
                    Array((first..<rows.count).lazy.filter { !rows[$0].isEmpty }.prefix(room))
                }),
            let last = question.classes.last
        else { return nil }
        return (question, last + 1)
    }

    /// A question about classes of requests, of which there is room for a number, and all kinds of
    /// workers; `nil` if there are none of either.
    ///
    /// One with more than ``Limits/policyKinds`` kinds is not to be asked.
    private func question(
        for seat: PolicySeat, _ classesOf: (_ room: Int) -> [Int]
    ) -> PolicyQuestion? {
        var kinds: [WorkerKind] = []
        var counts: [Int] = []
        var known: [WorkerKind: Int] = [:]
        for kind in placing.placer.kinds where kind.count > 0 {
            let key = WorkerKind(total: kind.total, labels: kind.labels)
            if let index = known[key] {
                counts[index] += kind.count
                continue
            }
            known[key] = kinds.count
            kinds.append(key)
            counts.append(kind.count)
        }
        guard !kinds.isEmpty else { return nil }
        let room = max(1, Limits.policyScoresAsked / (kinds.count * WorkerLoad.count))
        let asked = classesOf(min(room, Limits.policyRequestsAsked))
        guard !asked.isEmpty else { return nil }
        return PolicyQuestion(
            seat: seat, classes: asked, requests: asked.map { classes[$0].request }, kinds: kinds,
            workers: counts)
    }

    /// Whether an answer says what a plugin has said already, so that it is no news.
    package func isKnown(_ answer: PolicyAnswer) -> Bool {
        let scores = placing.seats[Int(answer.seat.rawValue)].scores
        guard scores.fault == nil, !scores.isSetAside else { return false }
        var place = 0
        for resources in answer.classes {
            for kind in answer.kinds {
                for load in 0..<WorkerLoad.count {
                    guard scores.score(resources, on: kind, load: load) == answer.scores[place]
                    else { return false }
                    place += 1
                }
            }
        }
        return true
    }

    /// What a plugin did last, if that was no answer, and whether it is not asked for a while.
    package func policyFault(in seat: PolicySeat) -> (fault: PolicyFault?, isSetAside: Bool) {
        let scores = placing.seats[Int(seat.rawValue)].scores
        return (scores.fault, scores.isSetAside)
    }
}
