import FanfoldRuntime
import Synchronization

/// Shows how far a run is: a bar on a terminal, plain lines elsewhere.
final class ProgressDisplay: Sendable {
    /// A line every so often where there is no terminal, in nanoseconds.
    static let plainNanoseconds: UInt64 = 5_000_000_000

    private let engine: Engine
    private let style: OutputStyle
    private let refreshNanoseconds: UInt64
    private let stopping = Mailbox<Void>()
    private let thread = Mutex<PlainThread?>(nil)

    /// A display for a run; it shows nothing unless the style is `table`.
    init(engine: Engine, style: OutputStyle, context: HostContext) {
        self.engine = engine
        self.style = style
        refreshNanoseconds = context.progressNanoseconds
    }

    /// Begins to show.
    func start() {
        guard style == .table else { return }
        thread.withLock { thread in
            thread = PlainThread(name: "progress") { [self] in show() }
        }
    }

    /// Clears the bar; returns when nothing more is shown.
    func stop() {
        stopping.post(())
        thread.withLock { $0 }?.join()
    }

    private func show() {
        var plainAt = monotonicNanoseconds() + Self.plainNanoseconds
        while stopping.takeAll(until: monotonicNanoseconds() + refreshNanoseconds).isEmpty {
            let progress = engine.progress
            if Terminal.isInteractive {
                Terminal.show("\r" + bar(progress) + "\u{1B}[K")
            } else if monotonicNanoseconds() >= plainAt {
                plainAt += Self.plainNanoseconds
                Terminal.complain(line(progress))
            }
        }
        if Terminal.isInteractive { Terminal.show("\r\u{1B}[K") }
    }

    private func bar(_ progress: RunProgress) -> String {
        let (done, known, isOpen) = totals(progress)
        let text = line(progress)
        let room = min(40, Terminal.width - text.count - 4)
        guard room >= 8 else { return String(text.prefix(Terminal.width - 1)) }
        let share = known == 0 ? 0 : Double(done) / Double(known)
        let filled = Int(share * Double(room))
        let rest = String(repeating: isOpen ? "·" : " ", count: room - filled)
        return "[" + String(repeating: "=", count: filled) + rest + "] " + text
    }

    private func line(_ progress: RunProgress) -> String {
        let (done, known, isOpen) = totals(progress)
        let failed = progress.tasks.reduce(0) { $0 + $1.numbers.failed }
        let running = progress.tasks.reduce(0) { $0 + $1.numbers.running }
        let active = progress.tasks.first {
            $0.numbers.phase == .running || $0.numbers.phase == .finishing
        }
        let seconds = max(0.001, Double(progress.elapsedNanoseconds) / 1e9)
        let rate = Double(done) / seconds
        var parts = ["\(done)/\(known)\(isOpen ? "+" : "") done", "\(running) running"]
        if failed > 0 { parts.append("\(failed) failed") }
        parts.append("\(Human.fixed(rate, rate < 10 ? 1 : 0))/s")
        if !isOpen, rate > 0, known > done {
            parts.append("ETA \(Human.time(UInt64(Double(known - done) / rate * 1e9)))")
        }
        parts.append(Human.count(progress.workers, "worker"))
        return (active.map { "\($0.name): " } ?? "") + parts.joined(separator: ", ")
    }

    private func totals(_ progress: RunProgress) -> (done: Int, known: Int, isOpen: Bool) {
        var done = 0
        var known = 0
        var isOpen = false
        for task in progress.tasks {
            done += task.numbers.succeeded + task.numbers.failed + task.numbers.withdrawn
            known += task.numbers.put
            isOpen = isOpen || !task.numbers.allPut
        }
        return (done, known, isOpen)
    }
}
