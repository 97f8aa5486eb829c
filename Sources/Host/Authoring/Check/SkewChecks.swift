import CPluginABI
import FanfoldJSON

/// Checks of a plugin in a host that is older, newer or poorer than the one it was written for.
enum SkewChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "old-host-new-plugin", subject: .instance,
            summary: "It touches nothing behind the tables of the host.",
            consequence: "It would read beyond the tables of an older host.", body: old),
        CheckCase(
            name: "truncated-tables", level: .should, subject: .instance,
            summary: "A table that states a smaller size than the contract's is refused.",
            consequence: "A host with a mistake would be ended by it instead of being told.",
            body: truncated),
        CheckCase(
            name: "new-host-old-plugin", subject: .instance,
            summary: "Longer tables are as good as those it knows, and what is new is not called.",
            consequence: "It would refuse a newer host for nothing.", body: new),
        CheckCase(
            name: "poor-host", subject: .instance,
            summary: "Without a service of the host it works, or says which one it misses.",
            consequence: "It would end a host that lacks a service.", body: poor),
        CheckCase(
            name: "future-values", subject: .instance,
            summary: "Codes, keys and kinds of blobs that it does not know do no harm.",
            consequence: "A newer host would end it with the first value that is new.",
            body: future),
    ]

    /// A whole task with the tables placed like that.
    private static func run(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        _ placements: TablePlacements, isSilent: Bool = false
    ) throws {
        guard component.descriptor.kind == .strategy else {
            let host = MockHost(placements.host)
            try context.instance(component, configuration, host: host, isSilent: isSilent)
                .interface()
            return
        }
        let driver = try StrategyDriver(
            context, component, configuration, items: 20, placements: placements,
            isSilent: isSilent)
        _ = try driver.run()
    }

    private static func old(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.everyComponent(context) { component, configuration in
            try run(context, component, configuration, .all(.guarded))
        }
        return .passed()
    }

    private static func truncated(_ context: CheckContext) throws -> CheckOutcome {
        var sizes = 0
        try InstanceChecks.everyComponent(context) { component, configuration in
            try cut(MemoryLayout<fan_host>.size) { bytes in
                attempt(context, component, configuration, "fan_host", bytes) {
                    $0.host = .truncated(bytes)
                }
                sizes += 1
            }
            guard component.descriptor.kind == .strategy else { return }
            try cut(MemoryLayout<fan_sink>.size) { bytes in
                attempt(context, component, configuration, "fan_sink", bytes) {
                    $0.sink = .truncated(bytes)
                }
                sizes += 1
            }
            try cut(MemoryLayout<fan_result>.size) { bytes in
                attempt(context, component, configuration, "fan_result", bytes) {
                    $0.result = .truncated(bytes)
                }
                sizes += 1
            }
        }
        return .passed("\(sizes) sizes")
    }

    /// The ends of the fields of a table, the last one left out.
    private static func cut(_ size: Int, _ body: (Int) throws -> Void) rethrows {
        for bytes in [4] + Array(stride(from: 8, to: size, by: 8)) { try body(bytes) }
    }

    /// A refusal is as good as an answer here: what matters is that the next page is not touched.
    private static func attempt(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        _ table: String, _ bytes: Int, _ change: (inout TablePlacements) -> Void
    ) {
        CheckTrace.phase("with a \(table) of \(bytes) bytes")
        var placements = TablePlacements.plain
        change(&placements)
        _ = try? run(context, component, configuration, placements, isSilent: true)
    }

    private static func new(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.everyComponent(context) { component, configuration in
            do {
                try run(context, component, configuration, .all(.longer))
            } catch let stop as CheckStop where stop.outcome.status == .skipped {
                // Refused with the tables of today too, or only with longer ones?
                try run(context, component, configuration, .plain)
                throw CheckStop.failed("with longer tables: \(stop.outcome.message)")
            }
        }
        return .passed()
    }

    private static func poor(_ context: CheckContext) throws -> CheckOutcome {
        var refused = 0
        try InstanceChecks.everyComponent(context) { component, configuration in
            let bytes = configuration.bytes
            for withheld in MockServices.ids.map({ [$0] }) + [MockServices.ids] {
                let host = MockHost()
                host.withheld = Set(withheld)
                let names = withheld.count == 1 ? withheld[0] : "any service"
                CheckTrace.phase("in a host without \(names)")
                do {
                    let instance = try CheckedInstance(
                        component, configuration: bytes, host: host)
                    try instance.interface()
                } catch let refusal as CheckedInstance.Refusal {
                    refused += 1
                    try judge(refusal, withheld)
                    continue
                }
                guard component.descriptor.kind == .strategy else { continue }
                let driver = try StrategyDriver(
                    context, component, configuration, items: 20, host: host)
                _ = try driver.run()
            }
        }
        return .passed(refused == 0 ? "" : "\(refused) refusals that name the service")
    }

    private static func judge(_ refusal: CheckedInstance.Refusal, _ withheld: [String]) throws {
        guard refusal.code == fan_code(FAN_PRECONDITION) else {
            throw CheckStop.failed(
                "wanted FAN_PRECONDITION without \(withheld.joined(separator: ", ")), found code "
                    + "\(refusal.code): \(refusal.message)")
        }
        let said = refusal.reason + " " + refusal.message
        guard withheld.contains(where: { said.contains($0) }) else {
            throw CheckStop.failed(
                "create is refused and does not name the service: \"\(refusal.message)\"; "
                    + "wanted one of \(withheld.joined(separator: ", "))")
        }
    }

    private static func future(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            try unknownCodes(context, component, configuration)
            try unknownKeys(context, component, configuration)
            for kind in [FAN_BLOB_TENSOR, FAN_BLOB_ARROW, 8, 99] {
                try unknownBlob(context, component, configuration, kind)
            }
        }
        return .passed()
    }

    private static func unknownCodes(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws {
        let driver = try StrategyDriver(context, component, configuration, items: 101)
        try driver.begin()
        defer { driver.endTask() }
        _ = try driver.split(want: 4)
        CheckTrace.phase("in on_failure with a code and a retry class of tomorrow")
        for subtask in driver.subtasks.prefix(1) {
            let code = driver.tell(.failure(subtask.id, 77, .max))
            guard code == 0 else {
                throw CheckStop.failed(
                    "on_failure with a code that it does not know answers \(code): "
                        + driver.error.message)
            }
        }
    }

    private static func unknownKeys(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws {
        let plain = try StrategyDriver(context, component, configuration, items: 20).run()
        let driver = try StrategyDriver(context, component, configuration, items: 20)
        guard var facts = driver.resultFacts.objectValue else { return }
        facts["com-example-unknown"] = ["of": "tomorrow"]
        driver.resultFacts = .object(facts)
        CheckTrace.phase("in a task whose results say more than it knows")
        let record: StrategyDriver.Record
        do {
            record = try driver.run()
        } catch let stop as CheckStop {
            throw CheckStop.failed("with a key that it does not know: \(stop.outcome.message)")
        }
        guard record.output == plain.output else {
            throw CheckStop.failed("a key that it does not know changes the output")
        }
        let capacity = try StrategyDriver(context, component, configuration, items: 20)
        try capacity.begin()
        defer { capacity.endTask() }
        CheckTrace.phase("in on_capacity with keys that it does not know")
        let code = capacity.tell(.capacity)
        guard code == 0 else {
            throw CheckStop.failed(
                "on_capacity with keys that it does not know answers \(code): "
                    + capacity.error.message)
        }
    }

    /// A part of a kind that it may not know: it is passed on as it is, or refused as such.
    private static func unknownBlob(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON, _ kind: Int
    ) throws {
        let driver = try StrategyDriver(context, component, configuration, items: 20)
        try driver.begin()
        _ = try driver.split(want: 1)
        driver.resultKind = kind
        CheckTrace.phase("in on_result with a part of the kind \(kind)")
        for subtask in driver.subtasks.prefix(1) {
            let code = driver.tell(.result(subtask.id, Tensor.bytes))
            guard [0, fan_code(FAN_UNIMPLEMENTED), fan_code(FAN_INVALID)].contains(code) else {
                throw CheckStop.failed(
                    "a part of the kind \(kind) is answered with code \(code); wanted "
                        + "FAN_UNIMPLEMENTED: \(driver.error.message)")
            }
        }
        driver.endTask()
        driver.destroy()
        if let fault = driver.releaseFaults().first {
            throw CheckStop.failed("with a part of the kind \(kind): \(fault)")
        }
    }

    /// A tensor of a version of DLPack that does not exist: nothing of it but the version and the
    /// deleter may be looked at.
    ///
    /// Source: DLManagedTensorVersioned of DLPack 1.x: version, context, deleter, flags, tensor.
    private enum Tensor {
        static let bytes: [UInt8] = {
            var bytes = [UInt8](repeating: 0xA5, count: 96)
            withUnsafeBytes(of: UInt32(99).littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
            bytes.replaceSubrange(4..<24, with: [UInt8](repeating: 0, count: 20))
            return bytes
        }()
    }
}
