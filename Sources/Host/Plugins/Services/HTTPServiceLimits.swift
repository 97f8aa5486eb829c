/// What one request of a plugin may be, whoever carries it out.
package enum HTTPServiceLimits {
    /// Bytes of a method's name.
    package static let methodBytes = 32
    /// Bytes of a URL; longer ones do not pass common servers.
    package static let urlBytes = 8_192
    /// Lines of a head, in a request and in an answer.
    package static let headerCount = 128
    /// Bytes of all names and values of a head together.
    package static let headerBytes = 65_536
    /// Bytes of a request's body.
    package static let requestBodyBytes = 8 * 1_048_576
    /// Bytes of an answer's body.
    package static let answerBodyBytes = 64 * 1_048_576
    /// Milliseconds that a request may take at most, retries included.
    package static let timeoutMilliseconds = 600_000
    /// Milliseconds that a request may take if it does not say.
    package static let usualTimeoutMilliseconds = 30_000
    /// Bytes of a secret's name.
    package static let secretNameBytes = 64
}
