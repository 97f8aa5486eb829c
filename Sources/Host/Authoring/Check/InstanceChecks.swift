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
            consequence: "No pipeline could use it.", body: createDefault),
        CheckCase(
            name: "create-every-example", subject: .instance,
            consequence: "What its own documentation shows would be refused.", body: examples),
        CheckCase(
            name: "create-destroy-1000", subject: .instance,
            consequence: "A long-running coordinator would grow with every run.", body: slope),
        CheckCase(
            name: "create-unknown-component", subject: .instance,
            consequence: "A wrong `use:` would run something else without a word.",
            body: unknownComponent),
        CheckCase(
            name: "two-instances-independent", subject: .instance,
            consequence: "Two tasks of a pipeline would disturb each other.", body: independent),
        CheckCase(
            name: "config-fuzz", subject: .instance,
            consequence: "A typing error in a pipeline would end the coordinator.", timeout: 60,
            body: ConfigurationFuzzer.check),
        CheckCase(
            name: "query-unknown", subject: .instance,
            consequence: "A newer host would call a table that is not there.", body: queryUnknown),
        CheckCase(
            name: "null-and-empty", subject: .instance,
            consequence: "An empty input would end the coordinator.", body: nullAndEmpty),
        CheckCase(
            name: "error-hygiene", subject: .instance,
            consequence: "A failure would be shown without a reason, or retried for ever.",
            body: errorHygiene),
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

    private static func createDefault(_ context: CheckContext) throws -> CheckOutcome {
        try each(context) { component, configuration in
            _ = try context.instance(component, configuration)
        }
        return .passed()
    }

    private static func examples(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        for component in try context.strategies() {
            for configuration in try component.configurations() {
                _ = try context.instance(component, configuration).strategy()
                count += 1
            }
        }
        return .passed("\(count) configuration(s)")
    }

    private static func slope(_ context: CheckContext) throws -> CheckOutcome {
        let host = MockHost()
        let error = LentError()
        var worst = 0
        try each(context) { component, configuration in
            let bytes = configuration.bytes
            func make(_ count: Int) throws {
                for _ in 0..<count {
                    _ = try CheckedInstance(
                        component, configuration: bytes, host: host, error: error)
                }
            }
            CheckTrace.phase("in create and destroy")
            try make(200)
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

    private static func unknownComponent(_ context: CheckContext) throws -> CheckOutcome {
        let host = MockHost()
        let error = LentError()
        for component in try context.strategies() {
            for id in [component.descriptor.id + "x", "", "com.example.not-here"] {
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
            let other = try second.run().transcript
            let mine = try first.run().transcript
            guard mine == transcript, other == transcript else {
                throw CheckStop.failed(
                    "an instance of \(component.descriptor.id) answers differently while "
                        + "another one works")
            }
        }
        return .passed()
    }

    private static func queryUnknown(_ context: CheckContext) throws -> CheckOutcome {
        try each(context) { component, configuration in
            let instance = try context.instance(component, configuration)
            let query = component.plugin.pointee.query
            CheckTrace.phase("in query")
            let ids = [
                "", "fanfold.strategy/1x", "fanfold.strategy/", "fanfold.strategy/2",
                "fanfold.provider/1", String(repeating: "a", count: 255),
            ]
            for id in ids where query(instance.pointer, id) != nil {
                throw CheckStop.failed("wanted NULL for the interface \"\(id)\"")
            }
            let table = query(instance.pointer, "fanfold.strategy/1")
            for _ in 0..<100 where query(instance.pointer, "fanfold.strategy/1") != table {
                throw CheckStop.failed("fanfold.strategy/1 is at another address each time")
            }
        }
        return .passed()
    }

    private static func nullAndEmpty(_ context: CheckContext) throws -> CheckOutcome {
        let host = MockHost()
        try each(context) { component, configuration in
            CheckTrace.phase("in create without a configuration")
            var out: OpaquePointer?
            let nothing = fan_view(data: nil, size: 0)
            if component.plugin.pointee.create(component.pointer, host.table, nothing, &out, nil)
                == 0, let out
            {
                component.plugin.pointee.destroy(out)
            }
            let instance = try context.instance(component, configuration)
            let table = try instance.strategy()
            CheckTrace.phase("in calls about a task that has not begun, without an error to fill")
            let sink = RecordedSink()
            var state: UInt32 = 0
            let codes = [
                table.pointee.begin(instance.pointer, 1, nothing, nil, 0, nil),
                table.pointee.split(instance.pointer, 9, 0, sink.table, &state, nil),
                table.pointee.finish(instance.pointer, 9, sink.table, nil),
            ]
            if codes[0] == 0 { table.pointee.end(instance.pointer, 1) }
            guard codes[1] != 0, codes[2] != 0 else {
                throw CheckStop.failed("it answers FAN_OK about a task that has not begun")
            }
        }
        return .passed()
    }

    private static func errorHygiene(_ context: CheckContext) throws -> CheckOutcome {
        try each(context) { component, configuration in
            let instance = try context.instance(component, configuration)
            let table = try instance.strategy()
            let error = LentError()
            let sink = RecordedSink()
            let text = Array("this is not JSON".utf8)
            CheckTrace.phase("in begin with a document that is not JSON")
            let code = text.withUnsafeBytes { bytes in
                table.pointee.begin(
                    instance.pointer, 1,
                    fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), nil, 0,
                    error.pointer)
            }
            guard code != 0 else {
                throw CheckStop.failed("begin accepts a document that is not JSON")
            }
            try judge(error, code, "begin")
            error.clear()
            CheckTrace.phase("in finish of an unknown task")
            try judge(
                error, table.pointee.finish(instance.pointer, 77, sink.table, error.pointer),
                "finish of an unknown task")
        }
        return .passed()
    }

    private static func judge(_ error: LentError, _ code: fan_code, _ call: String) throws {
        var faults: [String] = []
        if error.code != code { faults.append("returned \(code) and filled in \(error.code)") }
        if code < 0 || code > 16 { faults.append("the code \(code) is none of the contract") }
        if error.message.isEmpty { faults.append("the message is empty") }
        if error.message.hasSuffix("\n") { faults.append("the message ends with a line break") }
        if error.retry > 3 { faults.append("the retry class \(error.retry) is not one") }
        guard faults.isEmpty else {
            throw CheckStop.failed("\(call): " + faults.joined(separator: ", "))
        }
    }
}
