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
            switch try answer(hello, channel) {
            case .nothing: return done
            case .strategy(let server): try serve(server, channel)
            case .policy(let server): try server.serve()
            case .calls(let server):
                defer { server.close() }
                while true {
                    try channel.receive { (kind, body) throws(WireFault) in
                        try server.take(kind, &body)
                    }
                }
            }
        } catch {
            return done
        }
    }

    private static func serve(
        _ server: StrategyServer, _ channel: FrameChannel
    ) throws(FrameChannel.End) -> Never {
        while true {
            let reply = try channel.receive { (kind, body) throws(WireFault) in
                guard kind == .call else { throw WireFault("\(kind) was not due") }
                return try server.serve(&body)
            }
            try channel.send(.reply) { reply.write(to: &$0) }
        }
    }

    private static func receiveHello(_ channel: FrameChannel) throws(FrameChannel.End) -> JSON? {
        try channel.receive { (kind, body) throws(WireFault) -> JSON? in
            kind == .hello ? try body.json() : nil
        }
    }

    /// What this process does after it has said what it is.
    private enum Work {
        case nothing
        case strategy(StrategyServer)
        case calls(CallServer)
        case policy(PolicyServer)
    }

    /// Loads the library and says so.
    private static func answer(
        _ hello: JSON, _ channel: FrameChannel
    ) throws(FrameChannel.End) -> Work {
        let sandbox = Sandbox.apply(library: hello["library"]?.stringValue ?? "")
        do throws(PluginFailure) {
            let plugin = try load(hello)
            guard let id = hello["component"]?.stringValue else {
                let components = JSON.array(plugin.components.map(\.description))
                say(.success(["components": components, "sandbox": sandbox]), on: channel)
                return .nothing
            }
            let component = try component(id, of: plugin)
            if component.kind == .policy {
                return .policy(try policy(component, of: plugin, hello, sandbox, channel))
            }
            guard component.kind == .strategy else {
                return .calls(make(component, of: plugin, hello, sandbox, channel))
            }
            let remote = RemoteServices(channel: channel)
            let instance = try StrategyInstance(
                plugin: plugin, component: component, configuration: hello["configuration"] ?? [:],
                hostName: hello["host"]?.stringValue ?? "fanfold",
                hostVersion: hello["version"]?.stringValue ?? "0",
                logger: logger(component, channel),
                metrics: remote.services(granted: granted(hello)).metrics)
            say(
                .success(["explains": .bool(instance.canExplain), "sandbox": sandbox]),
                on: channel)
            return .strategy(StrategyServer(channel: channel, instance: instance))
        } catch {
            say(.failure(error), on: channel)
            return .nothing
        }
    }

    private static func make(
        _ component: ComponentDescriptor, of plugin: LoadedPlugin, _ hello: JSON,
        _ sandbox: JSON, _ channel: FrameChannel
    ) -> CallServer {
        let server = CallServer(channel: channel)
        server.makeInstance(
            { (services) throws(PluginFailure) in
                try InsideCalls(
                    plugin: plugin, component: component,
                    configuration: hello["configuration"] ?? [:], services: services,
                    hostName: hello["host"]?.stringValue ?? "fanfold",
                    hostVersion: hello["version"]?.stringValue ?? "0",
                    logger: logger(component, channel))
            },
            granted: granted(hello),
            ready: { result in say(result.map { ["sandbox": sandbox] }, on: channel) })
        return server
    }

    private static func policy(
        _ component: ComponentDescriptor, of plugin: LoadedPlugin, _ hello: JSON,
        _ sandbox: JSON, _ channel: FrameChannel
    ) throws(PluginFailure) -> PolicyServer {
        let instance = try PolicyInstance(
            plugin: plugin, component: component, configuration: hello["configuration"] ?? [:],
            hostName: hello["host"]?.stringValue ?? "fanfold",
            hostVersion: hello["version"]?.stringValue ?? "0",
            logger: logger(component, channel))
        say(.success(["sandbox": sandbox]), on: channel)
        return PolicyServer(channel: channel, policy: instance)
    }

    private static func granted(_ hello: JSON) -> [String] {
        hello["services"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    private static func say(_ result: Result<JSON, PluginFailure>, on channel: FrameChannel) {
        do throws(FrameChannel.End) {
            try channel.send(.ready) { body in
                switch result {
                case .failure(let failure):
                    body.wire.byte(1)
                    body.wire.failure(failure)
                case .success(let about):
                    body.wire.byte(0)
                    body.bulk(about.bytes)
                }
            }
        } catch {
            // The host is gone; the next receive finds that out.
            return
        }
    }

    private static func component(
        _ id: String, of plugin: LoadedPlugin
    ) throws(PluginFailure) -> ComponentDescriptor {
        guard let found = plugin.components.first(where: { $0.id == id }) else {
            throw PluginFailure(
                code: 5, reason: "plugin.component",
                message: "the library has no component \(id) any more")
        }
        return found
    }

    private static func logger(
        _ component: ComponentDescriptor, _ channel: FrameChannel
    ) -> Logger {
        Logger(label: component.id) { _ in ChannelLogHandler(channel: channel) }
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
