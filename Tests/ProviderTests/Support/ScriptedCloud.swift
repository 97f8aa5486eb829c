import CPluginABI
import FanfoldJSON
import PluginKit

/// A host whose HTTP is answered by a closure, and one instance of a provider in it.
///
/// A C function carries no context, so the host's table points to the object.
final class ScriptedCloud {
    /// A request as the provider wrote it.
    struct Request {
        var method: String
        var url: String
        var headers: JSON
        var sign: JSON
        var body: String

        /// The members of a form.
        var form: [String: String] {
            Dictionary(
                body.split(separator: "&").map { member in
                    let parts = member.split(
                        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    return (String(parts[0]), decoded(parts.count > 1 ? parts[1] : ""))
                }, uniquingKeysWith: { $1 })
        }

        /// The body as JSON.
        var json: JSON { (try? JSON(parsing: body)) ?? .null }
    }

    /// What a request is answered; status 0 is a broken connection.
    struct Reply {
        var status: Int
        var body: String
        var headers: JSON = [:]
    }

    /// How a call ended.
    struct Outcome {
        var code: Int32 = 0
        var retry: UInt32 = 0
        var retryAfter: UInt32 = 0
        var reason = ""
        var message = ""
        var json: JSON = .null
        var emitted: [JSON] = []

        var ids: [String] {
            (json["workers"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        }
    }

    private(set) var requests: [Request] = []
    var answer: (Request) -> Reply
    private let table = UnsafeMutablePointer<fan_host>.allocate(capacity: 1)
    private var instance: OpaquePointer?
    private let plugin: Plugin
    private var outcome: Outcome?
    private var pending: [() -> Void] = []

    init<P: Provider>(
        _ provider: P.Type, _ configuration: JSON, answer: @escaping (Request) -> Reply
    ) throws {
        self.answer = answer
        plugin = Plugin(providers: [provider])
        table.initialize(
            to: fan_host(
                struct_size: UInt32(MemoryLayout<fan_host>.size), abi_minor: UInt32(FAN_ABI_MINOR),
                host_data: nil, name: scriptedName, version: scriptedName,
                service: { _, id in
                    switch String(cString: id) {
                    case "fanfold.http/1": UnsafeRawPointer(scriptedHTTP)
                    case "fanfold.lane/1": UnsafeRawPointer(scriptedLane)
                    default: nil
                    }
                },
                log: { _, _, _, _ in }, now: { _ in 0 },
                emit: { host, _, json, _, _ in
                    ScriptedCloud.of(host).outcome?.emitted.append(parsed(json))
                    return 0
                },
                complete: { host, _, error, json, _, _ in
                    ScriptedCloud.of(host).complete(error, json)
                },
                cancelled: { _, _ in 0 }))
        table.pointee.host_data = Unmanaged.passUnretained(self).toOpaque()
        let schema = try JSON(parsing: provider.component.configurationSchema)
        var complete = configuration.objectValue ?? JSONObject()
        for (key, property) in schema["properties"]?.objectValue?.members ?? []
        where complete[key] == nil {
            complete[key] = property["default"]
        }
        let bytes = JSON.object(complete).bytes
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        guard let component = plugin.pointer.pointee.components[0] else {
            preconditionFailure("the plugin has one component")
        }
        let code = bytes.withUnsafeBytes { bytes in
            plugin.pointer.pointee.create(
                component, table,
                fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), &instance, &error)
        }
        guard code == 0 else { throw Refused(code: code, reason: text(error.reason)) }
    }

    deinit {
        if let instance { plugin.pointer.pointee.destroy(instance) }
        table.deallocate()
    }

    struct Refused: Error {
        var code: Int32
        var reason: String
    }

    static func of(_ host: UnsafePointer<fan_host>) -> ScriptedCloud {
        guard let data = host.pointee.host_data else {
            preconditionFailure("the host carries its object")
        }
        return Unmanaged<ScriptedCloud>.fromOpaque(data).takeUnretainedValue()
    }

