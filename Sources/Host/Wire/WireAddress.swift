/// Where a listener listens and a client connects.
package enum WireAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address, and a port; port 0 is a free one.
    case host(String, port: Int)
    /// A Unix socket.
    case unix(path: String)

    /// Reads `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`.
    package init(_ text: String) throws(WireError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { throw .badAddress(text) }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { throw .badAddress(text) }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { throw .badAddress(text) }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .badAddress(text)
        }
        guard !host.isEmpty else { throw .badAddress(text) }
        self = .host(String(host), port: port)
    }

    /// As it is read.
    package var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .host(let host, let port):
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Whether nobody outside this machine can reach it: `127.0.0.0/8`, `::1` or a Unix socket.
    ///
    /// Names are not looked up: `localhost` is what a file says it is, and therefore not one.
    package var isLoopback: Bool {
        switch self {
        case .unix: true
        case .host(let host, _): host == "::1" || Self.isIPv4Loopback(host)
        }
    }

    private static func isIPv4Loopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count)
                    && part.utf8.allSatisfy { (48...57).contains($0) } && UInt8(part) != nil
            }
    }
}
