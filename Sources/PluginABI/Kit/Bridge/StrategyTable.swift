import CPluginABI
import FanfoldJSON

/// The tables of `fanfold.strategy/1` and `fanfold.explain/1`: the same for every strategy
/// written in Swift, because an instance knows its own type.
///
/// Allocated once, never changed.
enum StrategyTables {
    static func table(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case "fanfold.strategy/1": UnsafeRawPointer(strategy)
        case "fanfold.explain/1": UnsafeRawPointer(explain)
        default: nil
        }
    }

    /// Written once by its initialiser and only read from then on.
    private nonisolated(unsafe) static let strategy = constant(
        fan_strategy(
            struct_size: UInt32(MemoryLayout<fan_strategy>.size), reserved: 0,
            begin: { begin($0, $1, $2, $3, $4, $5) },
            split: { split($0, $1, $2, $3, $4, $5) },
            on_result: { onResult($0, $1, $2, $3, $4) },
            on_failure: { onFailure($0, $1, $2, $3, $4, $5, $6, $7) },
            on_capacity: { onCapacity($0, $1, $2, $3, $4) },
            resplit: nil,
            finish: { instance, task, sink, error in
                call(instance, sink, error) { (instance) throws(PluginError) in
                    try instance.finish(task)
                }
            },
            end: { instance, task in object(instance).end(task) }))

    /// Written once by its initialiser and only read from then on.
    private nonisolated(unsafe) static let explain = constant(
        fan_explain(
            struct_size: UInt32(MemoryLayout<fan_explain>.size), reserved: 0,
            explain: { instance, task, sink, error in
                call(instance, sink, error) { (instance) throws(PluginError) in
                    try instance.sink.explain(instance.explain(task))
                }
            }))

    private static func object(_ instance: OpaquePointer) -> AnyStrategyInstance {
        Unmanaged<AnyStrategyInstance>.fromOpaque(UnsafeRawPointer(instance))
            .takeUnretainedValue()
    }

    /// Every call that may fail passes here: nothing but a code and a filled error leaves.
    private static func call(
        _ instance: OpaquePointer, _ sink: UnsafePointer<fan_sink>?,
        _ report: UnsafeMutablePointer<fan_error>?,
        _ body: (AnyStrategyInstance) throws(PluginError) -> Void
    ) -> fan_code {
        let instance = object(instance)
        defer { instance.sink.close() }
        do throws(PluginError) {
            if let sink {
                try HostTable.require(sink, MemoryLayout<fan_sink>.size, "fan_sink")
                instance.sink.open(sink)
            }
            try body(instance)
            return 0
        } catch {
            return error.fill(report)
        }
    }

    private static func begin(
        _ instance: OpaquePointer, _ task: UInt64, _ spec: fan_view,
        _ inputs: UnsafePointer<fan_blob>?, _ count: UInt32,
        _ error: UnsafeMutablePointer<fan_error>?
    ) -> fan_code {
        call(instance, nil, error) { (instance) throws(PluginError) in
            guard count <= FAN_MAX_PARTS, inputs != nil || count == 0 else {
                throw PluginError(
                    .invalid, reason: "inputs",
                    "wanted the address of at most \(FAN_MAX_PARTS) inputs, found \(count)")
            }
            let blobs = UnsafeBufferPointer(start: inputs, count: Int(count))
            let document = try TaskDocument(spec, name: "spec")
            try instance.begin(task, document.task(inputs: blobs, host: instance.host))
        }
    }

    private static func split(
        _ instance: OpaquePointer, _ task: UInt64, _ want: UInt32,
        _ sink: UnsafePointer<fan_sink>, _ state: UnsafeMutablePointer<UInt32>,
        _ error: UnsafeMutablePointer<fan_error>?
    ) -> fan_code {
        call(instance, sink, error) { (instance) throws(PluginError) in
            switch try instance.split(task, Int(want)) {
            case .more: state.pointee = UInt32(FAN_SPLIT_MORE)
            case .wait: state.pointee = UInt32(FAN_SPLIT_WAIT)
            case .end: state.pointee = UInt32(FAN_SPLIT_END)
            }
        }
    }

    private static func onResult(
        _ instance: OpaquePointer, _ task: UInt64, _ result: UnsafePointer<fan_result>,
        _ sink: UnsafePointer<fan_sink>, _ error: UnsafeMutablePointer<fan_error>?
    ) -> fan_code {
        call(instance, sink, error) { (instance) throws(PluginError) in
            try HostTable.require(result, MemoryLayout<fan_result>.size, "fan_result")
            let said = try result.pointee.json.document("result")
            let lent = try lentParts(result.pointee)
            var facts = ResultFacts(borrowing: said)
            let parts = lent.map { Blob(taking: $0) }
            do throws(PluginError) {
                try instance.onResult(
                    task,
                    SubtaskResult(subtask: result.pointee.subtask, parts: parts, facts: facts))
            } catch {
                for part in parts { part.giveBack() }
                throw error
            }
            for index in lent.indices { lent[index].release = nil }
            if !isKnownUniquelyReferenced(&facts) { facts.settle() }
        }
    }

    /// The parts of a result, whose kinds this version can read.
    private static func lentParts(
        _ result: fan_result
    ) throws(PluginError) -> UnsafeMutableBufferPointer<fan_blob> {
        guard result.part_count <= FAN_MAX_PARTS, result.parts != nil || result.part_count == 0
        else {
            throw PluginError(
                .invalid, reason: "result.parts",
                "wanted the address of at most \(FAN_MAX_PARTS) parts, found \(result.part_count)")
        }
        let parts = UnsafeMutableBufferPointer(
            start: result.parts, count: Int(result.part_count))
        for part in parts {
            guard part.kind == UInt32(FAN_BLOB_BYTES) || part.kind == UInt32(FAN_BLOB_NONE) else {
                throw PluginError(
                    .unimplemented, reason: "result.parts",
                    "wanted a part that holds bytes, found a blob of kind \(part.kind)")
            }
            guard part.data != nil || part.size == 0 else {
                throw PluginError(
                    .invalid, reason: "result.parts",
                    "a part has a size of \(part.size) bytes and no address")
            }
        }
        return parts
    }

    private static func onFailure(
        _ instance: OpaquePointer, _ task: UInt64, _ subtask: UInt64,
        _ why: UnsafePointer<fan_error>, _ attempts: UInt32, _ sink: UnsafePointer<fan_sink>,
        _ verdict: UnsafeMutablePointer<UInt32>, _ error: UnsafeMutablePointer<fan_error>?
    ) -> fan_code {
        call(instance, sink, error) { (instance) throws(PluginError) in
            let failure = SubtaskFailure(
                subtask: subtask, attempts: Int(attempts), error: PluginError(why.pointee))
            switch try instance.onFailure(task, failure) {
            case .retry: verdict.pointee = UInt32(FAN_FAILED_RETRY)
            case .replaced: verdict.pointee = UInt32(FAN_FAILED_REPLACED)
            case .skip: verdict.pointee = UInt32(FAN_FAILED_SKIP)
            case .failTask: verdict.pointee = UInt32(FAN_FAILED_TASK)
            }
        }
    }

    private static func onCapacity(
        _ instance: OpaquePointer, _ task: UInt64, _ capacity: fan_view,
        _ sink: UnsafePointer<fan_sink>, _ error: UnsafeMutablePointer<fan_error>?
    ) -> fan_code {
        call(instance, sink, error) { (instance) throws(PluginError) in
            let document = try TaskDocument(capacity, name: "capacity")
            try instance.onCapacity(task, document.capacity())
        }
    }
}
