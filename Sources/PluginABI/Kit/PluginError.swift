import FanfoldJSON

/// What went wrong in a plugin, and what would make another try worth it.
public struct PluginError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, by gRPC's numbers, so that logs and proxies agree.
    public struct Code: Sendable, Hashable {
        /// The number; see `fan_code` in `fanfold_plugin.h`.
        public let rawValue: Int32

        /// The code with this number.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// The host no longer wants the answer.
        public static let cancelled = Code(rawValue: 1)
        /// Nobody knows what went wrong.
        public static let unknown = Code(rawValue: 2)
        /// The request or the configuration is wrong.
        public static let invalid = Code(rawValue: 3)
        /// It took too long.
        public static let deadline = Code(rawValue: 4)
        /// There is no such thing.
        public static let notFound = Code(rawValue: 5)
        /// There is such a thing already.
        public static let exists = Code(rawValue: 6)
        /// Whoever asks may not do that.
        public static let denied = Code(rawValue: 7)
        /// A limit is reached.
        public static let exhausted = Code(rawValue: 8)
        /// Something that must hold first does not.
        public static let precondition = Code(rawValue: 9)
        /// A number or a length is out of range.
        public static let range = Code(rawValue: 11)
        /// This plugin does not do that.
        public static let unimplemented = Code(rawValue: 12)
        /// The plugin has a bug.
        public static let internalBug = Code(rawValue: 13)
        /// Not now: a crash, a network, a restart.
        public static let unavailable = Code(rawValue: 14)
        /// Whoever asks is not known: credentials are missing, wrong or expired.
        public static let unauthenticated = Code(rawValue: 16)
    }

    /// What would make another try worth it.
    public enum Retry: UInt32, Sendable {
        /// Nothing: the request is wrong.
        case never = 0
        /// Time.
        case later = 1
        /// Another worker, zone or offering.
        case elsewhere = 2
        /// A person or the host renewing credentials or quota.
        case renewed = 3
    }

    /// What went wrong.
    public var code: Code
    /// What would make another try worth it.
    public var retry: Retry
    /// The earliest time of another try, in milliseconds from now; 0 if nobody said.
    public var retryAfterMilliseconds: UInt32
    /// For programs, at most 63 bytes: `capacity.spot`, `config./size`.
    public var reason: String
    /// For people, at most 431 bytes: what was wanted, what was found, what to do.
    public var message: String

    /// An error.
    public init(
        _ code: Code, retry: Retry = .never, after milliseconds: UInt32 = 0, reason: String,
        _ message: String
    ) {
        self.code = code
        self.retry = retry
        retryAfterMilliseconds = milliseconds
        self.reason = reason
        self.message = message
    }

    /// A service that the component cannot do without and that this host withholds.
    ///
    /// Parameter id: For example `fanfold.http/1`.
    public static func missingService(_ id: String) -> PluginError {
        PluginError(
            .precondition, reason: "service.\(id)",
            "wanted the service \(id) of the host, which withholds it; grant it to the plugin")
    }

    /// A configuration that the schema allows and the component cannot use.
    ///
    /// Parameter pointer: The place in the configuration; the host shows the line of the YAML.
    public static func configuration(_ pointer: JSONPointer, _ message: String) -> PluginError {
        PluginError(.invalid, reason: "config.\(pointer)", message)
    }

    /// The message.
    public var description: String { message }
}
