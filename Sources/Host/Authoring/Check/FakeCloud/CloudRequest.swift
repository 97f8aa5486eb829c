import FanfoldJSON

/// A request as it arrives at the fake cloud.
struct CloudRequest {
    var method: String
    var url: String
    /// Below the endpoint, without the question mark and what follows: `/v1/workers`.
    var path: String
    var query: [String: String]
    var body: JSON
    var text: String
    /// The name of the secret that signs it with a bearer token, if one does.
    var secret: String?
    var document: JSON

    /// Reads what `fanfold.http/1` was asked.
    init(_ document: JSON, url: String, body: [UInt8]) {
        self.document = document
        self.url = url
        method = document["method"]?.stringValue ?? "GET"
        let sign = document["sign"]
        secret = sign?["with"]?.stringValue == "bearer" ? sign?["secret"]?.stringValue : nil
        text = String(decoding: body, as: UTF8.self)
        self.body = (try? JSON(parsing: body)) ?? .null
        let prefix = FakeCloud.endpoint
        var rest = url.hasPrefix(prefix) ? String(url.dropFirst(prefix.count)) : ""
        query = [:]
        if let mark = rest.firstIndex(of: "?") {
            for pair in rest[rest.index(after: mark)...].split(separator: "&") {
                let parts = pair.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                query[Self.decoded(parts[0])] = parts.count > 1 ? Self.decoded(parts[1]) : ""
            }
            rest = String(rest[..<mark])
        }
        path = rest
    }

    /// Percent-decoding.
    ///
    /// Source: RFC 3986, 2.1.
    static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var left = text.utf8[...]
        while let byte = left.popFirst() {
            guard byte == UInt8(ascii: "%"), left.count >= 2,
                let value = UInt8(String(decoding: left.prefix(2), as: UTF8.self), radix: 16)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            left = left.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What comes back from the fake cloud.
enum CloudReply {
    case answer(Int, headers: JSON, body: [UInt8])
    /// The connection breaks.
    case broken
    /// Nothing comes, ever.
    case silence

    static func json(_ status: Int, _ body: JSON, headers: JSON = [:]) -> CloudReply {
        var all = headers.objectValue ?? JSONObject()
        all["content-type"] = "application/json"
        return .answer(status, headers: .object(all), body: body.bytes)
    }

    static func error(_ status: Int, _ code: String, headers: JSON = [:]) -> CloudReply {
        json(
            status, ["error": .string(code), "message": .string("the fake cloud says \(code)")],
            headers: headers)
    }
}

/// What goes wrong at the fake cloud.
struct CloudFault {
    enum Kind {
        /// This answer comes, and nothing is done.
        case reply(CloudReply)
        /// The request takes effect, and then the connection breaks.
        case brokenAfter
        /// The request takes effect, and half of the answer comes.
        case garbled
        /// Of a `terminate`, this id is not taken.
        case leaves(String)
    }

    var path: String
    var kind: Kind
    /// How many requests it hits.
    var times = Int.max
}

/// Dates as the contract writes them.
enum CloudDate {
    /// 2030-01-01T00:00:00Z, in seconds since 1970: when the fake cloud begins.
    static let start: Int64 = 1_893_456_000

    /// RFC 3339 in UTC.
    ///
    /// Source: days to a date by Howard Hinnant's `civil_from_days`.
    static func text(_ seconds: Int64) -> String {
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let second = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let calendar = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendar <= 2 ? 1 : 0)
        func two(_ value: Int64) -> String { (value < 10 ? "0" : "") + String(value) }
        return "\(year)-\(two(calendar))-\(two(day))T\(two(second / 3_600)):"
            + "\(two(second / 60 % 60)):\(two(second % 60))Z"
    }
}
