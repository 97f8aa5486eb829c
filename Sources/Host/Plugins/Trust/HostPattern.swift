/// Which hosts a plugin may talk to: `ec2.*.amazonaws.com`, `localhost:9000`, `unix:/run/x.sock`.
///
/// A `*` stands for one or more characters of one label, so that `*.example.com` is neither
/// `example.com` nor `a.b.example.com`.  It may stand once in a label, and not in the last one.
/// Without a port, the usual ones are meant: 80, 443, or none named; `:*` is every port.
package struct HostPattern: Hashable, Sendable {
    /// Length of a pattern in bytes.
    package static let maximumBytes = 255

    /// What is wrong with the text of a pattern, in words.
    package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was wanted and what was found.
        package var description: String
    }

    private enum Place: Hashable {
        case labels([Substring])
        /// An IPv6 address, without brackets.
        case address(String)
        case socket(String)
    }

    private enum Ports: Hashable {
        case usual
        case every
        case one(Int)
    }

    private let place: Place
    private let ports: Ports

    /// Reads a pattern as it stands in the pipeline.
    package init(_ text: String) throws(Problem) {
        guard !text.isEmpty, text.utf8.count <= Self.maximumBytes else {
            throw Problem(
                description: "wanted a host of 1 to \(Self.maximumBytes) bytes, "
                    + "found \(text.utf8.count)")
        }
        if let path = Self.socket(text) {
            guard path.hasPrefix("/") else {
                throw Problem(description: "wanted unix:/PATH, found \"\(text)\"")
            }
            (place, ports) = (.socket(String(path)), .usual)
            return
        }
        let (host, port) = Self.split(text)
        ports = try Self.ports(port, of: text)
        if host.hasPrefix("["), host.hasSuffix("]") {
            place = .address(try Self.address(host, of: text))
        } else {
            place = .labels(try Self.labels(host, of: text))
        }
    }

    /// Whether a host is meant, in any case of letters, with or without a dot at its end.
    ///
    /// - Parameters:
    ///   - host: the name or the address, or `unix:/PATH` for a socket.
    ///   - port: `nil` if none was named.
    package func matches(host: String, port: Int?) -> Bool {
        if case .socket(let path) = place { return Self.socket(host).map(String.init) == path }
        switch ports {
        case .usual: guard port == nil || port == 80 || port == 443 else { return false }
        case .one(let one): guard port == one else { return false }
        case .every: break
        }
        var host = host.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard case .labels(let wanted) = place else { return place == .address(host) }
        if host.hasSuffix(".") { host.removeLast() }
        let found = host.split(separator: ".", omittingEmptySubsequences: false)
        return found.count == wanted.count
            && zip(wanted, found).allSatisfy { Self.fits($1, wanted: $0) }
    }

    private static func socket(_ text: String) -> Substring? {
        text.hasPrefix("unix:") ? text.dropFirst(5) : nil
    }

    private static func fits(_ label: Substring, wanted: Substring) -> Bool {
        guard isName(label, star: false) else { return false }
        guard let star = wanted.firstIndex(of: "*") else { return label == wanted }
        let before = wanted[..<star]
        let after = wanted[wanted.index(after: star)...]
        return label.utf8.count > before.utf8.count + after.utf8.count
            && label.hasPrefix(before) && label.hasSuffix(after)
    }

    private static func split(_ text: String) -> (host: Substring, port: Substring?) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") else {
            return (text[...], nil)
        }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    private static func ports(_ port: Substring?, of text: String) throws(Problem) -> Ports {
        guard let port else { return .usual }
        if port == "*" { return .every }
        guard let number = Int(port), (1...65_535).contains(number), port.first != "+" else {
            throw Problem(
                description: "wanted a port of 1 to 65535, or *, found \"\(port)\" in \"\(text)\"")
        }
        return .one(number)
    }

    private static func address(_ host: Substring, of text: String) throws(Problem) -> String {
        let digits = host.dropFirst().dropLast().lowercased()
        let isAddress = digits.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
        }
        guard isAddress, digits.contains(":") else {
            throw Problem(description: "wanted an IPv6 address in brackets, found \"\(text)\"")
        }
        return digits
    }

    private static func labels(_ host: Substring, of text: String) throws(Problem) -> [Substring] {
        let labels = Substring(host.lowercased())
            .split(separator: ".", omittingEmptySubsequences: false)
        for label in labels where !isName(label, star: true) {
            throw Problem(
                description: "wanted a host such as ec2.*.amazonaws.com or localhost:9000, made of "
                    + "letters, digits, - and _ and at most one * between two dots, "
                    + "found \"\(text)\"")
        }
        let hasStar = labels.contains { $0.contains("*") }
        let last = labels.last ?? ""
        guard !hasStar || !(last.contains("*") || last.allSatisfy(\.isNumber)) else {
            throw Problem(
                description: "a * may not stand in an address or after the last dot, "
                    + "found \"\(text)\"; name the domain: *.example.com")
        }
        return labels
    }

    /// Whether it is made of what host names are made of, and perhaps one star.
    private static func isName(_ label: Substring, star: Bool) -> Bool {
        var stars = 0
        let isMade = label.utf8.allSatisfy { byte in
            if byte == UInt8(ascii: "*") { stars += 1 }
            return (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "*")
        }
        return isMade && !label.isEmpty && stars <= (star ? 1 : 0)
    }
}
