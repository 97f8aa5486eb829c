import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime

/// `fanfold plugin`: what extends Fanfold.
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Lists, shows, makes, checks, signs and locks plugins.",
        subcommands: [
            PluginListCommand.self, PluginShowCommand.self, PluginNewCommand.self,
            PluginCheckCommand.self, PluginKeygenCommand.self, PluginSignCommand.self,
            PluginVerifyCommand.self, PluginLockCommand.self,
        ])
}

/// `fanfold plugin list`: what is in the search path.
struct PluginListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the plugins in the search path.")

    @OptionGroup var host: HostOptions

    @Option(help: "How the list is printed.")
    var output: OutputStyle = .table

    func run() throws {
        let context = try HostContext(host)
        var table = TextTable(["id", "version", "kind", "summary"])
        var entries: [JSON] = []
        for candidate in context.registry.candidates() {
            do throws(PluginLoadError) {
                let plugin = try context.registry.load(path: candidate.path)
                for component in plugin.components {
                    table.add([
                        component.id, component.version, "\(component.kind)", component.summary,
                    ])
                    entries.append(component.json(plugin.origin))
                }
            } catch {
                Terminal.complain("warning: \(error.message)")
            }
        }
        switch output {
        case .table: Terminal.print(table.text)
        case .json: Terminal.print(JSON.array(entries).prettyText)
        case .quiet:
            for entry in entries { Terminal.print(entry["id"]?.stringValue ?? "") }
        }
    }
}

/// `fanfold plugin show`: everything a plugin says about itself.
struct PluginShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows what a plugin offers and how it is configured.")

    @Argument(help: "A component's id, or the path of a plugin's file.")
    var plugin: String

    @OptionGroup var host: HostOptions

    @Option(help: "How it is printed.")
    var output: OutputStyle = .table

    func run() throws {
        let context = try HostContext(host)
        let loaded: LoadedPlugin
        do throws(PluginLoadError) {
            loaded =
                plugin.contains("/") || plugin.hasSuffix(".so")
                ? try context.registry.load(path: plugin)
                : try context.registry.plugin(providing: plugin)
        } catch {
            Terminal.complain("error: \(error.message)")
            throw Exit.notFound
        }
        switch output {
        case .json:
            Terminal.print(
                JSON.array(loaded.components.map { $0.json(loaded.origin) }).prettyText)
        case .table, .quiet:
            for component in loaded.components { Terminal.print(text(component, loaded.origin)) }
        }
    }

    private func text(_ component: ComponentDescriptor, _ origin: PluginOrigin) -> String {
        var lines = [
            "\(component.id) \(component.version)   \(component.kind)",
            "  \(component.summary)",
            "  file     \(component.path)",
            "  sha256   \(component.sha256)",
            "  origin   \(origin.summary)",
            "  runs     \(place(component, origin))",
            "  asks for \(wishes(component))",
            "  ABI      built for 1.\(component.builtMinor), needs 1.\(component.needsMinor)",
        ]
        if let license = component.license { lines.append("  license  \(license)") }
        if let vendor = component.vendor { lines.append("  vendor   \(vendor)") }
        if let url = component.url { lines.append("  url      \(url)") }
        let properties = component.configSchema?["properties"]?.objectValue
        if let properties, !properties.isEmpty {
            lines.append("  configuration (under `with:`)")
            let required = component.configSchema?["required"]?.arrayValue ?? []
            var table = TextTable([])
            for (key, schema) in properties.members {
                let fallback =
                    required.contains(.string(key))
                    ? "required" : schema["default"].map { "default \($0.text)" } ?? ""
                table.add(["    " + key, fallback, schema["description"]?.stringValue ?? ""])
            }
            lines.append(table.text)
        }
        return lines.joined(separator: "\n")
    }

    private func place(_ component: ComponentDescriptor, _ origin: PluginOrigin) -> String {
        component.isIsolated(origin)
            ? "in a process of its own, unless the pipeline says isolate: none"
            : "inside the host, unless the pipeline says isolate: process"
    }

    private func wishes(_ component: ComponentDescriptor) -> String {
        let services = component.needsServices
        guard !services.isEmpty else { return "nothing" }
        let toGrant = PluginGrant.nothing.lacking(of: services)
        let rest = toGrant.isEmpty ? "" : "; to grant in the pipeline: "
        return services.joined(separator: ", ") + rest + toGrant.joined(separator: ", ")
    }
}

extension ComponentDescriptor {
    /// Whether it runs in a process of its own where the pipeline says nothing.
    func isIsolated(_ origin: PluginOrigin) -> Bool {
        IsolationPolicy.isIsolated(
            kind: kind, isBundled: origin.isBundled, isTrusted: origin.isAllowed, asked: nil)
    }

    /// The descriptor as `--output json` prints it.
    func json(_ origin: PluginOrigin) -> JSON {
        var object = JSONObject()
        object["id"] = .string(id)
        object["version"] = .string(version)
        object["kind"] = .string("\(kind)")
        object["summary"] = .string(summary)
        object["path"] = .string(path)
        object["sha256"] = .string(sha256)
        object["bundled"] = .bool(origin.isBundled)
        object["signer"] = origin.signer.map { .string($0.id) } ?? .null
        object["signer_allowed"] = .bool(origin.isAllowed)
        object["isolated"] = .bool(isIsolated(origin))
        object["needs_services"] = .array(needsServices.map(JSON.string))
        object["needs_minor"] = .integer(Int64(needsMinor))
        object["config_schema"] = configSchema ?? .null
        return .object(object)
    }
}
