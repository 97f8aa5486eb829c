// What passes between the coordinator and a policy that is a plugin: values, never a call.

/// Which of the two policies: the one that places, or the one that only looks on.
package enum PolicySeat: UInt8, CaseIterable, Hashable, Sendable {
    case placing
    case shadow
}

/// Workers that are alike for a policy that is a plugin: what they have in all, and their labels.
///
/// Memory is in whole GiB, since machines of one model differ by some bytes.
package struct WorkerKind: Hashable, Sendable {
    /// Thousandths of cores.
    package var milliCores: Int64
    /// GiB of memory, rounded down.
    package var gibibytes: Int64
    /// How many GPUs.
    package var devices: Int
    /// GiB of memory of the GPU that has least, rounded down.
    package var deviceGibibytes: Int64
    /// Its labels, in order.
    package var labels: [String]

    /// The kind of a worker with so much in all.
    init(total: ResourceVector, labels: [String]) {
        milliCores = total.milliCores
        gibibytes = total.memoryBytes >> 30
        devices = total.devices.count
        deviceGibibytes = (total.devices.map(\.memoryBytes).min() ?? 0) >> 30
        self.labels = labels.sorted()
    }

    /// The kind with these figures.
    package init(
        milliCores: Int64, gibibytes: Int64, devices: Int = 0, deviceGibibytes: Int64 = 0,
        labels: [String] = []
    ) {
        self.milliCores = milliCores
        self.gibibytes = gibibytes
        self.devices = devices
        self.deviceGibibytes = deviceGibibytes
        self.labels = labels.sorted()
    }
}

/// How full a worker is, in steps of a quarter of its dominant share: what a plugin's score is for.
package enum WorkerLoad {
    /// Nothing in use; up to a quarter; up to a half; up to three quarters; more.
    package static let count = 5

    /// The most of its dominant share that is in use, from 0 to 1.
    package static func upTo(_ load: Int) -> Double { Double(load) / Double(count - 1) }

    /// The load of a worker of which so much is free.
    static func of(_ state: NodeState, _ total: ResourceVector, milli: Int64) -> Int {
        let devices = total.devices.reduce(0) { $0 + $1.milli }
        return max(
            step(total.milliCores - state.milliCores, total.milliCores),
            step(total.memoryBytes - state.memoryBytes, total.memoryBytes),
            step(devices - milli, devices))
    }

    /// The load of a worker with so much free of what it has.
    static func of(free: ResourceVector, total: ResourceVector) -> Int {
        let devices = total.devices.reduce(0) { $0 + $1.milli }
        return max(
            step(total.milliCores - free.milliCores, total.milliCores),
            step(total.memoryBytes - free.memoryBytes, total.memoryBytes),
            step(devices - free.devices.reduce(0) { $0 + $1.milli }, devices))
    }

    private static func step(_ used: Int64, _ total: Int64) -> Int {
        guard used > 0, total > 0 else { return 0 }
        let quarters = Double(used) / Double(total) * Double(count - 1)
        return min(count - 1, 1 + Int(max(0, quarters - 1).rounded(.up)))
    }
}

/// What a plugin is asked: a score for each of these requests on each of these kinds of workers, at
/// each ``WorkerLoad``.
package struct PolicyQuestion: Hashable, Sendable {
    /// Who is asked.
    package var seat: PolicySeat
    /// Numbers of classes of requests, which the answer gives back.
    package var classes: [Int]
    /// What each of them asks for.
    package var requests: [ResourceRequest]
    /// The kinds of workers there are.
    package var kinds: [WorkerKind]
    /// How many workers there are of each.
    package var workers: [Int]

    /// How many scores the answer has.
    package var scoreCount: Int { classes.count * kinds.count * WorkerLoad.count }
}

/// What a plugin answered, checked: a fact.
package struct PolicyAnswer: Hashable, Sendable {
    /// Who answered.
    package var seat: PolicySeat
    /// Numbers of classes of requests.
    package var classes: [Int]
    /// Kinds of workers.
    package var kinds: [WorkerKind]
    /// By class, kind and load, in that order: the higher, the better; all are finite.
    package var scores: [Double]

    /// The answer to a question.
    package init(_ question: PolicyQuestion, scores: [Double]) {
        precondition(scores.count == question.scoreCount, "each score that was asked for is there")
        seat = question.seat
        classes = question.classes
        kinds = question.kinds
        self.scores = scores
    }

    init(seat: PolicySeat, classes: [Int], kinds: [WorkerKind], scores: [Double]) {
        self.seat = seat
        self.classes = classes
        self.kinds = kinds
        self.scores = scores
    }
}

/// Why a plugin did not decide, and the policy that is built in did.
package enum PolicyFault: UInt8, CaseIterable, Hashable, Sendable {
    /// It has not answered yet for such a request on the workers there are.
    case unanswered
    /// It did not answer within its budget.
    case late
    /// It crashed, or ended its process.
    case crashed
    /// Its answer was no score for each pair that it was asked about, or not a number.
    case wrong
    /// It said that it cannot answer.
    case refused
    /// There are more than ``Limits/policyKinds`` kinds of workers: it is not asked.
    case tooManyKinds

    /// As `why` and figures have it.
    package var name: String {
        switch self {
        case .unanswered: "unanswered"
        case .late: "late"
        case .crashed: "crashed"
        case .wrong: "wrong"
        case .refused: "refused"
        case .tooManyKinds: "too-many-kinds"
        }
    }
}
