import AsyncHTTPClient
@preconcurrency import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension TransportFailure {
    /// What an error of the client means.
    ///
    /// Parameter isAnswering: whether the head of an answer had come.
    init(_ error: any Error, isAnswering: Bool) {
        switch error {
        case let failure as TransportFailure: self = failure
        case let error as NIOConnectionError: self = Self.connection(error)
        case let error as IOError: self = Self.system(error.errnoCode, isAnswering)
        case let error as HTTPClientError: self = Self.client(error, isAnswering)
        case let error as NIOSSLError: self = Self.security(error, isAnswering)
        case let error as NIOSSLExtraError:
            self = .untrusted("the certificate does not fit the name (\(error.shortWords))")
        case let error as BoringSSLError: self = .untrusted(Self.words(error))
        case let error as HTTPParserError:
            self = error == .headerOverflow ? .headTooLong : .cut
        case let error as ChannelError:
            if case .connectTimeout = error {
                self = .notConnected
            } else {
                self = isAnswering ? .cut : .reset
            }
        case is CancellationError: self = .deadline
        default: self = .other("\(type(of: error))")
        }
    }

    private static func connection(_ error: NIOConnectionError) -> TransportFailure {
        let causes = error.connectionErrors.map(\.error)
        guard
            let cause = causes.first(where: { ($0 as? IOError)?.errnoCode == ECONNREFUSED })
                ?? causes.first
        else { return .unknownHost }
        return TransportFailure(cause, isAnswering: false)
    }

    private static func system(_ code: CInt, _ isAnswering: Bool) -> TransportFailure {
        switch code {
        // A socket of that name is not there, or nobody listens at it.
        case ECONNREFUSED, ENOENT: .refused
        case ECONNRESET, EPIPE, ENOTCONN: isAnswering ? .cut : .reset
        case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL: .notConnected
        default: .other(String(cString: strerror(code)))
        }
    }

    private static func client(_ error: HTTPClientError, _ isAnswering: Bool) -> TransportFailure {
        switch error {
        case .deadlineExceeded, .cancelled, .readTimeout: .deadline
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout: .notConnected
        case .remoteConnectionClosed, .uncleanShutdown: isAnswering ? .cut : .reset
        default: .other(error.shortDescription)
        }
    }

    private static func security(_ error: NIOSSLError, _ isAnswering: Bool) -> TransportFailure {
        switch error {
        case .handshakeFailed(let cause):
            if case .sslError = cause, !"\(cause)".contains("EOF during handshake") {
                return .untrusted(words(cause))
            }
            return .reset
        case .uncleanShutdown, .readInInvalidTLSState: return isAnswering ? .cut : .reset
        case .unableToValidateCertificate:
            return .untrusted("its certificate cannot be verified")
        case .noCertificateToValidate: return .untrusted("it showed no certificate")
        default: return .untrusted("TLS failed")
        }
    }

    private static func words(_ error: BoringSSLError) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate cannot be verified"
        }
        if text.contains("WRONG_VERSION_NUMBER") { return "it does not speak TLS" }
        return "the TLS handshake failed"
    }
}

extension NIOSSLExtraError {
    fileprivate var shortWords: String {
        self == .failedToValidateHostname ? "other name" : "TLS"
    }
}
