import CPluginABI
import FanfoldJSON

/// Copies the descriptors out of a plugin's constant data, checking every word.
struct DescriptorReader {
    /// The table that the entry function returned, and who it describes.
    struct Contents {
        var table: fan_plugin
        var components: [ComponentDescriptor]
        var pointers: [UnsafePointer<fan_component>]
    }

    let path: String
    let sha256: String
    let wellKnownSchemas: [String: JSON]
    /// Whether schemas are compiled; a helper leaves that to its host.
    var compilesSchemas = true

    func read(_ entry: UnsafeRawPointer?) throws(PluginLoadError) -> Contents {
        guard let entry else { throw bad("\(HostABI.entrySymbol) returned NULL") }
        let raw = RawTable(base: entry)
        let problem = raw.problem(
            name: "fan_plugin", size: MemoryLayout<fan_plugin>.size,
            required: [
                ("components", MemoryLayout<fan_plugin>.offset(of: \.components)),
                ("create", MemoryLayout<fan_plugin>.offset(of: \.create)),
                ("query", MemoryLayout<fan_plugin>.offset(of: \.query)),
                ("destroy", MemoryLayout<fan_plugin>.offset(of: \.destroy)),
            ])
        if let problem { throw bad(problem) }
        let table = entry.loadUnaligned(as: fan_plugin.self)
        var contents = Contents(table: table, components: [], pointers: [])
        while let next = table.components[contents.pointers.count] {
            guard contents.pointers.count < Int(FAN_MAX_COMPONENTS) else {
                throw bad(
                    "it lists more than \(FAN_MAX_COMPONENTS) components; "
                        + "end fan_plugin.components with NULL")
            }
            let component = try component(
                next, number: contents.pointers.count, builtMinor: Int(table.built_minor))
            guard !contents.components.contains(where: { $0.id == component.id }) else {
                throw .badDescriptor(
                    path: path, component: component.id, what: "two components have this id")
            }
            contents.pointers.append(next)
            contents.components.append(component)
        }
        guard !contents.components.isEmpty else { throw bad("it lists no component") }
        return contents
    }

    private func bad(_ what: String) -> PluginLoadError { .badTable(path: path, what: what) }

    private func component(
        _ pointer: UnsafePointer<fan_component>, number: Int, builtMinor: Int
    ) throws(PluginLoadError) -> ComponentDescriptor {
        let raw = RawTable(base: UnsafeRawPointer(pointer))
        let problem = raw.problem(
            name: "fan_component", size: MemoryLayout<fan_component>.size,
            required: [
                ("id", MemoryLayout<fan_component>.offset(of: \.id)),
                ("version", MemoryLayout<fan_component>.offset(of: \.version)),
                ("summary", MemoryLayout<fan_component>.offset(of: \.summary)),
            ])
        if let problem {
            throw .badDescriptor(path: path, component: "number \(number)", what: problem)
        }
        let texts = ComponentTexts(path: path, component: "number \(number)", raw: raw)
        let id = try texts.required("id", MemoryLayout<fan_component>.offset(of: \.id))
        try checkID(id, number: number)
        let named = ComponentTexts(path: path, component: id, raw: raw)
        let (configSchema, schema) = try schema(named, id: id)
        return ComponentDescriptor(
            kind: .init(raw.number(MemoryLayout<fan_component>.offset(of: \.kind))), id: id,
            version: try named.required(
                "version", MemoryLayout<fan_component>.offset(of: \.version)),
            summary: try named.required(
                "summary", MemoryLayout<fan_component>.offset(of: \.summary)),
            vendor: try named.optional("vendor", MemoryLayout<fan_component>.offset(of: \.vendor)),
            license: try named.optional(
                "license", MemoryLayout<fan_component>.offset(of: \.license)),
            url: try named.optional("url", MemoryLayout<fan_component>.offset(of: \.url)),
            configSchema: configSchema, schema: schema,
            needsServices: try services(raw, id: id),
            needsMinor: Int(raw.number(MemoryLayout<fan_component>.offset(of: \.needs_minor))),
            flags: raw.number(MemoryLayout<fan_component>.offset(of: \.flags)),
            builtMinor: builtMinor, path: path, sha256: sha256)
    }

    private func checkID(_ id: String, number: Int) throws(PluginLoadError) {
        guard Self.isID(id) else {
            throw .badDescriptor(
                path: path, component: "number \(number)",
                what: "id \"\(id)\" must be made of a-z, 0-9, '.', '-' and '_'")
        }
    }

    /// Whether a text may be the id of a component.
    static func isID(_ id: String) -> Bool {
        let allowed = id.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
        }
        return !id.isEmpty && id.utf8.count <= Int(FAN_MAX_NAME_BYTES) && allowed
    }

    private func schema(
        _ texts: ComponentTexts, id: String
    ) throws(PluginLoadError) -> (JSON?, JSONSchema?) {
        let text = try texts.optional(
            "config_schema", MemoryLayout<fan_component>.offset(of: \.config_schema),
            limit: Int(FAN_MAX_SPEC_BYTES))
        guard let text else { return (nil, nil) }
        do {
            let json = try JSON(parsing: text)
            guard compilesSchemas else { return (json, nil) }
            return (json, try JSONSchema(json, wellKnown: wellKnownSchemas))
        } catch {
            throw .badDescriptor(path: path, component: id, what: "config_schema: \(error)")
        }
    }

    private func services(_ raw: RawTable, id: String) throws(PluginLoadError) -> [String] {
        guard let list = raw.pointer(MemoryLayout<fan_component>.offset(of: \.needs_services))
        else { return [] }
        var services: [String] = []
        while let name = RawTable(base: list).pointer(services.count * MemoryLayout<UInt>.size) {
            guard services.count < HostABI.maximumServices else {
                throw .badDescriptor(
                    path: path, component: id,
                    what: "it needs more than \(HostABI.maximumServices) services; "
                        + "end needs_services with NULL")
            }
            let texts = ComponentTexts(path: path, component: id, raw: raw)
            services.append(try texts.check("needs_services", name, Int(FAN_MAX_NAME_BYTES)))
        }
        return services
    }
}

/// The texts of one component's description.
private struct ComponentTexts {
    let path: String
    let component: String
    let raw: RawTable

    func required(_ field: String, _ offset: Int?) throws(PluginLoadError) -> String {
        let text = try optional(field, offset) ?? ""
        guard !text.isEmpty else { throw bad(field, "is empty") }
        return text
    }

    func optional(
        _ field: String, _ offset: Int?, limit: Int = Int(FAN_MAX_NAME_BYTES)
    ) throws(PluginLoadError) -> String? {
        guard let start = raw.pointer(offset) else { return nil }
        return try check(field, start, limit)
    }

    func check(
        _ field: String, _ start: UnsafeRawPointer, _ limit: Int
    ) throws(PluginLoadError) -> String {
        switch BoundedText(start, limit: limit) {
        case .text(let text): return text
        case .tooLong: throw bad(field, "is longer than \(limit) bytes")
        case .notUTF8: throw bad(field, "is not UTF-8")
        }
    }

    private func bad(_ field: String, _ what: String) -> PluginLoadError {
        .badDescriptor(path: path, component: component, what: "\(field) \(what)")
    }
}
