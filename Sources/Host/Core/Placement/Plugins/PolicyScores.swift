/// The scores that a plugin gave, and why there are none where there are none.
///
/// What is in here came as facts: it is in the journal and in snapshots, so a coordinator that is
/// rebuilt chooses the same without asking anybody.
struct PolicyScores: Sendable {
    /// Kinds of workers, in the order of the columns.
    private(set) var kinds: [WorkerKind] = []
    /// By class of requests, then kind and load; empty where nothing was answered.
    private(set) var rows: ContiguousArray<[Double]> = []
    /// How many rows are not empty.
    private(set) var count = 0
    /// What the plugin did last, if that was no answer.
    var fault: PolicyFault?
    /// Whether it is not asked for a while.
    var isSetAside = false
    /// Looked up only, never walked through.
    private var kindIndices: [WorkerKind: Int] = [:]

    /// The scores of a class of requests; empty if there are none.
    func row(_ resources: Int) -> [Double] {
        rows.indices.contains(resources) ? rows[resources] : []
    }

    /// The column of a kind; `nil` if nothing was answered about it.
    func column(of kind: WorkerKind) -> Int? { kindIndices[kind] }

    /// Forgets all scores.
    mutating func clear() {
        kinds = []
        rows = []
        count = 0
        kindIndices = [:]
    }

    /// Takes an answer in; what was there before goes if there is no room for both.
    ///
    /// - Returns: whether scores of other requests went.
    mutating func take(_ answer: PolicyAnswer) -> Bool {
        fault = nil
        isSetAside = false
        let newKinds = answer.kinds.count { kindIndices[$0] == nil }
        let newRows = answer.classes.count { row($0).isEmpty }
        let isFull =
            kinds.count + newKinds > Limits.policyKinds
            || count + newRows > Limits.policyRequests
        if isFull { clear() }
        for kind in answer.kinds where kindIndices[kind] == nil {
            kindIndices[kind] = kinds.count
            kinds.append(kind)
        }
        for (index, resources) in answer.classes.enumerated() {
            put(answer, index, at: resources)
        }
        return isFull
    }

    private mutating func put(_ answer: PolicyAnswer, _ index: Int, at resources: Int) {
        while rows.count <= resources { rows.append([]) }
        if rows[resources].isEmpty { count += 1 }
        var row = rows[resources]
        let width = kinds.count * WorkerLoad.count
        if row.count < width {
            row += Array(repeating: .nan, count: width - row.count)
        }
        for (number, kind) in answer.kinds.enumerated() {
            let column = (kindIndices[kind] ?? 0) * WorkerLoad.count
            let start = (index * answer.kinds.count + number) * WorkerLoad.count
            for load in 0..<WorkerLoad.count { row[column + load] = answer.scores[start + load] }
        }
        rows[resources] = row
    }

    /// The score of a pair; `nil` if nothing was answered about it.
    func score(_ resources: Int, on kind: WorkerKind, load: Int) -> Double? {
        guard let column = column(of: kind) else { return nil }
        let row = row(resources)
        let place = column * WorkerLoad.count + load
        guard row.indices.contains(place), !row[place].isNaN else { return nil }
        return row[place]
    }

    /// Puts the kinds and rows of a snapshot in place.
    mutating func restore(
        kinds: [WorkerKind], rows: [(resources: Int, scores: [Double])]
    ) {
        clear()
        self.kinds = kinds
        for (index, kind) in kinds.enumerated() { kindIndices[kind] = index }
        for (resources, scores) in rows {
            while self.rows.count <= resources { self.rows.append([]) }
            self.rows[resources] = scores
        }
        count = rows.count
    }
}
