import FanfoldCore
import FanfoldJournal
import FanfoldRuntime

/// A record of a journal, and what the coordinator decided because of it.
package struct ReplayStep: Sendable {
    /// Its number.
    package var record: UInt64
    /// When it happened, in nanoseconds since the coordinator began for the first time.
    package var nanoseconds: UInt64
    /// What happened, for people.
    package var event: String
    /// What was decided, for people.
    package var decisions: [String]
    /// The runs that it is about, lowest first.
    package var runs: [UInt64]
}

/// What is to be shown of a journal that is gone through.
package struct ReplayOptions: Sendable {
    /// The first record that is shown.
    package var from: UInt64 = 0
    /// The last record that is taken in.
    package var to = UInt64.max
    /// Only what is about this run is shown; `nil`: everything.
    package var run: UInt64?
    /// Whether all rules of the coordinator are looked at after each record, not at the end alone.
    package var checksEach = false

    /// All records.
    package init() {}
}

/// What going through a journal found.
package struct ReplayReport: Sendable {
    /// The record that the snapshot at the beginning leads up to; 0 if it began with nothing.
    package var base: UInt64 = 0
    /// The last record that was taken in.
    package var last: UInt64 = 0
    /// Facts for the coordinator among the records.
    package var facts = 0
    /// The moment of the last one, in nanoseconds since the coordinator began for the first time.
    package var nanoseconds: UInt64 = 0
    /// Snapshots that hold what their records give, by the last record they cover.
    package var confirmed: [UInt64] = []
    /// What is wrong: rules that do not hold, snapshots that hold something else, damage.
    package var problems: [String] = []

    /// Nothing was gone through yet.
    package init() {}
}

/// Goes through what a coordinator has stored, and says what it decided.
///
/// Records are facts; decisions are not stored, since the core takes the same ones from the same facts.
/// So going through them once more shows what was decided, and whether that is still so.
package struct JournalReplay {
    private let options: ReplayOptions
    private let show: (ReplayStep) -> Void
    private var coordinator = Coordinator()
    private var names = ReplayNames()
    private var report = ReplayReport()
    private var hasBegun = false
    /// The snapshot that is being read.
    private var frames = Frames()

    /// Reads the journal in a folder; a coordinator may go on meanwhile.
    ///
    /// - Parameter show: gets each fact that is to be shown.
    /// - Throws: where the journal cannot be read; what is damaged is in the report.
    package static func read(
        folder: String, _ options: ReplayOptions = ReplayOptions(),
        show: (ReplayStep) -> Void
    ) throws(JournalError) -> ReplayReport {
        try withoutActuallyEscaping(show) { show throws(JournalError) in
            var replay = JournalReplay(options: options, show: show)
            return try replay.read(folder)
        }
    }

    private init(options: ReplayOptions, show: @escaping (ReplayStep) -> Void) {
        self.options = options
        self.show = show
    }

    private mutating func read(_ folder: String) throws(JournalError) -> ReplayReport {
        let found = try JournalReader(folder: folder).replay { (item) throws(JournalError) in
            switch item {
            case .snapshot(let last, let piece): try take(piece, upTo: last)
            case .records(let records):
                hasBegun = true
                try records.forEach { (number, bytes) throws(JournalError) in
                    guard number <= options.to else { return }
                    do throws(CodingError) {
                        try take(try StateRecord(Array(bytes)), number)
                    } catch {
                        throw unreadable("record \(number)", error)
                    }
                }
            }
        }
        report.base = found.base
        report.problems += found.damagedSnapshots
        if let damage = found.damage {
            report.problems.append("after record \(found.last): \(damage)")
        }
        if !options.checksEach { check() }
        report.nanoseconds = coordinator.latest.nanoseconds
        return report
    }

    private func unreadable(_ what: String, _ error: any Error) -> JournalError {
        JournalError(.refused, "\(what) is whole and makes no sense to this fanfold: \(error)")
    }

    // MARK: Snapshots

    private mutating func take(_ piece: [UInt8], upTo last: UInt64) throws(JournalError) {
        var states: [[UInt8]] = []
        do {
            try frames.take(piece) { frame in
                if let state = EngineJournal.state(inFrame: frame) { states.append(state) }
            }
            for state in states { try take(EngineBooks(decoding: state), upTo: last) }
        } catch {
            throw unreadable("the snapshot up to record \(last)", error)
        }
    }

    /// The first one is where it begins, the others are compared.
    private mutating func take(_ books: EngineBooks, upTo last: UInt64) {
        guard last <= options.to else { return }
        if hasBegun {
            if books.coordinator.encoded() == coordinator.encoded() {
                report.confirmed.append(last)
            } else {
                report.problems.append(
                    "the snapshot up to record \(last) holds something else than its records give; "
                        + "was it written by another version?")
            }
            return
        }
        hasBegun = true
        coordinator = books.coordinator
        report.last = last
        for label in books.workerLabels { names.enter(worker: label) }
        for run in books.runs { names.enter(run: run.id, label: run.label, tasks: run.tasks) }
    }

    // MARK: Records

    private mutating func take(_ record: StateRecord, _ number: UInt64) {
        report.last = number
        guard case .engine(let fact) = record else { return }
        switch fact {
        case .event(let event, let moment): take(event, moment, number)
        case .run(let spec, let label, let moment):
            names.enter(run: spec.id, label: label, tasks: spec.tasks.map(\.name))
            take(.runSubmitted(spec), moment, number)
        case .worker(let spec, let label, let moment):
            names.enter(worker: label)
            take(.workerRegistered(spec), moment, number)
        }
    }

    private mutating func take(_ event: Event, _ moment: Tick, _ number: UInt64) {
        let effects = coordinator.handle(event, at: moment)
        report.facts += 1
        if options.checksEach { check(after: number) }
        guard number >= options.from else { return }
        let runs = Set(names.runs(of: event) + effects.flatMap(names.runs)).map(\.rawValue).sorted()
        if let wanted = options.run, !runs.contains(wanted) { return }
        show(
            ReplayStep(
                record: number, nanoseconds: moment.nanoseconds, event: names.sentence(event),
                decisions: effects.compactMap(names.sentence), runs: runs))
    }

    private mutating func check(after record: UInt64? = nil) {
        guard report.problems.count < JournalLimits.problems else { return }
        let place = record.map { "after record \($0): " } ?? ""
        report.problems += coordinator.violations().map { "\(place)a rule does not hold: \($0)" }
    }
}
