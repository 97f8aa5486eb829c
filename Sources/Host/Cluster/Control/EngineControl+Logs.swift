import FanfoldAPI
import FanfoldCore
import FanfoldJSON
import FanfoldRuntime
import FanfoldWire
import Synchronization

extension EngineControl {
    /// Time that workers have to answer a question about logs.
    static let logAnswer = Duration.seconds(3)
    /// Bytes of one attempt that an answer about several carries.
    static let logBytesOfOne = 64 << 10
    /// Bytes that are collected for one answer; what workers would send beyond is not waited for.
    static let logGatherBytes = 16 << 20
    /// Time between two looks at what has come.
    static let logPause = Duration.milliseconds(50)
    /// Time between two looks at whether the subject has ended and who is there.
    static let logLook = Duration.milliseconds(500)
    /// Time after which one who follows gets a sign of life.
    static let logSilence = Duration.seconds(15)

    func logs(_ query: LogQuery) async throws(ControlError) -> [LogTail] {
        let known = await ask { [books, hub] view in
            books.logs(query.subject, view).map { ($0, hub.logView(query.subject, view)) }
        }
        guard let known else { throw silent }
        guard let (failed, view) = known else { throw Self.noRun(query.subject.run) }
        let reader = LogReader(hub.logs)
        reader.ask(view.question(query, follows: false), of: view.workers)
        var pieces: [LogPiece] = []
        var gathered = 0
        let end = ContinuousClock.now.advanced(by: Self.logAnswer)
        while true {
            let (more, isOpen) = reader.take()
            pieces += more
            gathered += more.reduce(0) { $0 + $1.bytes.count }
            guard isOpen, gathered < Self.logGatherBytes, ContinuousClock.now < end,
                !Task.isCancelled
            else { break }
            // A client that went away needs no answer.
            try? await Task.sleep(for: .milliseconds(5))
        }
        return LogJoining.tails(of: pieces, besides: failed, view.names, maximum: query.bytes)
    }

    func followLogs(_ query: LogQuery) async throws(ControlError) -> LogStream {
        let known = await ask { [books, hub] view in
            books.logs(query.subject, view).map { _ in hub.logView(query.subject, view) }
        }
        guard let known else { throw silent }
        guard let view = known else { throw Self.noRun(query.subject.run) }
        let following = LogFollowing(control: self, query, view)
        return LogStream { () throws(ControlError) in try await following.next() }
    }

    /// How it stands with a subject now; `nil` if there is no such thing any more.
    func logView(_ subject: RunSubject) async -> LogView? {
        await ask { [hub] view in hub.logView(subject, view) }
    }

    /// Tells how far an attempt is; on the loop's thread.
    func note(_ entry: LiveProgress.Entry, _ loop: EngineLoop) {
        guard let place = loop.place(of: entry.attempt.task) else { return }
        let data: JSON = [
            "task": .string(place.name), "subtask": .integer(Int64(entry.attempt.index)),
            "attempt": .integer(Int64(entry.attempt.epoch)),
            "fraction": .number(entry.progress.fraction), "note": .string(entry.progress.note),
        ]
        ring.append(
            kind: "subtask.progressed", time: .now(), run: place.run.rawValue,
            worker: UInt64(entry.worker.index), data: data)
    }
}

/// What the loop knows of a subject whose logs are wanted.
struct LogView: Sendable {
    /// The tasks, in the order of the document.
    var names: [(id: TaskID, name: String)] = []
    /// Only this subtask.
    var index: UInt32?
    /// Whether nothing more will be written.
    var isOver = true
    /// The workers that are here.
    var workers: [(WorkerID, WireSession)] = []

    func question(_ query: LogQuery, follows: Bool) -> LogQuestion {
        LogQuestion(
            tasks: names.map(\.id), index: index,
            bytes: UInt64(
                index == nil ? min(query.bytes, EngineControl.logBytesOfOne) : query.bytes),
            lines: UInt64(query.lines), follows: follows)
    }
}

extension WorkerHub {
    /// How it stands with a subject; on the loop's thread.
    func logView(_ subject: RunSubject, _ view: RunBooks.View) -> LogView {
        var found = LogView()
        guard let run = view.loop.run(RunID(subject.run)) else { return found }
        let tasks = view.loop.tasks(of: run)
            .filter { task in subject.task.map { $0 == task.name } ?? true }
        found.names = tasks.map { ($0.id, $0.name) }
        found.index = subject.subtask
        found.workers = connections
        found.isOver = run.outcome != nil || tasks.allSatisfy { $0.outcome != nil }
        if let index = subject.subtask, let task = tasks.first {
            switch view.loop.subtask(SubtaskID(task: task.id, index: index))?.phase {
            case .succeeded, .failed, .withdrawn: found.isOver = true
            default: break
            }
        }
        return found
    }
}