    /// Makes a call and answers its requests until it has ended.
    func call(_ verb: String, _ document: JSON = [:]) -> Outcome {
        guard let instance,
            let table = plugin.pointer.pointee.query(instance, "fanfold.provider/1")
        else { preconditionFailure("an instance of a provider has its table") }
        let provider = table.assumingMemoryBound(to: fan_provider.self).pointee
        outcome = Outcome()
        outcome?.code = -1
        var circumstances = fan_call()
        circumstances.struct_size = UInt32(MemoryLayout<fan_call>.size)
        circumstances.op = 7
        document.bytes.withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            switch verb {
            case "check": provider.check(instance, &circumstances)
            case "offerings": provider.offerings(instance, &circumstances, view)
            case "launch": provider.launch(instance, &circumstances, view)
            case "describe": provider.describe(instance, &circumstances, view)
            default: provider.terminate(instance, &circumstances, view)
            }
        }
        while !pending.isEmpty { pending.removeFirst()() }
        return outcome ?? Outcome()
    }

    private func complete(_ error: UnsafePointer<fan_error>?, _ json: fan_view) {
        outcome?.code = error?.pointee.code ?? 0
        outcome?.retry = error?.pointee.retry ?? 0
        outcome?.retryAfter = error?.pointee.retry_after_ms ?? 0
        outcome?.reason = error.map { text($0.pointee.reason) } ?? ""
        outcome?.message = error.map { text($0.pointee.message) } ?? ""
        outcome?.json = parsed(json)
    }

    /// Runs a function of the plugin after what is under way; time passes at once here.
    fileprivate func later(
        _ work: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
        _ user: UnsafeMutableRawPointer?
    ) {
        pending.append { work(user) }
    }

    fileprivate func fetch(
        _ document: JSON, _ body: String,
        _ done:
            @escaping @convention(c) (
                UnsafeMutableRawPointer?, UnsafePointer<fan_error>?, Int32, fan_view,
                UnsafeMutablePointer<fan_blob>?
            ) -> Void, _ user: UnsafeMutableRawPointer?
    ) {
        let request = Request(
            method: document["method"]?.stringValue ?? "",
            url: document["url"]?.stringValue ?? "", headers: document["headers"] ?? [:],
            sign: document["sign"] ?? .null, body: body)
        requests.append(request)
        pending.append { [self] in
            let reply = answer(request)
            reply.headers.bytes.withUnsafeBytes { headers in
                Array(reply.body.utf8).withUnsafeBytes { body in
                    var error = fan_error()
                    error.code = reply.status == 0 ? 14 : 0
                    error.retry = 1
                    var blob = fan_blob()
                    blob.kind = 1
                    blob.data = body.baseAddress
                    blob.size = UInt64(body.count)
                    done(
                        user, &error, Int32(reply.status),
                        fan_view(data: headers.baseAddress, size: UInt64(headers.count)), &blob)
                }
            }
        }
    }
}

private nonisolated(unsafe) let scriptedName: UnsafePointer<CChar> = {
    let name = UnsafeMutablePointer<CChar>.allocate(capacity: 5)
    name.initialize(from: [116, 101, 115, 116, 0], count: 5)
    return UnsafePointer(name)
}()

private nonisolated(unsafe) let scriptedHTTP: UnsafeMutablePointer<fan_http> = {
    let table = UnsafeMutablePointer<fan_http>.allocate(capacity: 1)
    table.initialize(
        to: fan_http(
            struct_size: UInt32(MemoryLayout<fan_http>.size), reserved: 0,
            fetch: { host, _, request, body, done, user in
                var said = ""
                if let body {
                    said = string(fan_view(data: body.pointee.data, size: body.pointee.size))
                    body.pointee.release?(body)
                }
                ScriptedCloud.of(host).fetch(parsed(request), said, done, user)
            }))
    return table
}()

private nonisolated(unsafe) let scriptedLane: UnsafeMutablePointer<fan_lane> = {
    let table = UnsafeMutablePointer<fan_lane>.allocate(capacity: 1)
    table.initialize(
        to: fan_lane(
            struct_size: UInt32(MemoryLayout<fan_lane>.size), reserved: 0,
            post: { ScriptedCloud.of($0).later($1, $2) },
            after: { host, _, work, user in ScriptedCloud.of(host).later(work, user) },
            spawn: { ScriptedCloud.of($0).later($1, $2) }))
    return table
}()

private func string(_ view: fan_view) -> String {
    String(
        decoding: UnsafeRawBufferPointer(start: view.data, count: Int(view.size)), as: UTF8.self)
}

private func parsed(_ view: fan_view) -> JSON { (try? JSON(parsing: string(view))) ?? .null }

private func text<Field>(_ field: Field) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

/// What percent encoding made of text.
private func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2,
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
