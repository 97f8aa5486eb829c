import FanfoldJSON

/// Which coordinator commands talk to, and with which token.
package struct ClientContext: Hashable, Sendable {
    /// Where the API is: `http://127.0.0.1:7433`.
    package var address: String
    /// The secret; `nil` asks without one.
    package var token: String?
    /// A file with the certificates that the coordinator's may be signed by; `nil` for the system's.
    package var authorities: String?

    /// Where to ask, and with what.
    package init(address: String, token: String? = nil, authorities: String? = nil) {
        self.address = address
        self.token = token
        self.authorities = authorities
    }

    /// Bytes of the largest file of contexts, address or token.
    private static let maximumBytes = 1 << 20

    /// Finds the context: the one that is named, or the environment, or this machine's coordinator.
    ///
    /// - Parameters:
    ///   - name: that of a context in `FOLDER/contexts.json`, or `FANFOLD_CONTEXT`.
    ///   - configurationFolder: where `contexts.json` lies.
    ///   - stateFolder: where a coordinator of this machine leaves its address and its token.
    ///   - environment: looks up a variable.
    package static func find(
        name: String?, configurationFolder: String, stateFolder: String,
        environment: (String) -> String?
    ) throws(ClientError) -> ClientContext {
        if let name = name ?? environment("FANFOLD_CONTEXT") {
            return try named(name, in: "\(configurationFolder)/contexts.json")
        }
        if let address = environment("FANFOLD_ADDRESS") {
            return ClientContext(
                address: trimmed(address), token: environment("FANFOLD_TOKEN"),
                authorities: environment("FANFOLD_CA"))
        }
        guard let address = try line(of: "\(stateFolder)/api-address") else {
            throw .noContext(
                "no coordinator is known: \(stateFolder)/api-address, which `fanfold serve` writes, is "
                    + "not there; start it, say its --config, set FANFOLD_ADDRESS and FANFOLD_TOKEN, "
                    + "or name one with --context")
        }
        var token = environment("FANFOLD_TOKEN")
        if token == nil { token = try line(of: "\(stateFolder)/api-token") }
        return ClientContext(address: trimmed(address), token: token)
    }

    /// A context of the file `{"NAME": {"address": …, "token_file": …, "ca_file": …}}`.
    private static func named(_ name: String, in path: String) throws(ClientError) -> ClientContext
    {
        guard let bytes = try bytes(of: path) else {
            throw .noContext("--context \(name): there is no file \(path)")
        }
        guard let contexts = try? JSON(parsing: bytes).objectValue else {
            throw .noContext(
                "\(path): wanted {\"\(name)\": {\"address\": …, \"token_file\": …, \"ca_file\": …}}"
            )
        }
        guard let context = contexts[name] else {
            throw .noContext(
                "there is no context \(name) in \(path); there are "
                    + (contexts.isEmpty ? "none" : contexts.keys.sorted().joined(separator: ", ")))
        }
        guard let address = context["address"]?.stringValue else {
            throw .noContext("\(path): \(name) has no address")
        }
        let token = try context["token_file"]?.stringValue.map(secret)
        return ClientContext(
            address: trimmed(address), token: token ?? context["token"]?.stringValue,
            authorities: context["ca_file"]?.stringValue)
    }

    private static func secret(_ path: String) throws(ClientError) -> String {
        guard let secret = try line(of: path) else {
            throw .unreadable(path: path, reason: "there is no such file")
        }
        return secret
    }

    private static func trimmed(_ address: String) -> String {
        address.hasSuffix("/") ? String(address.dropLast()) : address
    }

    /// The first line of a file; `nil` if there is none.
    private static func line(of path: String) throws(ClientError) -> String? {
        try bytes(of: path).map { String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self) }
    }

    private static func bytes(of path: String) throws(ClientError) -> [UInt8]? {
        try SmallFile.bytes(of: path, maximum: maximumBytes)
    }
}
