import CFanfoldSystem
import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Logging

/// What `fanfold-helper plugin` does: loads one library, and makes the calls that the host asks for.
///
/// Descriptor 3 is the socket, 4 the host's shared memory, 5 the helper's own.  When the host
/// closes its end the process ends.
package enum HelperMain {
    /// Exit codes, for whoever looks at the process.
    private static let wrongUse: Int32 = 64
    private static let done: Int32 = 0

    /// Serves until the host closes the channel.
    ///
    /// - Returns: the exit code.
    package static func run() -> Int32 {
        fan_crash_trace_install()
        guard let outgoing = Arena(descriptor: 5, isWritable: true),
            let incoming = Arena(descriptor: 4, isWritable: false)
        else { return wrongUse }
        for descriptor in Int32(3)...5 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let channel = FrameChannel(socket: 3, outgoing: outgoing, incoming: incoming)
        do throws(FrameChannel.End) {
            guard let hello = try receiveHello(channel) else { return wrongUse }
            guard let server = try answer(hello, channel) else { return done }
            while true {
                let reply = try channel.receive { (kind, body) throws(WireFault) in
                    guard kind == .call else { throw WireFault("\(kind) was not due") }
                    return try server.serve(&body)
                }
                try channel.send(.reply) { reply.write(to: &$0) }
            }
        } catch {
            return done
        }
    }

    private static func receiveHello(_ channel: FrameChannel) throws(FrameChannel.End) -> JSON? {
        try channel.receive { (kind, body) throws(WireFault) -> JSON? in
            kind == .hello ? try body.json() : nil
        }
    }

    /// Loads the library and says so.
    ///
    /// - Returns: what serves its calls; `nil` if the host only wanted to know.
    private static func answer(
        _ hello: JSON, _ channel: FrameChannel
    ) throws(FrameChannel.End) -> StrategyServer? {
        let sandbox = Sandbox.apply(library: hello["library"]?.stringValue ?? "")
        let prepared: Result<(JSONObject, StrategyServer?), PluginFailure>
        do throws(PluginFailure) {
            prepared = .success(try prepare(hello, channel))
        } catch {
            prepared = .failure(error)
        }
        try channel.send(.ready) { body in
            switch prepared {
            case .failure(let failure):
                body.wire.byte(1)
                body.wire.failure(failure)
            case .success((var about, _)):
                about["sandbox"] = sandbox
                body.wire.byte(0)
                body.bulk(JSON.object(about).bytes)
            }
        }
        if case .success((_, let server)) = prepared { return server }
        return nil
    }

    /// Loads the library and makes the instance that is asked for.
    private static func prepare(
        _ hello: JSON, _ channel: FrameChannel
    ) throws(PluginFailure) -> (JSONObject, StrategyServer?) {
        let plugin = try load(hello)
        var about = JSONObject()
        guard let component = hello["component"]?.stringValue else {
            about["components"] = .array(plugin.components.map(\.description))
            return (about, nil)
        }
        let instance = try make(component, of: plugin, hello, channel)
        about["explains"] = .bool(instance.canExplain)
        return (about, StrategyServer(channel: channel, instance: instance))
    }

    private static func load(_ hello: JSON) throws(PluginFailure) -> LoadedPlugin {
        do throws(PluginLoadError) {
            return try PluginRegistry.open(
                library: hello["library"]?.stringValue ?? "",
                path: hello["path"]?.stringValue ?? "")
        } catch {
            throw PluginFailure(code: 9, reason: "plugin.load", message: error.message)
        }
    }

    private static func make(
        _ component: String, of plugin: LoadedPlugin, _ hello: JSON, _ channel: FrameChannel
    ) throws(PluginFailure) -> StrategyInstance {
        guard let descriptor = plugin.components.first(where: { $0.id == component }) else {
            throw PluginFailure(
                code: 5, reason: "plugin.component",
                message: "the library has no component \(component) any more")
        }
        return try StrategyInstance(
            plugin: plugin, component: descriptor, configuration: hello["configuration"] ?? [:],
            hostName: hello["host"]?.stringValue ?? "fanfold",
            hostVersion: hello["version"]?.stringValue ?? "0",
            logger: Logger(label: component) { _ in ChannelLogHandler(channel: channel) })
    }
}

/// What this process may still do, and what of that the kernel could not enforce.
enum Sandbox {
    /// Folders that a library and what it needs are read from.
    private static let readable = [
        "/usr", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/etc/localtime", "/dev/null",
        "/dev/zero", "/dev/urandom", "/sys/devices/system/cpu",
    ]

    /// Gives up everything that a plugin does not need.
    ///
    /// - Returns: what was applied, for the host to show.
    static func apply(library: String) -> JSON {
        var folders = readable + loadedFolders()
        if let slash = library.lastIndex(of: "/") { folders.append(String(library[..<slash])) }
        var sandbox = fan_sandbox()
        sandbox.memory_limit_bytes = IsolationLimits.addressBytes
        sandbox.descriptor_limit = IsolationLimits.descriptors
        let copies = folders.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var list = copies.map { UnsafePointer<CChar>($0) } + [nil]
        list.withUnsafeMutableBufferPointer { list in
            sandbox.readable = UnsafePointer(list.baseAddress)
            fan_sandbox_apply(&sandbox)
            sandbox.readable = nil
        }
        return [
            "no_new_privileges": .bool(sandbox.has_no_new_privileges != 0),
            "limits": .bool(sandbox.has_limits != 0),
            "landlock": .integer(Int64(sandbox.landlock_version)),
            "seccomp": .bool(sandbox.has_filter != 0),
        ]
    }

    /// Where the libraries of this program lie, the Swift run time among them.
    private static func loadedFolders() -> [String] {
        let file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var text: [UInt8] = []
        while true {
            let more = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, read(file, buffer.baseAddress, buffer.count))
            }
            if more.isEmpty { break }
            text += more
        }
        var folders: [String] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let start = line.firstIndex(of: UInt8(ascii: "/")),
                let end = line.lastIndex(of: UInt8(ascii: "/")), start < end
            else { continue }
            let folder = String(decoding: line[start..<end], as: UTF8.self)
            if folder.hasPrefix("/"), !folders.contains(folder) { folders.append(folder) }
        }
        return folders
    }
}

/// Sends log lines to the host.
private struct ChannelLogHandler: LogHandler {
    let channel: FrameChannel
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        // A host that reads nothing is busy or gone; a log line is not worth waiting for either.
        do throws(FrameChannel.End) {
            try channel.send(.log, onTick: { false }) { body in
                body.text(event.level.rawValue)
                body.text("\(event.message)")
                body.number(UInt32(all.count))
                for (key, value) in all.sorted(by: { $0.key < $1.key }) {
                    body.text(key)
                    body.text("\(value)")
                }
            }
        } catch {
            return
        }
    }
}
