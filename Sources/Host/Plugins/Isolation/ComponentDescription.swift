import CPluginABI
import FanfoldJSON

extension HelperProcess {
    /// Has a helper load a library, say what is in it, and end.
    static func describe(_ launch: HelperLaunch) throws(HelperFailure) -> JSON {
        let (helper, description) = try start(
            launch, component: nil, configuration: [:], services: [])
        helper.discard()
        return description
    }
}

extension ComponentDescriptor {
    /// What a helper tells its host of a component.
    var description: JSON {
        func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
        return [
            "id": .string(id), "kind": .integer(Int64(kind.number)), "version": .string(version),
            "summary": .string(summary), "vendor": text(vendor), "license": text(license),
            "url": text(url), "schema": configSchema ?? .null,
            "services": .array(needsServices.map { .string($0) }),
            "needs_minor": .integer(Int64(needsMinor)), "flags": .integer(Int64(flags)),
            "built_minor": .integer(Int64(builtMinor)),
        ]
    }

    /// The components that a helper described.
    ///
    /// A helper may say anything: every rule of the contract is checked here as it is inside.
    static func read(
        _ json: JSON?, path: String, sha256: String, wellKnownSchemas: [String: JSON]
    ) throws(PluginLoadError) -> [ComponentDescriptor] {
        let list = json?.arrayValue ?? []
        guard (1...Int(FAN_MAX_COMPONENTS)).contains(list.count) else {
            throw .badTable(path: path, what: "it lists \(list.count) components")
        }
        var components: [ComponentDescriptor] = []
        for (number, entry) in list.enumerated() {
            let id = entry["id"]?.stringValue ?? ""
            guard DescriptorReader.isID(id), !components.contains(where: { $0.id == id }) else {
                throw .badDescriptor(
                    path: path, component: "number \(number)",
                    what: "the id \"\(id.prefix(80))\" is not one, or stands twice")
            }
            components.append(
                try ComponentDescriptor(
                    entry, id: id, path: path, sha256: sha256,
                    wellKnownSchemas: wellKnownSchemas))
        }
        return components
    }

    private init(
        _ json: JSON, id: String, path: String, sha256: String, wellKnownSchemas: [String: JSON]
    ) throws(PluginLoadError) {
        func text(_ key: String) -> String? {
            json[key]?.stringValue.map { String($0.prefix(Int(FAN_MAX_NAME_BYTES))) }
        }
        var schema: JSONSchema?
        let source = json["schema"].flatMap { $0 == .null ? nil : $0 }
        if let source {
            do throws(SchemaError) {
                schema = try JSONSchema(source, wellKnown: wellKnownSchemas)
            } catch {
                throw .badDescriptor(path: path, component: id, what: "config_schema: \(error)")
            }
        }
        self.init(
            kind: Kind(json["kind"]?.integerValue.flatMap { UInt32(exactly: $0) } ?? 0), id: id,
            version: text("version") ?? "", summary: text("summary") ?? "",
            vendor: text("vendor"), license: text("license"), url: text("url"),
            configSchema: source, schema: schema,
            needsServices: (json["services"]?.arrayValue ?? []).prefix(HostABI.maximumServices)
                .compactMap(\.stringValue),
            needsMinor: json["needs_minor"]?.integerValue.map { Int($0) } ?? 0,
            flags: json["flags"]?.integerValue.flatMap { UInt32(exactly: $0) } ?? 0,
            builtMinor: json["built_minor"]?.integerValue.map { Int($0) } ?? 0, path: path,
            sha256: sha256)
    }
}

extension ComponentDescriptor.Kind {
    /// The number that the contract gives it.
    var number: UInt32 {
        switch self {
        case .strategy: UInt32(FAN_KIND_STRATEGY)
        case .provider: UInt32(FAN_KIND_PROVIDER)
        case .executor: UInt32(FAN_KIND_EXECUTOR)
        case .policy: UInt32(FAN_KIND_POLICY)
        case .unknown(let number): number
        }
    }
}
