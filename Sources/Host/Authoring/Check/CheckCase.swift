import FanfoldJSON

/// One check of `fanfold plugin check`.
struct CheckCase: Sendable {
    /// How much depends on it.
    enum Level: String, Sendable {
        /// The host relies on it; one that fails makes `plugin check` exit with 1.
        case must
        /// A good plugin does it.
        case should
        /// People who work with the plugin will be glad of it.
        case style
    }

    /// What a check works on, which says when it can run at all.
    enum Subject: Sendable {
        /// The file, read.
        case file
        /// The loaded library and its tables.
        case library
        /// Instances: a plugin that fails to make the simplest one is not asked further.
        case instance
    }

    /// The stable name, in kebab-case.
    var name: String
    var level = Level.must
    var subject: Subject
    /// What is looked at, in one sentence.
    var summary = ""
    /// What would go wrong in the field.
    var consequence: String
    /// How long it may take, in seconds.
    var timeout = 30
    /// The variables with which it is run, once for each list; the first outcome that is not good
    /// counts.
    var environments: [[String]] = [[]]
    var body: @Sendable (CheckContext) throws -> CheckOutcome
}

/// What came of a check.
struct CheckOutcome: Sendable {
    enum Status: String, Sendable {
        case passed
        case failed
        case crashed
        case warning
        case skipped
    }

    var status: Status
    /// What was wanted and what was found.
    var message: String

    static func passed(_ message: String = "") -> CheckOutcome {
        CheckOutcome(status: .passed, message: message)
    }
    static func failed(_ message: String) -> CheckOutcome {
        CheckOutcome(status: .failed, message: message)
    }
    static func warning(_ message: String) -> CheckOutcome {
        CheckOutcome(status: .warning, message: message)
    }
    static func skipped(_ message: String) -> CheckOutcome {
        CheckOutcome(status: .skipped, message: message)
    }

    /// The line in which a child tells its parent.
    var json: JSON { ["status": .string(status.rawValue), "message": .string(message)] }

    /// Reads that line.
    init?(_ json: JSON) {
        guard let status = json["status"]?.stringValue.flatMap(Status.init(rawValue:)) else {
            return nil
        }
        self.init(status: status, message: json["message"]?.stringValue ?? "")
    }

    init(status: Status, message: String) {
        self.status = status
        self.message = message
    }
}

/// Ends a check early with its outcome.
struct CheckStop: Error {
    var outcome: CheckOutcome

    static func failed(_ message: String) -> CheckStop { CheckStop(outcome: .failed(message)) }
    static func warning(_ message: String) -> CheckStop { CheckStop(outcome: .warning(message)) }
    static func skipped(_ message: String) -> CheckStop { CheckStop(outcome: .skipped(message)) }
}

/// Numbers that follow from a seed.
///
/// Source: SplitMix64, Steele, Lea and Flood, 2014.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
