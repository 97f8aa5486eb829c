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
                Terminal.show("\r" + line(progress).bar(width: Terminal.width) + "\u{1B}[K")
            } else if monotonicNanoseconds() >= plainAt {
                plainAt += Self.plainNanoseconds
                Terminal.complain(line(progress).text)
            }
        }
        if Terminal.isInteractive { Terminal.show("\r\u{1B}[K") }
    }

    private func line(_ progress: RunProgress) -> ProgressLine {
        var line = ProgressLine()
        line.isOpen = false
        for task in progress.tasks {
            let numbers = task.numbers
            line.done += numbers.succeeded + numbers.failed + numbers.withdrawn
            line.known += numbers.put
            line.isOpen = line.isOpen || !numbers.allPut
            line.failed += numbers.failed
            line.running += numbers.running
        }
        line.task =
            progress.tasks.first {
                $0.numbers.phase == .running || $0.numbers.phase == .finishing
            }?.name
        line.nanoseconds = progress.elapsedNanoseconds
        line.workers = progress.workers
        return line
    }
}
