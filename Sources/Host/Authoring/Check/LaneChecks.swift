import CFanfoldSystem
import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of threads: who may call whom, and when.
enum LaneChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "lane-any-thread", subject: .instance,
            summary: "Calls that come from another thread each time get the same answers.",
            consequence: "It would fail as soon as the host moves its lane to another thread.",
            timeout: 60, body: anyThread),
        CheckCase(
            name: "lane-serial", subject: .instance,
            summary: "It puts subtasks and outputs on the thread that it was called on.",
            consequence: "The host would be changed by two threads at once.", body: serial),
        CheckCase(
            name: "any-concurrent", subject: .instance,
            summary: "Eight instances at work on eight threads answer as one alone does.",
            consequence: "Two runs of one coordinator would spoil each other now and then.",
            timeout: 60, body: concurrent),
        CheckCase(
            name: "no-reentry", subject: .instance,
            summary: "It holds no lock while it calls the host.",
            consequence: "Host and plugin would wait for each other for ever.", body: reentry),
        CheckCase(
            name: "sink-in-call", subject: .instance,
            summary:
                "It uses a sink during its call only, ids once, and completes nothing unasked.",
            consequence: "Work would be done twice, or for a task that has ended.", body: once),
    ]

    private static func anyThread(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            let one = try StrategyChecks.transcript(context, component, configuration)
            let many = try StrategyChecks.transcript(context, component, configuration) {
                $0.usesFreshThreads = true
            }
            guard one.transcript == many.transcript else {
                throw CheckStop.failed("it answers differently on other threads")
            }
        }
        return .passed()
    }

    private static func serial(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            let driver = try StrategyDriver(context, component, configuration, items: 101)
            _ = try driver.run()
            guard driver.sink.foreignCalls.isEmpty else {
                throw CheckStop.failed(
                    "it puts \(driver.sink.foreignCalls[0]) from a thread of its own; a sink is "
                        + "for the thread that was called")
            }
        }
        return .passed()
    }

    private static func concurrent(_ context: CheckContext) throws -> CheckOutcome {
        let threads = 8
        try InstanceChecks.each(context) { component, configuration in
            let alone = try StrategyDriver(context, component, configuration, items: 101).run()
            let drivers = try (0..<threads).map { _ in
                try StrategyDriver(context, component, configuration, items: 101)
            }
            CheckTrace.phase("in \(threads) tasks on \(threads) threads at once")
            let workers = drivers.map { driver in
                CheckThread { () -> String? in
                    for _ in 0..<10 {
                        do {
                            guard try driver.run().transcript == alone.transcript else {
                                return "it answers differently while other instances work"
                            }
                        } catch {
                            return (error as? CheckStop)?.outcome.message ?? "\(error)"
                        }
                        driver.again()
                    }
                    return nil
                }
            }
            if let fault = workers.map({ $0.join() }).compactMap({ $0 }).first {
                throw CheckStop.failed("on one of \(threads) threads: \(fault)")
            }
        }
        return .passed("\(threads) threads")
    }

    /// How long `query`, which must not block, may take while the plugin calls the host.
    private static let patienceMilliseconds = 1_000

    private static func reentry(_ context: CheckContext) throws -> CheckOutcome {
        var calls = 0
        try InstanceChecks.each(context) { component, configuration in
            let host = MockHost()
            let driver = try StrategyDriver(
                context, component, configuration, items: 20, host: host)
            let query = component.plugin.pointee.query
            let pointer = driver.pointer
            var isBlocked = false
            let probe = {
                calls += 1
                guard !isBlocked else { return }
                let answered = Signal()
                let thread = CheckThread {
                    _ = query(pointer, "fanfold.strategy/1")
                    answered.raise()
                }
                if answered.wait(milliseconds: patienceMilliseconds) {
                    thread.join()
                } else {
                    isBlocked = true
                }
            }
            driver.sink.onCall = probe
            host.onCall = probe
            CheckTrace.phase("calling the host, which asks it for an interface meanwhile")
            _ = try driver.run()
            guard !isBlocked else {
                throw CheckStop.failed(
                    "query, which must not block, waits while it calls the host: it holds a lock "
                        + "that it should have let go")
            }
        }
        return .passed("\(calls) calls of the host")
    }

    private static func once(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            let host = MockHost()
            let driver = try StrategyDriver(
                context, component, configuration, items: 101, host: host)
            driver.sink.usesFreshTables = true
            let record = try driver.run()
            if let fault = driver.afterEnd() { throw CheckStop.failed(fault) }
            driver.destroy()
            guard driver.sink.lateCalls.isEmpty else {
                throw CheckStop.failed(
                    "it puts \(driver.sink.lateCalls[0]) through a sink whose call has returned")
            }
            guard host.strayAnswers.isEmpty else {
                throw CheckStop.failed(
                    "it calls \(host.strayAnswers[0]) of the host for an operation that nobody "
                        + "asked for")
            }
            var ids: Set<UInt64> = []
            for subtask in record.subtasks where !ids.insert(subtask.id).inserted {
                throw CheckStop.failed("two subtasks of a task have the id \(subtask.id)")
            }
        }
        return .passed()
    }
}

/// Something that one thread waits for and another one says.
final class Signal: @unchecked Sendable {
    // Unchecked: a descriptor; the kernel is the lock.
    private var readEnd: Int32 = -1
    private var writeEnd: Int32 = -1

    init() {
        _ = fan_pipe_from_child(&readEnd, &writeEnd)
    }

    deinit {
        for end in [readEnd, writeEnd] where end >= 0 { close(end) }
    }

    func raise() {
        var byte: UInt8 = 1
        write(writeEnd, &byte, 1)
    }

    /// Whether it was said in time.
    func wait(milliseconds: Int) -> Bool {
        var wait = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, Int32(milliseconds)) > 0
    }
}
