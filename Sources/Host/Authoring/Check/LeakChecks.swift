import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks that nothing of the process is left in use once every instance has ended.
enum LeakChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "fd-leak", subject: .instance,
            summary: "After destroy no descriptor is left open.",
            consequence: "A coordinator would run out of descriptors after some runs.",
            body: { context in
                try compare(context, "descriptors open", \.descriptors)
            }),
        CheckCase(
            name: "thread-leak", subject: .instance,
            summary: "After destroy no thread is left running.",
            consequence: "A thread would go on in memory that is no longer its own.",
            body: { context in
                try compare(context, "threads running", \.threads)
            }),
        CheckCase(
            name: "mmap-leak", subject: .instance,
            summary: "After destroy no memory is left mapped.",
            consequence: "A coordinator would run out of address space or of mappings.",
            body: mappings),
    ]

    /// Makes instances, runs a task on each, ends them.
    private static func cycle(_ context: CheckContext) throws {
        try InstanceChecks.everyComponent(context) { component, configuration in
            guard component.descriptor.kind == .strategy else {
                try context.instance(component, configuration).interface()
                return
            }
            let driver = try StrategyDriver(context, component, configuration, items: 20)
            // What it makes of the task does not matter here.
            _ = try? driver.run()
            driver.destroy()
        }
    }

    private static func compare(
        _ context: CheckContext, _ what: String,
        _ count: KeyPath<ProcessCounts, Int> & Sendable
    ) throws -> CheckOutcome {
        _ = try context.components()
        let before = ProcessCounts()[keyPath: count]
        for _ in 0..<3 { try cycle(context) }
        var after = ProcessCounts()[keyPath: count]
        // A thread that has been joined may take a moment to leave the list of the kernel.
        for _ in 0..<100 where after > before {
            usleep(2_000)
            after = ProcessCounts()[keyPath: count]
        }
        guard after <= before else {
            return .failed("\(after - before) more \(what) than before the first instance")
        }
        return .passed()
    }

    private static func mappings(_ context: CheckContext) throws -> CheckOutcome {
        let rounds = 200
        let host = MockHost()
        let error = LentError()
        func make(_ count: Int) throws {
            try InstanceChecks.everyComponent(context) { component, configuration in
                let bytes = configuration.bytes
                for _ in 0..<count {
                    _ = try CheckedInstance(
                        component, configuration: bytes, host: host, error: error)
                }
            }
        }
        try cycle(context)
        try make(rounds)
        let before = ProcessCounts().addressBytes
        try make(rounds)
        let grown = ProcessCounts().addressBytes - before
        let page = sysconf(Int32(_SC_PAGESIZE))
        guard grown < rounds * page else {
            return .failed(
                "\(rounds) instances leave \(grown >> 10) KiB of address space in use; unmap what "
                    + "was mapped")
        }
        return .passed("\(grown) bytes")
    }
}
