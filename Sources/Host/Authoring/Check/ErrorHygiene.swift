import CPluginABI
import FanfoldJSON

/// What a plugin says when it fails, and that it says nothing when it does not.
enum ErrorHygiene {
    /// What must not be in any message.
    private static let canary = "canary-8e1f0c77"

    static func check(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.everyComponent(context) { component, configuration in
            try refusals(component, configuration)
            try success(component, configuration)
        }
        for component in try context.components() where component.descriptor.kind == .strategy {
            guard let configuration = try component.configurations().first else { continue }
            try tasks(context, component, configuration)
        }
        return .passed()
    }

    private static func refusals(_ component: CheckedComponent, _ configuration: JSON) throws {
        let broken: JSON = [[]]
        for bytes in [broken.bytes, Array("{".utf8)] + canaries(component, configuration) {
            let lent = LentError()
            CheckTrace.phase("in create with a configuration that is none")
            do throws(CheckedInstance.Refusal) {
                _ = try CheckedInstance(
                    component, configuration: bytes, host: MockHost(), error: lent)
            } catch {
                try judge(lent, error.code, "create")
            }
        }
    }

    /// Configurations that are wrong in one place and hold a canary as each secret.
    private static func canaries(
        _ component: CheckedComponent, _ configuration: JSON
    ) -> [[UInt8]] {
        guard var object = configuration.objectValue else { return [] }
        let properties = component.descriptor.configSchema?["properties"]?.objectValue
        let secrets = (properties?.members ?? []).filter { $0.1["writeOnly"] == .bool(true) }
        guard !secrets.isEmpty else { return [] }
        for (key, _) in secrets { object[key] = .string(canary) }
        var all = [JSON.object(object).bytes]
        for (key, _) in properties?.members ?? [] where object[key]?.stringValue != canary {
            var wrong = object
            wrong[key] = [[]]
            all.append(JSON.object(wrong).bytes)
        }
        all.append(Array(JSON.object(object).bytes.dropLast()))
        return all
    }

    private static func success(_ component: CheckedComponent, _ configuration: JSON) throws {
        let error = LentError()
        CheckTrace.phase("in create")
        do {
            _ = try CheckedInstance(
                component, configuration: configuration.bytes, host: MockHost(), error: error)
        } catch {
            return
        }
        try requireUntouched(error, "create")
    }

    private static func tasks(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws {
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
            error, table.pointee.finish(instance.pointer, 77, sink.open(), error.pointer),
            "finish of an unknown task")
        let driver = try StrategyDriver(context, component, configuration, items: 20)
        try driver.begin()
        defer { driver.endTask() }
        try requireUntouched(driver.error, "begin")
        _ = try driver.split(want: 4)
        try requireUntouched(driver.error, "split")
    }

    private static func requireUntouched(_ error: LentError, _ call: String) throws {
        guard error.isUntouched else {
            throw CheckStop.failed(
                "\(call) succeeds and still writes to its error: code \(error.code), "
                    + "\"\(error.message)\"")
        }
    }

    private static func judge(_ error: LentError, _ code: fan_code, _ call: String) throws {
        var faults: [String] = []
        if error.code != code { faults.append("returned \(code) and filled in \(error.code)") }
        if code <= 0 || code > 16 { faults.append("the code \(code) is none of a failure") }
        if error.message.isEmpty { faults.append("the message is empty") }
        if error.message.hasSuffix("\n") { faults.append("the message ends with a line break") }
        if error.retry > 3 { faults.append("the retry class \(error.retry) is not one") }
        if (error.message + error.reason).contains(canary) {
            faults.append("the message shows the value of a secret")
        }
        guard faults.isEmpty else {
            throw CheckStop.failed("\(call): " + faults.joined(separator: ", "))
        }
    }
}
