import FanfoldPlugins
import Logging

/// Makes the services of components; what all of them share is kept here.
package final class ServiceFactory: Sendable {
    /// The figures of every component that was given services.
    package let metrics = MetricsRegistry()
    /// Knows the secrets that were used so far.
    package let redactor = SecretRedactor()

    private let settings: ServiceSettings
    private let hostVersion: String
    private let secrets: SecretStore
    private let logger: Logger

    /// A factory for one host; nothing is opened or read yet.
    package init(settings: ServiceSettings, hostVersion: String, logger: Logger) {
        self.settings = settings
        self.hostVersion = hostVersion
        self.logger = logger
        secrets = SecretStore(settings.secrets, redactor: redactor)
    }

    /// What one component may use: HTTP if a host is granted, the store if that is, metrics always.
    package func services(
        component: String, version: String, grant: PluginGrant
    ) -> PluginServices {
        PluginServices(
            http: grant.hosts.isEmpty ? nil : http(component, version, grant),
            store: grant.store
                ? FileStoreService(directory: settings.stateDirectory, component: component) : nil,
            metrics: CountingMetricsService(component: component, registry: metrics))
    }

    private func http(
        _ component: String, _ version: String, _ grant: PluginGrant
    ) -> HTTPClientService {
        var limits = HTTPClientLimits()
        limits.concurrentRequests = settings.concurrentRequests
        limits.attemptsPerSecond = settings.requestsPerSecond
        limits.burst = max(1, Int(2 * settings.requestsPerSecond))
        var options = ClientTransport.Options()
        options.authorityFile = settings.authorityFile
        options.proxy = settings.proxy
        let attempts = AttemptLoop(
            transport: ClientTransport(options, grant: grant), limits: limits)
        return HTTPClientService(
            component: component, agent: Self.agent(hostVersion, component, version), grant: grant,
            limits: limits, attempts: attempts,
            signer: RequestSigner(
                grant: grant, secrets: secrets, attempts: attempts, redactor: redactor),
            redactor: redactor, logger: logger)
    }

    /// `fanfold/1.0 (fanfold.ec2 0.3)`, as far as a header may hold it.
    private static func agent(_ host: String, _ component: String, _ version: String) -> String {
        let text = "fanfold/\(host) (\(component) \(version))"
        return text.isHeaderValue && text.utf8.count <= 256 ? text : "fanfold"
    }
}
