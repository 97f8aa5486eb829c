import CPluginABI
import FanfoldJSON

/// What `fan_instance *` of a policy points to.
class AnyPolicyInstance: AnyInstance {
    override func table(_ id: String) -> UnsafeRawPointer? {
        id == "fanfold.policy/1" ? UnsafeRawPointer(PolicyTable.policy) : nil
    }

    func score(_ request: ShapeRequest, _ workers: WorkerGroup) throws(PluginError) -> Double { 0 }

    func observe(_ outcomes: [PlacedOutcome], dropped: UInt64) {}
}

/// An instance of the policy `P`.
final class PolicyInstance<P: Policy>: AnyPolicyInstance {
    private var policy: P

    init(policy: P, host: HostHandle) {
        self.policy = policy
        super.init(host: host)
    }

    override func score(
        _ request: ShapeRequest, _ workers: WorkerGroup
    ) throws(PluginError) -> Double {
        let score = try policy.score(request, on: workers)
        guard score.isFinite else {
            throw PluginError(
                .internalBug, reason: "policy.score", "a score is \(score); wanted a finite number")
        }
        return score
    }

    override func observe(_ outcomes: [PlacedOutcome], dropped: UInt64) {
        policy.observe(outcomes, dropped: dropped)
    }
}

/// The table of `fanfold.policy/1`: the same for every policy written in Swift.
enum PolicyTable {
    /// Written once by its initialiser and only read from then on.
    nonisolated(unsafe) static let policy = constant(
        fan_policy(
            struct_size: UInt32(MemoryLayout<fan_policy>.size), reserved: 0,
            predict: { _, _, _, error in
                PluginError(
                    .unimplemented, reason: "predict", "policies in Swift predict nothing"
                ).fill(error)
            },
            observe: { observe($0, $1) },
            place: { place($0, $1, $2, $3) }))

    /// What is shown to `place`.
    private struct Snapshot: Decodable {
        var requests: [ShapeRequest]
        var workers: [WorkerGroup]
    }

    private static func place(
        _ instance: OpaquePointer, _ view: fan_view, _ sink: UnsafePointer<fan_sink>,
        _ report: UnsafeMutablePointer<fan_error>?
    ) -> fan_code {
        let instance = Unmanaged<AnyPolicyInstance>.fromOpaque(UnsafeRawPointer(instance))
            .takeUnretainedValue()
        do throws(PluginError) {
            try HostTable.require(sink, MemoryLayout<fan_sink>.size, "fan_sink")
            let snapshot = try view.decode(Snapshot.self, "snapshot")
            var rows: [JSON] = []
            for request in snapshot.requests {
                var row: [JSON] = []
                for workers in snapshot.workers {
                    row.append(.number(try instance.score(request, workers)))
                }
                rows.append(.array(row))
            }
            try put(["scores": .array(rows)], to: sink)
            return 0
        } catch {
            return error.fill(report)
        }
    }

    /// What `observe` is told.
    private struct Observed: Decodable {
        var outcomes: [PlacedOutcome]
        var dropped: UInt64?
    }

    /// Nobody can be told of a document that cannot be read: it is passed over.
    private static func observe(_ instance: OpaquePointer, _ view: fan_view) {
        let instance = Unmanaged<AnyPolicyInstance>.fromOpaque(UnsafeRawPointer(instance))
            .takeUnretainedValue()
        guard let observed = try? view.decode(Observed.self, "outcomes") else { return }
        instance.observe(observed.outcomes, dropped: observed.dropped ?? 0)
    }

    private static func put(
        _ answer: JSON, to sink: UnsafePointer<fan_sink>
    ) throws(PluginError) {
        let code = answer.bytes.withUnsafeBytes { bytes in
            sink.pointee.output(
                sink, fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), nil, 0)
        }
        guard code == 0 else {
            throw PluginError(
                .init(rawValue: code), reason: "sink.refused",
                "the host refused the scores with code \(code)")
        }
    }
}
