import CPluginABI
import FanfoldJSON

/// `fanfold.store/1`: small values that the host keeps for the component, from run to run.
///
/// The pointers in it are only read, and the host allows these calls from any thread: hence
/// `@unchecked Sendable`.
public struct HostStore: @unchecked Sendable {
    let host: UnsafePointer<fan_host>
    let table: UnsafePointer<fan_store>

    /// The value of a key; `nil` if there is none.
    public func value(of key: String) throws(PluginError) -> [UInt8]? {
        var blob = fan_blob()
        try hostCall { error in table.pointee.get(host, key, &blob, &error) }
        let value = Blob(taking: blob).bytes
        return value.isEmpty ? nil : value
    }

    /// Keeps a value; no bytes remove the key.
    public func set(_ value: [UInt8], for key: String) throws(PluginError) {
        try hostCall { error in
            value.withUnsafeBytes { bytes in
                let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                return table.pointee.put(host, key, view, &error)
            }
        }
    }
}

/// `fanfold.metrics/1`: figures of the component.
///
/// The pointers in it are only read, and the host allows these calls from any thread: hence
/// `@unchecked Sendable`.
public struct HostMetrics: @unchecked Sendable {
    let host: UnsafePointer<fan_host>
    let table: UnsafePointer<fan_metrics>

    /// Adds to a counter.
    public func add(_ value: Double, to name: String, labels: JSONObject = JSONObject()) {
        withView(of: labels) { table.pointee.add(host, name, value, $0) }
    }

    /// Takes a sample.
    public func observe(_ value: Double, of name: String, labels: JSONObject = JSONObject()) {
        withView(of: labels) { table.pointee.observe(host, name, value, $0) }
    }

    private func withView(of labels: JSONObject, _ body: (fan_view) -> Void) {
        let bytes = labels.isEmpty ? [] : JSON.object(labels).bytes
        bytes.withUnsafeBytes { bytes in
            body(fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)))
        }
    }
}

/// `fanfold.blob/1`: memory that crosses to another process without a copy.
///
/// The pointers in it are only read, and the host allows these calls from any thread: hence
/// `@unchecked Sendable`.
public struct HostBlobs: @unchecked Sendable {
    let host: UnsafePointer<fan_host>
    let table: UnsafePointer<fan_blobs>

    /// A blob of the host's memory with what `fill` writes into it.
    ///
    /// Throws: What the host answers if it has no more memory, or what `fill` throws.
    public func blob(
        count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(PluginError) -> Void
    ) throws(PluginError) -> Blob {
        precondition(count >= 0, "a blob cannot have a negative number of bytes")
        var raw = fan_blob()
        try hostCall { error in table.pointee.alloc(host, UInt64(count), &raw, &error) }
        let blob = Blob(taking: raw)
        guard blob.count == count else {
            throw PluginError(
                .unimplemented, reason: "blob.kind",
                "wanted memory for \(count) bytes, found a blob of kind \(raw.kind)")
        }
        try fill(
            UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(mutating: raw.data), count: count))
        return blob
    }
}

/// Calls a function of the host that may fail.
private func hostCall(_ body: (inout fan_error) -> fan_code) throws(PluginError) {
    var error = fan_error()
    error.struct_size = UInt32(MemoryLayout<fan_error>.size)
    let code = body(&error)
    guard code != 0 else { return }
    error.code = code
    throw PluginError(error)
}
