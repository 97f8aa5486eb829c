import Crypto
import FanfoldPlugins

/// Signature Version 4 of AWS, in the header `Authorization`.
///
/// Pure: the time comes from outside.
///
/// Source: AWS General Reference, Signature Version 4; Amazon S3 API Reference for its own rules
/// on paths and payloads.
struct SigV4: Sendable {
    /// Headers that proxies change and that are therefore not signed.
    private static let unsignedHeaders: Set<String> = [
        "authorization", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id",
    ]

    let credentials: AWSCredentials
    let service: String
    let region: String

    /// The request with date, token and signature in place of those that it may have had.
    func signed(_ request: OutgoingRequest, unixSeconds: Int64) -> OutgoingRequest {
        let time = CalendarTime(unixSeconds: unixSeconds)
        var signed = request
        let payload = Hex.text(Crypto.SHA256.hash(data: request.body))
        signed.set("X-Amz-Date", time.compact)
        if let token = credentials.sessionToken { signed.set("X-Amz-Security-Token", token) }
        if service == "s3", !signed.has("x-amz-content-sha256") {
            signed.set("X-Amz-Content-Sha256", payload)
        }
        let headers = canonicalHeaders(of: signed)
        let names = headers.map(\.name).joined(separator: ";")
        let scope = "\(time.date)/\(region)/\(service)/aws4_request"
        let text = canonicalText(of: signed, headers: headers, names: names, payload: payload)
        let toSign = """
            AWS4-HMAC-SHA256
            \(time.compact)
            \(scope)
            \(Hex.text(Crypto.SHA256.hash(data: Array(text.utf8))))
            """
        let signature = Hex.text(Self.code(key(for: time.date), toSign))
        signed.set(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), "
                + "SignedHeaders=\(names), Signature=\(signature)")
        return signed
    }

    /// The first of the steps: what is signed of a request, one thing a line.
    func canonicalText(
        of request: OutgoingRequest, headers: [(name: String, value: String)], names: String,
        payload: String
    ) -> String {
        let given = request.headers.first { $0.name.lowercased() == "x-amz-content-sha256" }
        let lines =
            [
                request.method, canonicalPath(request.url.path),
                Self.canonicalQuery(request.url.query),
            ]
            + headers.map { "\($0.name):\($0.value)" }
            + ["", names, given?.value ?? payload]
        return lines.joined(separator: "\n")
    }

    /// Small names in order, with their values, white space made one space.
    func canonicalHeaders(of request: OutgoingRequest) -> [(name: String, value: String)] {
        var values: [String: [String]] = ["host": [request.url.signedAuthority]]
        for header in request.headers {
            let name = header.name.lowercased()
            guard name != "host", !Self.unsignedHeaders.contains(name) else { continue }
            let words = header.value.split { $0 == " " || $0 == "\t" }
            values[name, default: []].append(words.joined(separator: " "))
        }
        return values.map { ($0.key, $0.value.joined(separator: ",")) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// S3 takes a path as it is; every other service normalizes it and escapes it once more.
    private func canonicalPath(_ path: String) -> String {
        guard service != "s3" else {
            // Step by step, so that an escaped '/' stays one.
            return path.split(separator: "/", omittingEmptySubsequences: false)
                .map { Escapes.canonical(String($0)) }.joined(separator: "/")
        }
        var steps: [Substring] = []
        for step in path.split(separator: "/") where step != "." {
            if step == ".." { _ = steps.popLast() } else { steps.append(step) }
        }
        let end = path.hasSuffix("/") && !steps.isEmpty ? "/" : ""
        return Escapes.escaped(Array(("/" + steps.joined(separator: "/") + end).utf8), keeping: "/")
    }

    /// The pairs in order, each escaped in the one way.
    static func canonicalQuery(_ query: String?) -> String {
        let pairs = (query ?? "").split(separator: "&").map { pair -> (String, String) in
            let mark = pair.firstIndex(of: "=") ?? pair.endIndex
            let value = mark == pair.endIndex ? "" : pair[pair.index(after: mark)...]
            return (
                Escapes.canonical(String(pair[..<mark])), Escapes.canonical(String(value))
            )
        }
        let sorted = pairs.sorted { left, right in
            left.0 == right.0
                ? left.1.utf8.lexicographicallyPrecedes(right.1.utf8)
                : left.0.utf8.lexicographicallyPrecedes(right.0.utf8)
        }
        return sorted.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private func key(for date: String) -> SymmetricKey {
        var key = SymmetricKey(data: Array("AWS4\(credentials.secretKey)".utf8))
        for part in [date, region, service, "aws4_request"] {
            key = SymmetricKey(data: Self.code(key, part))
        }
        return key
    }

    private static func code(_ key: SymmetricKey, _ text: String) -> [UInt8] {
        Array(HMAC<Crypto.SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    }
}

/// Percent signs as the clouds want them.
///
/// Source: RFC 3986, section 2.
enum Escapes {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Everything but unreserved characters and those of `keeping` becomes `%XX`.
    static func escaped(_ bytes: [UInt8], keeping: String = "") -> String {
        var escaped: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                escaped.append(byte)
            default:
                if keeping.utf8.contains(byte) {
                    escaped.append(byte)
                } else {
                    escaped += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                }
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// The text unescaped, then escaped in the one way.
    static func canonical(_ text: String, keeping: String = "") -> String {
        escaped(unescaped(text), keeping: keeping)
    }

    /// The bytes that are meant; a percent sign without two digits stands for itself.
    static func unescaped(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var plain: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let byte = UInt8(
                    String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                plain.append(byte)
                index += 3
            } else {
                plain.append(bytes[index])
                index += 1
            }
        }
        return plain
    }
}

/// Small hexadecimal digits.
enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}

extension HTTPServiceURL {
    /// Host and port as they are sent, the usual port of the scheme left out.
    var signedAuthority: String { authority }
}
