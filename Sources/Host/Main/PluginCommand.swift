import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime

/// `fanfold plugin`: what extends Fanfold.
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Lists, shows, makes and checks plugins.",
        subcommands: [
            PluginListCommand.self, PluginShowCommand.self, PluginNewCommand.self,
            PluginCheckCommand.self,
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
                for component in try context.registry.load(path: candidate.path).components {
                    table.add([
                        component.id, component.version, "\(component.kind)", component.summary,
                    ])
                    entries.append(component.json)
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
            Terminal.print(JSON.array(loaded.components.map(\.json)).prettyText)
        case .table, .quiet:
            for component in loaded.components { Terminal.print(text(component)) }
        }
    }

    private func text(_ component: ComponentDescriptor) -> String {
        var lines = [
            "\(component.id) \(component.version)   \(component.kind)",
            "  \(component.summary)",
            "  file     \(component.path)",
            "  sha256   \(component.sha256)",
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
}

extension ComponentDescriptor {
    /// The descriptor as `--output json` prints it.
    var json: JSON {
        var object = JSONObject()
        object["id"] = .string(id)
        object["version"] = .string(version)
        object["kind"] = .string("\(kind)")
        object["summary"] = .string(summary)
        object["path"] = .string(path)
        object["sha256"] = .string(sha256)
        object["needs_minor"] = .integer(Int64(needsMinor))
        object["config_schema"] = configSchema ?? .null
        return .object(object)
    }
}
