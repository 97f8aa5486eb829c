@preconcurrency import Glibc

/// The parts of a URL that the host will send a request to.
///
/// Stricter than RFC 3986, so that two readers of one URL cannot disagree on its host: no user
/// info, no fragment, no escapes or other scripts in the host, IPv4 only as four decimal numbers.
package struct HTTPServiceURL: Sendable, Hashable {
    /// How the server is reached.
    package enum Scheme: String, Sendable, Hashable {
        case http, https, unix
    }

    /// Why a text is no such URL.
    package struct Refusal: Error, Hashable, Sendable {
        /// What was wanted and what was found; holds nothing of a query.
        package var message: String
    }

    /// What stands before `://`.
    package let scheme: Scheme
    /// In lower case, an IPv6 address without brackets; empty for a socket.
    package let host: String
    /// `nil` where the URL states none.
    package let port: Int?
    /// The path of the socket; empty for `http` and `https`.
    package let socket: String
    /// Path and query as they are sent: begins with `/`.
    package let target: String

    /// Reads a URL.
    ///
    /// Shape: `http://HOST[:PORT][/PATH][?QUERY]`, the same with `https`, or
    /// `unix:///PATH/OF/SOCKET[:/PATH][?QUERY]`.
    package init(_ text: String) throws(Refusal) {
        guard text.utf8.count <= HTTPServiceLimits.urlBytes else {
            throw Refusal(
                message: "wanted at most \(HTTPServiceLimits.urlBytes) bytes, found "
                    + "\(text.utf8.count)")
        }
        guard text.utf8.allSatisfy(Self.mayStand), Self.hasWholeEscapes(text) else {
            throw Refusal(
                message:
                    "a space, a control character, another script, one of \"<>\\^`{|} or a '%' "
                    + "without two digits stands in it; write it with percent signs")
        }
        guard !text.utf8.contains(UInt8(ascii: "#")) else {
            throw Refusal(message: "'#' stands in it, which is never sent; leave it out, or %23")
        }
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: text[..<mark].lowercased()),
            text[mark...].hasPrefix("://")
        else {
            throw Refusal(message: "wanted http://, https:// or unix:// and a host or a socket")
        }
        let rest = text[text.utf8.index(mark, offsetBy: 3)...]
        self.scheme = scheme
        if scheme == .unix {
            (socket, target) = try Self.socketAndTarget(rest)
            (host, port) = ("", nil)
        } else {
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            (host, port) = try Self.hostAndPort(rest[..<end])
            target = Self.target(rest[end...])
            socket = ""
        }
        guard !target.contains("["), !target.contains("]") else {
            throw Refusal(message: "'[' or ']' stands in its path; write %5B and %5D")
        }
    }

    /// The port that is connected to; `nil` for a socket.
    package var effectivePort: Int? {
        switch scheme {
        case .http: port ?? 80
        case .https: port ?? 443
        case .unix: nil
        }
    }

    /// Host and port as the URL has them: `example.org:8080`, `[::1]`; `localhost` for a socket.
    package var authority: String {
        if scheme == .unix { return "localhost" }
        let name = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// What a grant names: the host, or `unix:/PATH/OF/SOCKET`.
    package var grantedName: String { scheme == .unix ? "unix:\(socket)" : host }

    /// The path, without the query.
    package var path: String { String(target.prefix { $0 != "?" }) }

    /// What follows the first `?`; `nil` if there is none.
    package var query: String? {
        target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) }
    }

    /// Scheme, host and path, for logs and errors: a query may hold a secret.
    package var withoutQuery: String {
        scheme == .unix ? "unix://\(socket):\(path)" : "\(scheme.rawValue)://\(authority)\(path)"
    }

    /// Whether a byte may stand in a URL at all.
    private static func mayStand(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\"<>\\^`{|}".utf8.contains(byte)
    }

    private static func hasWholeEscapes(_ text: String) -> Bool {
        text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            $0.utf8.count >= 2
                && $0.utf8.prefix(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        }
    }

    private static func target(_ text: Substring) -> String {
        text.hasPrefix("/") ? String(text) : "/" + text
    }

    private static func socketAndTarget(_ text: Substring) throws(Refusal) -> (String, String) {
        // The socket ends at the first ":/", or at a ":" or "?" before the query.
        let end = text.firstIndex { $0 == ":" || $0 == "?" } ?? text.endIndex
        let socket = text[..<end]
        guard socket.hasPrefix("/"), socket.count > 1, !socket.contains("%") else {
            throw Refusal(
                message: "wanted the absolute path of a socket after unix://, as in "
                    + "unix:///run/docker.sock:/info")
        }
        let longest = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
        guard socket.utf8.count <= longest else {
            throw Refusal(
                message: "wanted a socket's path of at most \(longest) bytes, found "
                    + "\(socket.utf8.count)")
        }
        let steps = socket.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard steps.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw Refusal(message: "an empty step, '.' or '..' stands in the socket's path")
        }
        let rest = text[end...].hasPrefix(":") ? text[end...].dropFirst() : text[end...]
        guard rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?") else {
            throw Refusal(message: "wanted ':/' between the socket and the path of the request")
        }
        return (String(socket), target(rest))
    }

    private static func hostAndPort(_ text: Substring) throws(Refusal) -> (String, Int?) {
        guard !text.contains("@") else {
            throw Refusal(message: "a name or password before '@'; sign with a named secret")
        }
        var name = ""
        var portText: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let rest = text[text.index(after: end)...]
            let address = canonicalIPv6(text[..<end].dropFirst())
            guard rest.isEmpty || rest.hasPrefix(":"), let address else {
                throw Refusal(message: "wanted [IPv6 address] and maybe :PORT as the host")
            }
            name = address
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            name = text[..<colon].lowercased()
            portText = colon == text.endIndex ? nil : text[text.index(after: colon)...]
            guard isName(name) else {
                throw Refusal(
                    message: name.isEmpty
                        ? "wanted a host, found none"
                        : "wanted a host of letters, digits, '.', '-' and '_', or an IPv4 address "
                            + "as four decimal numbers")
            }
        }
        guard let portText else { return (name, nil) }
        guard portText.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(portText),
            (1...65_535).contains(port)
        else {
            throw Refusal(message: "wanted a port from 1 to 65535, found \"\(portText)\"")
        }
        return (name, port)
    }

    /// The address in its one shortest form; `nil` if it is none.
    ///
    /// Source: RFC 5952.
    private static func canonicalIPv6(_ text: Substring) -> String? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(text), &address) == 1 else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count)) != nil else {
            return nil
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }

    /// Whether it is a name, or an address that reads the same to everybody.
    private static func isName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isWritten = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.allSatisfy {
                    $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0))
                }
        }
        guard isWritten, text.utf8.count <= 253, let last = labels.last else { return false }
        // What ends in a number is an address to the resolver: 127.1, 0x7f000001, 2130706433.
        guard last.first?.isNumber == true else { return true }
        var address = in_addr()
        if inet_aton(text, &address) == 0 { return !last.allSatisfy(\.isNumber) }
        return inet_pton(AF_INET, text, &address) == 1
    }
}
