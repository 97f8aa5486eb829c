import ArgumentParser
import FanfoldJournal
import FanfoldRuntime
@preconcurrency import Glibc

/// `fanfold journal`: what a coordinator has stored.
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Checks, shows and repairs what a coordinator has stored.",
        discussion: "See docs/durability.md for what is stored and what to do when.",
        subcommands: [
            JournalVerifyCommand.self, JournalExportCommand.self, JournalRepairCommand.self,
        ])
}

/// The folder of a journal.
struct JournalFolderOption: ParsableArguments {
    @Argument(
        help: "The folder in which a coordinator keeps its state, or the journal in it.",
        completion: .directory)
    var folder: String

    /// The journal is a folder of its own in that of the coordinator; both may be named.
    private var journal: String {
        let inner = folder + "/journal"
        return access(inner + "/journal.sqlite", F_OK) == 0 ? inner : folder
    }

    /// Runs what is done with the folder; an error is said, and becomes an exit code.
    func run(_ body: (String) throws(JournalError) -> Void) throws {
        do throws(JournalError) {
            try body(journal)
        } catch {
            Terminal.complain("error: \(error)")
            throw error.code == .missing ? Exit.notFound : Exit.runFailed
        }
    }
}

/// `fanfold journal verify`: whether all is whole.
struct JournalVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Says whether everything that is stored is whole.",
        discussion: """
            The coordinator may go on meanwhile. Exit code 0: all is whole; 1: it is not, and each \
            problem is a line on standard error.
            """)

    @OptionGroup var folder: JournalFolderOption

    func run() throws {
        var isSound = true
        try folder.run { path throws(JournalError) in
            let report = try JournalReader(folder: path).verify()
            for snapshot in report.snapshots where snapshot.problem == nil {
                Terminal.print(
                    "snapshot: up to record \(snapshot.upTo), \(Human.bytes(Int64(clamping: snapshot.bytes)))"
                )
            }
            let range = report.records == 0 ? "" : ", \(report.first) to \(report.last)"
            Terminal.print(
                "records: \(report.records)\(range), in \(report.rows) batches, "
                    + Human.bytes(Int64(clamping: report.bytes)))
            for problem in report.problems { Terminal.complain("error: \(problem)") }
            isSound = report.problems.isEmpty
        }
        guard isSound else { throw Exit.runFailed }
    }
}

/// `fanfold journal export`: the records as JSON lines.
struct JournalExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Prints the records, one JSON object a line.",
        discussion: """
            The coordinator may go on meanwhile. With sequence, length, sum (right, wrong) and the \
            bytes in Base64. Exit code 1: something is damaged, which is said on standard error.
            """)

    @OptionGroup var folder: JournalFolderOption

    @Option(help: "The first record.")
    var from: UInt64 = 0

    @Flag(help: "End before the first damage instead of showing it.")
    var toFirstDamage = false

    func run() throws {
        var damage: String?
        try folder.run { path throws(JournalError) in
            var options = ExportOptions()
            options.from = from
            options.stopsAtDamage = toFirstDamage
            let summary = try JournalReader(folder: path).export(options) {
                line throws(JournalError) in
                Terminal.print(line)
            }
            if let found = summary.damage {
                damage = "after record \(summary.last): \(found)"
            }
        }
        guard let damage else { return }
        Terminal.complain("error: \(damage)")
        throw Exit.runFailed
    }
}

/// `fanfold journal repair`: the way on when recovery is refused.
struct JournalRepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Cuts a journal off at its first damage, so that a coordinator can go on.",
        discussion: """
            The coordinator must not run. All is kept, as it was found, in a folder beside; what \
            comes after the damage is not used any more. Look at it with export first.
            """)

    @OptionGroup var folder: JournalFolderOption

    func run() throws {
        try folder.run { path throws(JournalError) in
            let report = try Journal.repair(folder: path)
            for name in report.damagedSnapshots {
                Terminal.print("not whole, put aside: \(name)")
            }
            guard let cut = report.cut else {
                Terminal.print("nothing to cut: all is whole up to record \(report.last)")
                return
            }
            Terminal.print(
                "cut off from record \(cut.from) on: \(Human.count(Int(cut.records), "record")), "
                    + "because \(cut.reason); kept in \(cut.keptIn)")
            for table in report.incompleteTables {
                Terminal.print("rows of the table \(table) could not be read and are gone")
            }
        }
    }
}
