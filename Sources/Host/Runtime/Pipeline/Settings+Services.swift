import FanfoldJSON
import FanfoldPlugins

extension Settings {
    /// `services` with absolute paths.
    package var resolvedServices: ServiceSettings {
        var services = services
        services.stateDirectory = Self.resolved(services.stateDirectory)
        if !services.authorityFile.isEmpty {
            services.authorityFile = Self.resolved(services.authorityFile)
        }
        services.secrets = services.secrets.mapValues { source in
            guard case .file(let path) = source else { return source }
            return .file(Self.resolved(path))
        }
        return services
    }

    /// What holds without a file.
    static var usualServices: ServiceSettings {
        var services = ServiceSettings()
        services.stateDirectory = "~/.local/state/fanfold"
        return services
    }

    /// The services of a document that fits the schema.
    static func services(_ json: JSON) -> ServiceSettings {
        var services = usualServices
        services.stateDirectory = json["state"]?.stringValue ?? services.stateDirectory
        let http = json["http"]
        services.proxy = http?["proxy"]?.stringValue.flatMap(HTTPProxy.init)
        services.authorityFile = http?["ca-file"]?.stringValue ?? services.authorityFile
        services.requestsPerSecond = http?["rate"]?.doubleValue ?? services.requestsPerSecond
        services.concurrentRequests =
            http?["concurrent"]?.integerValue.map(Int.init) ?? services.concurrentRequests
        for (name, source) in json["secrets"]?.objectValue?.members ?? [] {
            services.secrets[name] = secretSource(source)
        }
        return services
    }

    /// What the schema cannot say.
    static func serviceProblems(_ json: JSON, _ source: PipelineSource) -> [Diagnostic] {
        guard let text = json["http"]?["proxy"]?.stringValue, !text.isEmpty,
            HTTPProxy(text) == nil
        else { return [] }
        // What was found is not shown: a password may stand in it.
        return [
            source.diagnostic(
                JSONPointer(["http", "proxy"]),
                "wanted http://HOST:PORT, without name and password",
                help: "config/fanfold.yaml")
        ]
    }

    private static func secretSource(_ json: JSON) -> SecretSource? {
        if let path = json["file"]?.stringValue { return .file(path) }
        if let name = json["env"]?.stringValue { return .environment(name) }
        if let name = json["metadata"]?.stringValue {
            return MetadataService(rawValue: name).map { .metadata($0) }
        }
        return json["command"]?.arrayValue.map { .command($0.compactMap(\.stringValue)) }
    }
}
