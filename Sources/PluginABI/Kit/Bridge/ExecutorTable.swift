import CPluginABI
import FanfoldJSON

/// The table of `fanfold.executor/1`: the same for every executor written in Swift.
enum ExecutorTable {
    /// Written once by its initialiser and only read from then on.
    nonisolated(unsafe) static let executor = constant(
        fan_executor(
            struct_size: UInt32(MemoryLayout<fan_executor>.size), reserved: 0,
            load: { load($0, $1, $2, $3, $4, $5) },
            run: { run($0, $1, $2, $3) },
            unload: { instance, module in object(instance).unload(module) }))

    private static func object(_ instance: OpaquePointer) -> AnyExecutorInstance {
        Unmanaged<AnyExecutorInstance>.fromOpaque(UnsafeRawPointer(instance))
            .takeUnretainedValue()
    }

    private static func load(
        _ instance: OpaquePointer, _ call: UnsafePointer<fan_call>, _ module: UInt64,
        _ spec: fan_view, _ parts: UnsafePointer<fan_blob>?, _ count: UInt32
    ) {
        let instance = object(instance)
        let call = OpenCall(call, of: instance.host)
        do throws(PluginError) {
            // A module outlives the call, and what is borrowed does not: so it is copied.
            let blobs = try Self.bytes(of: parts, count, "parts").map { Blob(Array($0)) }
            let spec = spec.size == 0 ? [:] : try spec.json("spec")
            try instance.load(LoadRequest(module: module, spec: spec, parts: blobs), call)
            call.succeed([:])
        } catch {
            call.fail(error)
        }
    }

    private static func run(
        _ instance: OpaquePointer, _ call: UnsafePointer<fan_call>, _ module: UInt64,
        _ subtask: UnsafePointer<fan_subtask>
    ) {
        let instance = object(instance)
        let call = OpenCall(call, of: instance.host)
        let blobs = taken(subtask.pointee)
        do throws(PluginError) {
            _ = try Self.bytes(
                of: subtask.pointee.parts, subtask.pointee.part_count, "subtask.parts")
            let view = subtask.pointee.spec
            let spec = view.size == 0 ? [:] : try view.json("spec")
            let output = try instance.run(
                module, RunRequest(subtask: subtask.pointee.id, spec: spec, parts: blobs), call)
            guard !call.isCancelled else { throw OpenCall.cancelled }
            let parts = output.parts.map(\.owned)
            for blob in blobs where blob.isBorrowed { blob.giveBack() }
            call.succeed(output.json, parts)
        } catch {
            for blob in blobs where blob.isBorrowed { blob.giveBack() }
            call.fail(error)
        }
    }

    /// The parts of a subtask as objects.
    ///
    /// A part with a `release` is taken over, by clearing that of the host's struct; one without
    /// is borrowed until the call is completed.
    private static func taken(_ subtask: fan_subtask) -> [Blob] {
        guard subtask.part_count <= FAN_MAX_PARTS, let parts = subtask.parts else { return [] }
        return UnsafeMutableBufferPointer(start: parts, count: Int(subtask.part_count)).indices
            .map { index in
                let blob = Blob(taking: parts[index])
                if parts[index].release != nil { parts[index].release = nil }
                return blob
            }
    }

    /// The bytes of parts whose kinds this version can read.
    private static func bytes(
        of parts: UnsafePointer<fan_blob>?, _ count: UInt32, _ name: String
    ) throws(PluginError) -> [UnsafeRawBufferPointer] {
        guard count <= FAN_MAX_PARTS, parts != nil || count == 0 else {
            throw PluginError(
                .invalid, reason: name,
                "wanted the address of at most \(FAN_MAX_PARTS) parts, found \(count)")
        }
        var bytes: [UnsafeRawBufferPointer] = []
        for part in UnsafeBufferPointer(start: parts, count: Int(count)) {
            guard part.kind == UInt32(FAN_BLOB_BYTES) || part.kind == UInt32(FAN_BLOB_NONE) else {
                throw PluginError(
                    .unimplemented, reason: name,
                    "wanted a part that holds bytes, found a blob of kind \(part.kind)")
            }
            guard part.data != nil || part.size == 0 else {
                throw PluginError(
                    .invalid, reason: name,
                    "a part has a size of \(part.size) bytes and no address")
            }
            bytes.append(UnsafeRawBufferPointer(start: part.data, count: Int(clamping: part.size)))
        }
        return bytes
    }
}
