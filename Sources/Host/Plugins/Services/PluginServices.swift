import FanfoldJSON

/// What a host can do for one instance of a plugin, beside logging and time: `nil` is a service
/// that this host withholds, and `fan_host.service` answers NULL for it.
///
/// The lane and the memory of ``HostABI`` need nothing from outside; what is here touches the
/// world, and is made for one component with the grants that its user gave it.
package struct PluginServices: Sendable {
    /// `fanfold.http/1`.
    package var http: (any HTTPService)?
    /// `fanfold.store/1`.
    package var store: (any StoreService)?
    /// `fanfold.metrics/1`.
    package var metrics: (any MetricsService)?

    /// A host that withholds everything it does not state.
    package init(
        http: (any HTTPService)? = nil, store: (any StoreService)? = nil,
        metrics: (any MetricsService)? = nil
    ) {
        self.http = http
        self.store = store
        self.metrics = metrics
    }
}

/// HTTP on behalf of a plugin: the host's TLS, retries, limits, allow-list and signing.
package protocol HTTPService: Sendable {
    /// Sends a request; the answer comes once, from any thread, also if the request is refused.
    ///
    /// A status of 400 or more is an answer, not a failure.
    func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void)
}

/// A request as `fanfold.http/1` is given it.
package struct HTTPServiceRequest: Sendable, Hashable {
    /// Which secret signs the request, and how.
    package struct Signing: Sendable, Hashable {
        /// `aws-sigv4`, `google-oauth`, `bearer` or `tls-client`.
        package var scheme: String
        /// The secret's name; its value stays with the host.
        package var secret: String
        /// What the scheme wants beside it: `{"service":"ec2","region":"eu-central-1"}`.
        package var options: JSON

        /// A signature without options, if none are said.
        package init(scheme: String, secret: String, options: JSON = [:]) {
            self.scheme = scheme
            self.secret = secret
            self.options = options
        }
    }

    /// In capitals: `GET`.
    package var method: String
    /// Absolute; `http`, `https`, or `unix` with the socket as `unix:///run/docker.sock:/info`.
    package var url: String
    /// In order; a name may come more than once.
    package var headers: [HTTPServiceHeader]
    /// For the whole of it, retries included; `nil` for the host's own limit.
    package var timeoutMilliseconds: Int?
    /// `nil` for a request that is sent as it is.
    package var signing: Signing?
    /// Sent with its length; empty for none.
    package var body: [UInt8]

    /// A request without headers, signature and body, if none are said.
    package init(
        method: String, url: String, headers: [HTTPServiceHeader] = [],
        timeoutMilliseconds: Int? = nil, signing: Signing? = nil, body: [UInt8] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.timeoutMilliseconds = timeoutMilliseconds
        self.signing = signing
        self.body = body
    }
}

/// One line of a head.
package struct HTTPServiceHeader: Sendable, Hashable {
    /// In the case that it was written in; servers do not care.
    package var name: String
    /// Without spaces around it.
    package var value: String

    /// A line, `name: value`.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What a server answered.
package struct HTTPServiceAnswer: Sendable, Hashable {
    /// From 200 on.
    package var status: Int
    /// In the order of arrival.
    package var headers: [HTTPServiceHeader]
    /// All of it; empty for none.
    package var body: [UInt8]

    /// An answer without headers and body, if none are said.
    package init(status: Int, headers: [HTTPServiceHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Small values that are kept for one component.
///
/// Called from any thread; must not block long.
package protocol StoreService: Sendable {
    /// The value of a key; `nil` if there is none.
    func value(of key: String) throws(PluginFailure) -> [UInt8]?
    /// Keeps a value before it returns; an empty value removes the key.
    func set(_ value: [UInt8], for key: String) throws(PluginFailure)
}

/// Figures of one component.
///
/// Called from any thread; never fails.
package protocol MetricsService: Sendable {
    /// Adds to a counter.
    func add(_ value: Double, to name: String, labels: JSON)
    /// Takes a sample.
    func observe(_ value: Double, of name: String, labels: JSON)
}
