import FanfoldJSON
import PluginKit

/// What an error of a cloud means to whoever asked.
public enum CloudErrorClass: Hashable, Sendable {
    /// None left here; another zone or kind may have some.
    case capacity
    /// Too many requests.
    case throttled
    /// The cloud has a bad day.
    case unavailable
    /// Credentials are missing, wrong or expired.
    case credentials
    /// The account may not do that.
    case permission
    /// A quota is reached, which a person raises.
    case quota
    /// There is no such thing.
    case missing
    /// The request is wrong; the pointer names the setting, empty if none is to blame.
    case wrong(String)
}

/// What a cloud's own words for errors mean.
public struct CloudErrorTable: Sendable {
    /// The cloud, as people are told: `EC2`.
    public var cloud: String
    /// The class of each code.
    public var classes: [String: CloudErrorClass]

    /// A table.
    public init(_ cloud: String, _ classes: [String: CloudErrorClass]) {
        self.cloud = cloud
        self.classes = classes
    }

    /// The class of an error: by its code if that is known, or else by the status.
    ///
    /// - Parameters:
    ///   - code: the cloud's word; empty if it said none.
    ///   - status: of HTTP.
    public func meaning(of code: String, status: Int) -> CloudErrorClass {
        if let known = classes[code] { return known }
        switch status {
        case 401: return .credentials
        case 402: return .quota
        case 403: return .permission
        case 404, 410: return .missing
        case 408, 500...: return .unavailable
        case 429: return .throttled
        case ..<400: return .unavailable
        default: return .wrong("")
        }
    }

    /// The error that the host is told.
    ///
    /// - Parameters:
    ///   - said: the cloud's own words, cut to what an error holds.
    ///   - answer: for its status and `Retry-After`.
    public func error(_ code: String, _ said: String, _ answer: HTTPAnswer) -> PluginError {
        let meaning = meaning(of: code, status: answer.status)
        let seconds = answer.headers["retry-after"]?.stringValue.flatMap { UInt32($0) } ?? 0
        return error(meaning, code.isEmpty ? "\(answer.status)" : code, said, after: seconds)
    }

    /// The error that the host is told of a class.
    public func error(
        _ meaning: CloudErrorClass, _ code: String, _ said: String, after seconds: UInt32 = 0
    ) -> PluginError {
        let told = said.isEmpty ? "" : ": " + String(said.prefix(240))
        let milliseconds = min(seconds, 4_294_967) * 1_000
        let (number, retry, reason, advice) = Self.answer(to: meaning)
        var reasonText = "\(reason).\(code.prefix(40))"
        if case .wrong(let pointer) = meaning, !pointer.isEmpty { reasonText = "config.\(pointer)" }
        return PluginError(
            number, retry: retry, after: milliseconds, reason: reasonText,
            "\(cloud) refused with \(code.prefix(60))\(told); \(advice)")
    }

    private static func answer(
        to meaning: CloudErrorClass
    ) -> (PluginError.Code, PluginError.Retry, String, String) {
        switch meaning {
        case .capacity:
            (.exhausted, .elsewhere, "capacity", "ask for another zone or another kind")
        case .throttled: (.exhausted, .later, "throttled", "try again later")
        case .unavailable: (.unavailable, .later, "cloud", "try again later")
        case .credentials:
            (.unauthenticated, .renewed, "credentials", "renew what the named secret holds")
        case .permission: (.denied, .renewed, "permission", "give the account this permission")
        case .quota: (.exhausted, .renewed, "quota", "have the quota raised, or ask for less")
        case .missing: (.notFound, .never, "missing", "look whether it was removed")
        case .wrong(let pointer):
            (
                .invalid, .never, "request",
                pointer.isEmpty ? "change the request" : "change the setting \(pointer)"
            )
        }
    }
}
