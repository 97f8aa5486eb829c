import CPluginABI
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Checks of the loaded library and of what it says about itself.
enum LibraryChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "load-now-local", subject: .library,
            consequence: "No host could load it.", body: load),
        CheckCase(
            name: "entry-constant", subject: .library,
            consequence: "A host would act on a description that has changed meanwhile.",
            body: entryConstant),
        CheckCase(
            name: "descriptor-complete", subject: .library,
            consequence: "People could not tell what it is, or pipelines not name it.",
            body: descriptor),
        CheckCase(
            name: "schema-valid", subject: .library,
            consequence: "Configurations would be refused, or accepted, for no reason people see.",
            body: schema),
        CheckCase(
            name: "process-manners", subject: .library,
            consequence: "Everything else in the host's process would behave differently.",
            body: manners),
    ]

    private static func load(_ context: CheckContext) throws -> CheckOutcome {
        let clock = ContinuousClock()
        let start = clock.now
        let count = try context.loaded().components.count
        let time = clock.now - start
        guard count > 0 else { return .failed("it lists no component") }
        return time < .milliseconds(500)
            ? .passed("\(count) component(s)")
            : .warning("loading took \(time); load does no work and no I/O")
    }

    private static func entryConstant(_ context: CheckContext) throws -> CheckOutcome {
        let library = try context.loaded()
        let before = fingerprint(library.table)
        CheckTrace.phase("in fanfold_plugin_v1")
        for _ in 0..<1_000 where library.entry() != library.table {
            return .failed("\(HostABI.entrySymbol) returned another address the second time")
        }
        let others = (0..<8).map { _ in
            CheckThread { library.entry() == library.table }
        }
        guard others.allSatisfy({ $0.join() }) else {
            return .failed("\(HostABI.entrySymbol) returned another address on another thread")
        }
        guard fingerprint(library.table) == before else {
            return .failed("the tables changed between two calls; they are constant data")
        }
        return .passed()
    }

    /// What the tables say, byte for byte.
    private static func fingerprint(_ table: UnsafePointer<fan_plugin>) -> [UInt8] {
        var bytes = Array(
            UnsafeRawBufferPointer(start: table, count: MemoryLayout<fan_plugin>.size))
        var index = 0
        while let component = table.pointee.components[index] {
            bytes += UnsafeRawBufferPointer(
                start: component, count: MemoryLayout<fan_component>.size)
            for text in [component.pointee.id, component.pointee.version] {
                bytes += String(cString: text).utf8
            }
            if let schema = component.pointee.config_schema {
                bytes += String(cString: schema).utf8
            }
            index += 1
        }
        return bytes
    }

    private static func descriptor(_ context: CheckContext) throws -> CheckOutcome {
        var faults: [String] = []
        for component in try context.loaded().components.map(\.descriptor) {
            let id = component.id
            if component.id.split(separator: ".").count < 2 {
                faults.append("\(id): wanted an id with a domain, as com.example.name")
            }
            if component.summary.isEmpty || component.summary.count > 100 {
                faults.append(
                    "\(id): wanted a summary of 1 to 100 characters, found "
                        + "\(component.summary.count)")
            }
            if component.version.split(separator: ".").count < 3 {
                faults.append("\(id): wanted a version like 1.0.0, found \(component.version)")
            }
            if component.license == nil { faults.append("\(id): it names no licence (SPDX)") }
        }
        return faults.isEmpty ? .passed() : .failed(faults.joined(separator: "; "))
    }

    private static func schema(_ context: CheckContext) throws -> CheckOutcome {
        var faults: [String] = []
        var doubts: [String] = []
        for component in try context.loaded().components.map(\.descriptor) {
            guard let json = component.configSchema, let schema = component.schema else {
                doubts.append("\(component.id) has no schema: every configuration is accepted")
                continue
            }
            for (index, example) in (json["examples"]?.arrayValue ?? []).enumerated() {
                if let problem = schema.validate(schema.fillingDefaults(example)).first {
                    faults.append("example \(index) of \(component.id): \(problem)")
                }
            }
            let required = json["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
            for (key, property) in json["properties"]?.objectValue?.members ?? [] {
                let isReference = property["$ref"] != nil
                if property["description"] == nil && !isReference {
                    faults.append("\(component.id): \"\(key)\" has no description")
                }
                if property["default"] == nil && !required.contains(key) && !isReference {
                    doubts.append("\(component.id): \"\(key)\" is optional and has no default")
                }
            }
        }
        if !faults.isEmpty { return .failed(faults.joined(separator: "; ")) }
        return doubts.isEmpty ? .passed() : .warning(doubts.joined(separator: "; "))
    }

    /// What of the process a plugin must leave as it is.
    private struct Manners: Equatable {
        var folder = ""
        var mask: mode_t = 0
        var locale = ""
        var environment: [String] = []
        var handlers: [UInt] = []

        init() {
            if let path = getcwd(nil, 0) {
                folder = String(cString: path)
                free(path)
            }
            mask = umask(0o77)
            umask(mask)
            if let name = setlocale(LC_ALL, nil) { locale = String(cString: name) }
            var index = 0
            while let variable = environ[index] {
                environment.append(String(cString: variable))
                index += 1
            }
            for signal in Int32(1)..<32 {
                var action = sigaction()
                sigaction(signal, nil, &action)
                handlers.append(
                    unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self))
            }
        }

        func differences(from before: Manners) -> [String] {
            var found: [String] = []
            if folder != before.folder { found.append("working directory") }
            if mask != before.mask { found.append("umask") }
            if locale != before.locale { found.append("locale") }
            if environment != before.environment { found.append("environment") }
            if handlers != before.handlers { found.append("signal handlers") }
            return found
        }
    }

    private static func manners(_ context: CheckContext) throws -> CheckOutcome {
        _ = Manners()
        let before = Manners()
        for component in try context.loaded().components
        where component.descriptor.kind == .strategy {
            guard let configuration = try? component.configurations().first else { continue }
            let driver = try StrategyDriver(context, component, configuration, items: 20)
            _ = try? driver.run()
        }
        let changed = Manners().differences(from: before)
        guard changed.isEmpty else {
            return .failed("it changed the \(changed.joined(separator: ", ")) of the process")
        }
        return .passed()
    }
}
