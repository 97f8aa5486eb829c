import FanfoldPlugins

/// One exchange with a server, without retries: the part of ``HTTPClientService`` that touches
/// the network.
package protocol HTTPTransport: Sendable {
    /// Sends the request and reads all of the answer.
    ///
    /// - Parameter timeout: nanoseconds after which the exchange is given up.
    func exchange(
        _ request: OutgoingRequest, timeout: UInt64
    ) async -> Result<HTTPServiceAnswer, TransportFailure>
}

/// A request as it goes out: checked and signed.
package struct OutgoingRequest: Sendable, Hashable {
    /// In capitals.
    package var method: String
    /// Where it goes.
    package var url: HTTPServiceURL
    /// With those that the host added; what is connected to and framing are the transport's.
    package var headers: [HTTPServiceHeader]
    /// Empty for none.
    package var body: [UInt8]
    /// The certificate by which TLS says who asks.
    var identity: ClientIdentity?

    /// A request that is sent as it is.
    package init(
        method: String, url: HTTPServiceURL, headers: [HTTPServiceHeader] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }

    /// Puts a header in place of all of that name.
    mutating func set(_ name: String, _ value: String) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        headers.append(HTTPServiceHeader(name, value))
    }

    /// Whether a header of that name, in small letters, is there.
    func has(_ name: String) -> Bool { headers.contains { $0.name.lowercased() == name } }
}

/// Why an exchange gave no answer.
package enum TransportFailure: Error, Sendable, Hashable {
    /// Nobody listens there.
    case refused
    /// No connection in the time for it.
    case notConnected
    /// The name has no address.
    case unknownHost
    /// The connection ended before an answer began.
    case reset
    /// The connection ended, or said what is not HTTP, in the middle of an answer.
    case cut
    /// The server could not prove who it is, or the two have no TLS in common.
    case untrusted(String)
    /// The answer's body is longer than the limit, in bytes.
    case answerTooLong(Int)
    /// The answer's head has more lines than the limit, or more bytes.
    case headTooLong
    /// The name leads to an address that serves machines their credentials.
    case forbiddenAddress
    /// The time was over.
    case deadline
    /// Anything else, in the words of whoever found it; holds nothing of the request.
    case other(String)
}
