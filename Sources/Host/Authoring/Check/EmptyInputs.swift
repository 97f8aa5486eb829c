import CPluginABI
import FanfoldJSON

/// What a plugin is given that is NULL, empty or nothing.
enum EmptyInputs {
    static func check(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.everyComponent(context) { component, configuration in
            create(component, configuration)
        }
        for component in try context.components() where component.descriptor.kind == .strategy {
            guard let configuration = try component.configurations().first else { continue }
            try unknownTask(context, component, configuration)
            try emptyTask(context, component, configuration)
            try emptyResults(context, component, configuration)
        }
        return .passed()
    }

    private static var nothing: fan_view { fan_view(data: nil, size: 0) }

    private static func create(_ component: CheckedComponent, _ configuration: JSON) {
        CheckTrace.phase("in create without a configuration")
        let host = MockHost()
        let broken = Array("{".utf8)
        for bytes in [[], broken, configuration.bytes] {
            var out: OpaquePointer?
            let code = bytes.withUnsafeBytes { bytes in
                component.plugin.pointee.create(
                    component.pointer, host.table,
                    fan_view(
                        data: bytes.isEmpty ? nil : bytes.baseAddress, size: UInt64(bytes.count)),
                    &out, nil)
            }
            if code == 0, let out { component.plugin.pointee.destroy(out) }
        }
    }

    private static func unknownTask(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws {
        let instance = try context.instance(component, configuration)
        let table = try instance.strategy()
        CheckTrace.phase("in calls about a task that has not begun, without an error to fill")
        let recorder = RecordedSink()
        let sink = recorder.open()
        var state: UInt32 = 0
        let begun = table.pointee.begin(instance.pointer, 1, nothing, nil, 0, nil)
        var codes = [
            table.pointee.split(instance.pointer, 9, 0, sink, &state, nil),
            table.pointee.finish(instance.pointer, 9, sink, nil),
        ]
        if let capacity = table.pointee.on_capacity {
            codes.append(capacity(instance.pointer, 9, nothing, sink, nil))
        }
        if let resplit = table.pointee.resplit {
            codes.append(resplit(instance.pointer, 9, 1, sink, nil))
        }
        if begun == 0 { table.pointee.end(instance.pointer, 1) }
        guard codes.allSatisfy({ $0 != 0 }) else {
            throw CheckStop.failed("it answers FAN_OK about a task that has not begun")
        }
    }

    /// A task without inputs, and one without items.
    private static func emptyTask(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws {
        let instance = try context.instance(component, configuration)
        let table = try instance.strategy()
        CheckTrace.phase("in begin of a task without inputs")
        let document: JSON = ["task": "check", "inputs": [], "workers": []]
        let begun = document.bytes.withUnsafeBytes { bytes in
            table.pointee.begin(
                instance.pointer, 1,
                fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), nil, 0, nil)
        }
        if begun == 0 { table.pointee.end(instance.pointer, 1) }
        CheckTrace.phase("in a task without items")
        _ = try StrategyDriver(context, component, configuration, items: 0).run()
    }

    /// A wish for no subtasks, and results without facts and without parts.
    private static func emptyResults(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws {
        let driver = try StrategyDriver(context, component, configuration, items: 20)
        try driver.begin()
        defer { driver.endTask() }
        CheckTrace.phase("in split for no subtasks at all")
        guard try driver.split(want: 0) <= UInt32(FAN_SPLIT_END), driver.subtasks.isEmpty else {
            throw CheckStop.failed("split was asked for no subtask and put one")
        }
        _ = try driver.split(want: 4)
        let sink = RecordedSink()
        for subtask in driver.subtasks {
            CheckTrace.phase("in on_result of a result without facts, parts and error")
            var result = fan_result()
            result.struct_size = UInt32(MemoryLayout<fan_result>.size)
            result.subtask = subtask.id
            _ = driver.table.pointee.on_result(driver.pointer, 1, &result, sink.open(), nil)
        }
        if let capacity = driver.table.pointee.on_capacity {
            CheckTrace.phase("in on_capacity without a description")
            _ = capacity(driver.pointer, 1, nothing, sink.open(), nil)
        }
    }
}
