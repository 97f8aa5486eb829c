import CFanfoldSystem
import CPluginABI
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Checks of instances: how they come, what they refuse, and that they go.
enum InstanceChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "create-default", subject: .library,
            summary: "Every component makes an instance from the defaults or its first example.",
            consequence: "No pipeline could use it.", body: createDefault),
        CheckCase(
            name: "create-every-example", subject: .instance,
            summary: "Every example of the schema makes an instance that has its interface.",
            consequence: "What its own documentation shows would be refused.", body: examples),
        CheckCase(
            name: "create-destroy-1000", subject: .instance,
            summary: "A thousand instances leave no memory behind.",
            consequence: "A long-running coordinator would grow with every run.", body: slope),
        CheckCase(
            name: "two-instances-independent", subject: .instance,
            summary: "An instance answers the same while another one works in between.",
            consequence: "Two tasks of a pipeline would disturb each other.", body: independent),
        CheckCase(
            name: "many-threads-create", subject: .instance,
            summary: "Instances are made and ended on eight threads at once.",
            consequence: "A host that starts several tasks at once would fail now and then.",
            body: manyThreads),
        CheckCase(
            name: "create-unknown-component", subject: .instance,
            summary: "An unknown id is refused with NOT_FOUND, and *out is left alone.",
            consequence: "A wrong `use:` would run something else without a word.",
            body: unknownComponent),
        CheckCase(
            name: "config-fuzz", subject: .instance,
            summary: "Broken configurations are refused with the place of what is wrong.",
            consequence: "A typing error in a pipeline would end the coordinator.", timeout: 60,
            body: ConfigurationFuzzer.check),
        CheckCase(
            name: "query-unknown", subject: .instance,
            summary: "Unknown interfaces are NULL, known ones at one address, from any thread.",
            consequence: "A newer host would call a table that is not there.", body: queryUnknown),
        CheckCase(
            name: "null-and-empty", subject: .instance,
            summary: "Optional pointers may be NULL, and views, lists and wishes empty.",
            consequence: "An empty input would end the coordinator.", body: EmptyInputs.check),
        CheckCase(
            name: "error-hygiene", subject: .instance,
            summary: "A failure fills the error in; success leaves it alone; secrets stay out.",
            consequence: "A failure would be shown without a reason, or retried for ever.",
            body: ErrorHygiene.check),
    ]

    /// Every strategy with its first configuration.
    static func each(
        _ context: CheckContext, _ body: (CheckedComponent, JSON) throws -> Void
    ) throws {
        for component in try context.strategies() {
            guard let first = try component.configurations().first else { continue }
            try body(component, first)
        }
    }

    /// Every component of a known kind with its first configuration.
    static func everyComponent(
        _ context: CheckContext, _ body: (CheckedComponent, JSON) throws -> Void
    ) throws {
        for component in try context.components() {
            guard let first = try component.configurations().first else { continue }
            try body(component, first)
        }
    }

    private static func createDefault(_ context: CheckContext) throws -> CheckOutcome {
        try everyComponent(context) { component, configuration in
            _ = try context.instance(component, configuration)
        }
        return .passed()
    }

    private static func examples(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        for component in try context.components() {
            for configuration in try component.configurations() {
                try context.instance(component, configuration).interface()
                count += 1
            }
        }
        return .passed("\(count) configuration(s)")
    }

    private static func slope(_ context: CheckContext) throws -> CheckOutcome {
        let host = MockHost()
        let error = LentError()
        var worst = 0
        try everyComponent(context) { component, configuration in
            let bytes = configuration.bytes
            func make(_ count: Int) throws {
                for _ in 0..<count {
                    _ = try CheckedInstance(
                        component, configuration: bytes, host: host, error: error)
                }
            }
            CheckTrace.phase("in create and destroy, a thousand times")
            try make(100)
            fanfold_return_freed_memory()
            let before = Int(fanfold_heap_bytes())
            try make(1_000)
            worst = max(worst, (Int(fanfold_heap_bytes()) - before) / 1_000)
        }
        let limit = 16
        guard worst <= limit else {
            return .failed("each instance leaves \(worst) bytes behind; destroy must free it all")
        }
        return .passed("\(worst) bytes an instance")
    }

    private static func manyThreads(_ context: CheckContext) throws -> CheckOutcome {
        let threads = 8
        let rounds = 50
        try everyComponent(context) { component, configuration in
            let bytes = configuration.bytes
            let id = component.interface ?? ""
            CheckTrace.phase("in create and destroy on \(threads) threads at once")
            let workers = (0..<threads).map { _ in
                CheckThread { () -> String? in
                    let host = MockHost()
                    for _ in 0..<rounds {
                        do throws(CheckedInstance.Refusal) {
                            let instance = try CheckedInstance(
                                component, configuration: bytes, host: host)
                            guard component.plugin.pointee.query(instance.pointer, id) != nil else {
                                return "it has no \(id)"
                            }
                        } catch {
                            return "create fails with code \(error.code): \(error.message)"
                        }
                    }
                    return nil
                }
            }
            if let fault = workers.map({ $0.join() }).compactMap({ $0 }).first {
                throw CheckStop.failed("on one of \(threads) threads, \(fault)")
            }
        }
        return .passed("\(threads * rounds) instances")
    }

    private static func unknownComponent(_ context: CheckContext) throws -> CheckOutcome {
        let host = MockHost()
        let error = LentError()
        let known = try context.loaded().components.map(\.descriptor.id)
        for component in try context.components() {
            let id = component.descriptor.id
            let forgeries = [
                id + "x", id + " ", id + "/1", String(id.dropLast()), "", "com.example.not-here",
                String(repeating: "a", count: 255),
            ]
            for id in forgeries where !known.contains(id) {
                var forged = component.pointer.pointee
                forged.id = MockHost.constant(id)
                let pointer = TablePlacement.plain.place(forged)
                error.clear()
                let untouched = OpaquePointer(bitPattern: 0x5A5A)
                var out = untouched
                CheckTrace.phase("in create of the unknown component \"\(id)\"")
                let code = "{}".utf8CString.withUnsafeBytes { bytes in
                    component.plugin.pointee.create(
                        pointer, host.table, fan_view(data: bytes.baseAddress, size: 2), &out,
                        error.pointer)
                }
                guard code == fan_code(FAN_NOT_FOUND) else {
                    return .failed("wanted FAN_NOT_FOUND for \"\(id)\", found code \(code)")
                }
                guard out == untouched else {
                    return .failed("create failed for \"\(id)\" and still wrote *out")
                }
            }
        }
        return .passed()
    }

    private static func independent(_ context: CheckContext) throws -> CheckOutcome {
        try each(context) { component, configuration in
            let alone = try StrategyDriver(context, component, configuration, items: 50)
            let transcript = try alone.run().transcript
            let first = try StrategyDriver(context, component, configuration, items: 50)
            let second = try StrategyDriver(context, component, configuration, items: 50)
            try first.begin()
            let other = try transcriptBeside(second)
            let mine = try transcriptBeside(first)
            guard mine == transcript, other == transcript else {
                throw CheckStop.failed(
                    "an instance of \(component.descriptor.id) answers differently while "
                        + "another one works")
            }
        }
        return .passed()
    }

    /// What it answers while another one works: that it refuses the task is a fault here.
    private static func transcriptBeside(_ driver: StrategyDriver) throws -> [String] {
        do {
            return try driver.run().transcript
        } catch let stop as CheckStop where stop.outcome.status == .skipped {
            throw CheckStop.failed("while another one works, \(stop.outcome.message)")
        }
    }

    private static func queryUnknown(_ context: CheckContext) throws -> CheckOutcome {
        var generator = SeededGenerator(seed: context.seed)
        try everyComponent(context) { component, configuration in
            let instance = try context.instance(component, configuration)
            let query = component.plugin.pointee.query
            let known = component.interface ?? ""
            CheckTrace.phase("in query")
            let all = ["strategy", "provider", "executor", "policy"].map { "fanfold.\($0)/1" }
            var ids = [
                "", known + "x", String(known.dropLast()), String(known.dropLast()) + "2",
                " " + known, known.uppercased(), String(repeating: "a", count: 255),
            ]
            ids += all.filter { $0 != known }
            for _ in 0..<50 {
                ids.append("fanfold." + String(generator.next(), radix: 36) + "/1")
            }
            for id in ids where query(instance.pointer, id) != nil {
                throw CheckStop.failed("wanted NULL for the interface \"\(id)\"")
            }
            let table = try instance.interface()
            let pointer = instance.pointer
            let threads = (0..<8).map { _ in
                CheckThread {
                    for _ in 0..<200 {
                        guard query(pointer, known) == table, query(pointer, known + "x") == nil
                        else { return false }
                    }
                    return true
                }
            }
            guard threads.map({ $0.join() }).allSatisfy({ $0 }) else {
                throw CheckStop.failed(
                    "\(known) is at another address each time, or on another thread")
            }
        }
        return .passed()
    }
}
