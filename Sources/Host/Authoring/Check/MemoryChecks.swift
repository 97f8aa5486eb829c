import CFanfoldSystem
import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of memory: whose it is, how long, and that it comes back.
enum MemoryChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "borrow", subject: .instance,
            summary: "What is lent for a call is only read, and not touched after it.",
            consequence: "It would read what has become something else, now and then.",
            body: borrow),
        CheckCase(
            name: "blob-release", subject: .instance,
            summary: "Every blob is released exactly once, wherever and whenever that is.",
            consequence: "The coordinator's memory would grow, or be used after it is given back.",
            body: release),
        CheckCase(
            name: "rss-slope", subject: .instance,
            summary: "Ten thousand operations on one instance leave no memory behind.",
            consequence: "A coordinator that runs for weeks would grow until it is killed.",
            timeout: 60, body: slope),
        CheckCase(
            name: "oom", level: .should, subject: .instance,
            summary: "An allocation that fails is an error, or makes no difference.",
            consequence: "A machine that is short of memory would lose the coordinator.",
            timeout: 60, body: outOfMemory),
    ]

    private static func borrow(_ context: CheckContext) throws -> CheckOutcome {
        let lender = GuardedLender()
        try InstanceChecks.everyComponent(context) { component, configuration in
            guard component.descriptor.kind == .strategy else {
                try context.instance(component, configuration, lender: lender).interface()
                return
            }
            let driver = try StrategyDriver(
                context, component, configuration, items: 101, lender: lender)
            driver.shuffleSeed = context.seed
            _ = try driver.run()
            driver.destroy()
            let failing = try StrategyDriver(
                context, component, configuration, items: 101, lender: lender)
            try failing.begin()
            _ = failing.tell(.capacity)
            _ = try failing.split(want: 2)
            for subtask in failing.subtasks { _ = failing.tell(.failure(subtask.id, 1, 3)) }
            _ = try failing.split(want: 2)
            failing.endTask()
            failing.destroy()
        }
        return .passed()
    }

    private static func release(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            func driver() throws -> StrategyDriver {
                try StrategyDriver(context, component, configuration, items: 101)
            }
            let whole = try driver()
            _ = try whole.run()
            try require(whole, "")
            let early = try driver()
            early.failing = (1, 0, 1)
            _ = try early.run()
            early.destroy()
            try require(early, "after a failed task: ")
            let abandoned = try driver()
            try abandoned.begin()
            _ = try abandoned.split(want: 4)
            for subtask in abandoned.subtasks {
                _ = abandoned.tell(.result(subtask.id, Array("1\n".utf8)))
            }
            abandoned.endTask()
            abandoned.destroy()
            try require(abandoned, "after a task that was given up: ")
            let late = try driver()
            late.sink.keepsParts = true
            _ = try late.run()
            CheckTrace.phase("in release, from another thread, after destroy, the last blob first")
            late.destroy()
            CheckThread { late.sink.releaseKept() }.join()
            try require(late, "released late, from another thread: ")
        }
        return .passed()
    }

    private static func require(_ driver: StrategyDriver, _ when: String) throws {
        if let fault = driver.releaseFaults().first { throw CheckStop.failed(when + fault) }
    }

    private static func slope(_ context: CheckContext) throws -> CheckOutcome {
        let wanted = 10_000
        var note = ""
        try InstanceChecks.each(context) { component, configuration in
            let driver = try StrategyDriver(context, component, configuration, items: 101)
            var calls = 0
            driver.onTell = { _ in calls += 1 }
            func run(until count: Int) throws {
                while calls < count {
                    _ = try driver.run()
                    driver.again()
                }
            }
            try run(until: wanted / 5)
            fanfold_return_freed_memory()
            let before = Int(fanfold_heap_bytes())
            let first = calls
            try run(until: wanted)
            let grown = Int(fanfold_heap_bytes()) - before
            let limit = 4
            guard grown <= limit * (calls - first) else {
                throw CheckStop.failed(
                    "\(calls - first) calls leave \(grown) bytes behind, and every task had "
                        + "ended; end must free what the task had")
            }
            note = "\(calls) calls, \(max(0, grown)) bytes"
        }
        return .passed(note)
    }

    private static func outOfMemory(_ context: CheckContext) throws -> CheckOutcome {
        let limit: UInt64 = 500
        var refused = 0
        let initializers = try LinkChecks.details(context).initializers
        for (mark, language) in [("swift_image_constructor", "Swift"), ("ARGV_INIT_ARRAY", "Rust")]
        where initializers.contains(where: { $0.contains(mark) }) {
            return .skipped(
                "it is written in \(language), which ends the process when memory is out; "
                    + "run it isolated where that matters")
        }
        guard fan_watch_allocations(try context.loaded().handle) > 0 else {
            return .skipped("it allocates through other libraries, whose failures end the process")
        }
        try InstanceChecks.everyComponent(context) { component, configuration in
            for number in 1...limit {
                CheckTrace.phase("with allocation number \(number) refused")
                fan_fail_allocation(number)
                let worked = attempt(context, component, configuration)
                let count = fan_allocation_count()
                fan_fail_allocation(0)
                if count < number { break }
                refused += worked ? 0 : 1
            }
        }
        return .passed("\(refused) refusals")
    }

    private static func attempt(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) -> Bool {
        guard component.descriptor.kind == .strategy else {
            return (try? context.instance(component, configuration, isSilent: true)) != nil
        }
        guard
            let driver = try? StrategyDriver(
                context, component, configuration, items: 20, isSilent: true)
        else { return false }
        return (try? driver.run()) != nil
    }
}