/// One who follows logs; called by one task at a time.
private actor LogFollowing {
    private let control: EngineControl
    private let query: LogQuery
    private let reader: LogReader
    private var view: LogView
    private var lookDue = ContinuousClock.now
    /// Until when workers may still send what was written before the end.
    private var end: ContinuousClock.Instant?
    private var isOver = false

    init(control: EngineControl, _ query: LogQuery, _ view: LogView) {
        self.control = control
        self.query = query
        self.view = view
        reader = LogReader(control.hub.logs)
        reader.ask(view.question(query, follows: true), of: view.workers)
    }

    func next() async throws(ControlError) -> [LogTail]? {
        guard !isOver else { return nil }
        let silent = ContinuousClock.now.advanced(by: EngineControl.logSilence)
        while true {
            let (pieces, isOpen) = reader.take()
            if !pieces.isEmpty { return pieces.compactMap { LogJoining.tail($0, view.names) } }
            let now = ContinuousClock.now
            if let end, !isOpen || now >= end {
                isOver = true
                return nil
            }
            if now >= silent { return [] }
            if end == nil, now >= lookDue { try await look(now) }
            do {
                try await Task.sleep(for: EngineControl.logPause)
            } catch {
                isOver = true
                return nil
            }
        }
    }

    private func look(_ now: ContinuousClock.Instant) async throws(ControlError) {
        guard let view = await control.logView(query.subject) else {
            throw control.silent
        }
        lookDue = now.advanced(by: EngineControl.logLook)
        guard view.isOver else {
            self.view = view
            return reader.ask(view.question(query, follows: true), of: view.workers)
        }
        end = now.advanced(by: EngineControl.logAnswer)
        reader.drain()
    }
}

extension ProgressDetail {
    init(_ entry: LiveProgress.Entry) {
        self.init(
            subtask: entry.attempt.index, attempt: Int(entry.attempt.epoch),
            worker: UInt64(entry.worker.index), fraction: entry.progress.fraction,
            note: entry.progress.note)
    }
}

extension RunBooks {
    /// What failed attempts wrote last; `nil` if there is no such run or task.
    func logs(_ subject: RunSubject, _ view: View) -> [(TaskID, LogTail)]? {
        guard let run = view.loop.run(RunID(subject.run)) else { return nil }
        let tasks = view.loop.tasks(of: run)
            .filter { task in subject.task.map { $0 == task.name } ?? true }
        guard subject.task == nil || !tasks.isEmpty else { return nil }
        return tasks.flatMap { task in
            task.failedAttempts
                .filter { failed in subject.subtask.map { $0 == failed.index } ?? true }
                .map { failed in
                    let text = failed.stderrTail.isEmpty ? failed.message : failed.stderrTail
                    let tail = LogTail(
                        task: task.name, subtask: failed.index, attempt: Int(failed.attempt),
                        text: text)
                    return (task.id, tail)
                }
        }
    }
}

/// From pieces of several workers to what is shown.
enum LogJoining {
    static func tail(_ piece: LogPiece, _ names: [(id: TaskID, name: String)]) -> LogTail? {
        guard let name = names.first(where: { $0.id == piece.attempt.task })?.name else {
            return nil
        }
        return LogTail(
            task: name, subtask: piece.attempt.index, attempt: Int(piece.attempt.epoch),
            worker: UInt64(piece.worker.index), text: String(decoding: piece.bytes, as: UTF8.self),
            isCut: false, offset: piece.offset, bytes: piece.bytes.count, hasEnded: piece.hasEnded)
    }

    /// The pieces of each attempt as one, and the ends of failed attempts that no worker has any more.
    ///
    /// - Parameter maximum: bytes of all together; what is too much is cut from the first.
    static func tails(
        of pieces: [LogPiece], besides failed: [(TaskID, LogTail)],
        _ names: [(id: TaskID, name: String)], maximum: Int
    ) -> [LogTail] {
        var joined: [AttemptID: LogPiece] = [:]
        for piece in pieces {
            guard var known = joined[piece.attempt] else {
                joined[piece.attempt] = piece
                continue
            }
            known.bytes += piece.bytes
            known.hasEnded = piece.hasEnded
            joined[piece.attempt] = known
        }
        var tails: [LogTail] = []
        for (task, name) in names {
            var mine = joined.values.filter { $0.attempt.task == task && !$0.bytes.isEmpty }
                .compactMap { piece in
                    tail(piece, [(task, name)]).map { tail in
                        var tail = tail
                        tail.isCut = piece.offset > 0
                        return tail
                    }
                }
            let here = Set(mine.map { [UInt64($0.subtask), UInt64($0.attempt)] })
            mine += failed.filter { id, tail in
                id == task && !here.contains([UInt64(tail.subtask), UInt64(tail.attempt)])
            }.map(\.1)
            tails += mine.sorted { ($0.subtask, $0.attempt) < ($1.subtask, $1.attempt) }
        }
        return cut(tails, to: maximum)
    }

    private static func cut(_ tails: [LogTail], to maximum: Int) -> [LogTail] {
        var left = maximum
        var kept: [LogTail] = []
        for tail in tails.reversed() where left > 0 {
            var tail = tail
            if tail.text.utf8.count > left {
                tail.text = String(decoding: tail.text.utf8.suffix(left), as: UTF8.self)
                tail.isCut = true
            }
            left -= min(left, tail.text.utf8.count)
            kept.append(tail)
        }
        return kept.reversed()
    }
}
