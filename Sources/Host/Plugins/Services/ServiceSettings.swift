/// What the user's settings say about the services of plugins.
package struct ServiceSettings: Hashable, Sendable {
    /// Where the values of secrets come from, by the names that requests sign with.
    package var secrets: [String: SecretSource] = [:]
    /// Where `fanfold.store/1` keeps values: an absolute path.
    package var stateDirectory = ""
    /// What `http` and `https` go through; `nil` for none.
    package var proxy: HTTPProxy?
    /// A file of certificates in PEM that are trusted beside the system's; empty for none.
    package var authorityFile = ""
    /// Requests a second that one plugin may send on average, retries included.
    package var requestsPerSecond = 20.0
    /// Requests of one plugin that may be under way at a time.
    package var concurrentRequests = 16

    /// No secrets, no proxy.
    package init() {}
}

/// Where the value of a secret comes from; the value itself is never part of the settings.
package enum SecretSource: Hashable, Sendable {
    /// A file that only its owner may read.
    case file(String)
    /// A variable of the environment of the host.
    case environment(String)
    /// The standard output of a program, looked for in `PATH`; no shell is involved.
    case command([String])
    /// The metadata service of the cloud that the host runs in, for its own machine or container.
    case metadata(MetadataService)
}

/// A service that gives a cloud's machines and containers their credentials.
package enum MetadataService: String, Hashable, Sendable {
    /// Of EC2 (version 2, with tokens), or of the container that the host runs in.
    case aws
    /// Of Compute Engine and what is built on it.
    case google
}

/// A server that passes requests on: `http://HOST:PORT`.
package struct HTTPProxy: Hashable, Sendable {
    /// A name or an address.
    package var host: String
    /// From 1 to 65535.
    package var port: Int

    /// Reads `http://HOST:PORT`; `nil` for anything else, a name and password included.
    package init?(_ text: String) {
        do throws(HTTPServiceURL.Refusal) {
            let url = try HTTPServiceURL(text)
            guard url.scheme == .http, let port = url.port, url.target == "/" else { return nil }
            self.host = url.host
            self.port = port
        } catch {
            return nil
        }
    }
}
