import CPluginABI
import FanfoldPlugins

/// The failures of `fanfold.http/1`.
///
/// None of them holds a query, a header's value or a secret.
extension PluginFailure {
    /// Milliseconds after which a plugin may ask again when nothing better is known.
    static let usualRetryMilliseconds: UInt32 = 1_000

    /// Nothing would make another try worth it.
    static func never(_ code: Int, _ reason: String, _ message: String) -> PluginFailure {
        PluginFailure(code: Int32(code), retry: .never, reason: reason, message: message)
    }

    /// Time would make another try worth it.
    static func later(
        _ code: Int, _ reason: String, _ message: String,
        milliseconds: UInt32 = usualRetryMilliseconds
    ) -> PluginFailure {
        PluginFailure(
            code: Int32(code), retry: .later, retryAfterMs: milliseconds, reason: reason,
            message: message)
    }

    /// A person or the host has to renew something first.
    static func renewed(_ code: Int, _ reason: String, _ message: String) -> PluginFailure {
        PluginFailure(code: Int32(code), retry: .renewed, reason: reason, message: message)
    }

    /// A secret that cannot be used as it is.
    static func credential(_ reason: String, _ message: String) -> PluginFailure {
        .renewed(FAN_UNAUTHENTICATED, reason, message)
    }

    /// A host that the grant does not name.
    static func notGranted(_ url: HTTPServiceURL) -> PluginFailure {
        let name = url.grantedName
        let port = url.port.map { ":\($0)" } ?? ""
        return .never(
            FAN_DENIED, "grant.host",
            "this plugin may not talk to \(name)\(port): no host of its grant fits; add it to "
                + "`hosts:` of its grant if it should")
    }

    /// An address that serves machines their credentials.
    static func guardedAddress(_ url: HTTPServiceURL) -> PluginFailure {
        .never(
            FAN_DENIED, "grant.address",
            "\(url.host) is, or leads to, an address from which machines get their credentials; "
                + "only a grant that names it literally allows that")
    }

    /// The time of a request was over.
    static func timeIsOver(_ url: HTTPServiceURL, milliseconds: UInt64) -> PluginFailure {
        .later(
            FAN_DEADLINE, "http.deadline",
            "no answer of \(url.shown) in \(milliseconds) ms; ask again, or with a larger "
                + "\"timeout_ms\"")
    }

    /// What a plugin hears of an exchange that failed.
    init(
        _ failure: TransportFailure, at url: HTTPServiceURL, milliseconds: UInt64
    ) {
        let place = url.shown
        self =
            switch failure {
            case .refused:
                .later(
                    FAN_UNAVAILABLE, "http.refused",
                    "\(place) refused the connection; is the server running, and the port right?")
            case .notConnected:
                .later(
                    FAN_UNAVAILABLE, "http.unreachable",
                    "no connection to \(place) came about; is it reachable from here?")
            case .unknownHost:
                .later(
                    FAN_UNAVAILABLE, "http.name",
                    "the name \(url.host) has no address; is it spelled right, and does DNS work?")
            case .reset:
                .later(
                    FAN_UNAVAILABLE, "http.reset",
                    "\(place) closed the connection before it answered; ask again")
            case .cut:
                .later(
                    FAN_UNAVAILABLE, "http.cut",
                    "\(place) broke off in the middle of its answer; ask again")
            case .untrusted(let words):
                .renewed(
                    FAN_UNAVAILABLE, "http.tls",
                    "no trusted connection to \(place): \(words); if its certificate is signed by "
                        + "your own authority, name that in `http: {ca-file:}` of the settings")
            case .answerTooLong(let limit):
                .never(
                    FAN_RANGE, "http.answer-size",
                    "the answer of \(place) is longer than \(limit) bytes; ask for less of it")
            case .headTooLong:
                .never(
                    FAN_RANGE, "http.answer-head",
                    "the answer of \(place) has more than \(HTTPServiceLimits.headerCount) headers "
                        + "or \(HTTPServiceLimits.headerBytes) bytes of them")
            case .forbiddenAddress: .guardedAddress(url)
            case .deadline: .timeIsOver(url, milliseconds: milliseconds)
            case .other(let words):
                .later(FAN_UNAVAILABLE, "http.network", "\(place) gave no answer: \(words)")
            }
    }
}

extension HTTPServiceURL {
    /// Host and port, or the socket, for an error.
    var shown: String { scheme == .unix ? "the socket \(socket)" : authority }
}
