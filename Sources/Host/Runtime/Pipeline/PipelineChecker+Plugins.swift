import FanfoldJSON
import FanfoldPlugins

extension PipelineChecker {
    /// Makes the declarations under `plugins:`.
    mutating func checkPlugins() {
        for (name, value) in json["plugins"]?.objectValue?.members ?? [] {
            let pointer = JSONPointer(["plugins", name])
            guard value.objectValue != nil else { continue }
            var plugin = PluginDeclaration(name: name)
            if let path = value["path"]?.stringValue, !path.isEmpty {
                plugin.path = checkLibrary(path, at: pointer.appending("path"))
            }
            plugin.sha256 = value["sha256"]?.stringValue
            plugin.isolate = value["isolate"]?.stringValue.flatMap(Isolation.init)
            plugin.isTrusted = value["trusted"]?.boolValue ?? false
            plugin.grant = PluginGrant(value["grant"] ?? [:])
            checkHosts(plugin.grant, at: pointer.appending("grant").appending("hosts"))
            plugins.append(plugin)
        }
    }

    private mutating func checkLibrary(_ path: String, at pointer: JSONPointer) -> String {
        let absolute = DocumentFile.absolute(path, in: directory)
        switch FileKind.of(absolute) {
        case .file: break
        case .missing: refuse(pointer, "there is no file \(path)")
        default: refuse(pointer, "wanted a shared library, found that \(path) is no file")
        }
        return absolute
    }

    private mutating func checkHosts(_ grant: PluginGrant, at pointer: JSONPointer) {
        for (index, problem) in grant.hostProblems {
            let place = pointer.appending("\(index)")
            if !refused.contains(place) { refuse(place, problem.description) }
        }
    }
}

extension PluginGrant {
    /// What stands under `grant:` or `grants:`, an object that fits its schema.
    init(_ json: JSON) {
        func texts(_ key: String) -> [String] {
            (json[key]?.arrayValue ?? []).compactMap(\.stringValue)
        }
        self.init(
            hosts: texts("hosts"), secrets: texts("secrets"),
            store: json["store"]?.boolValue ?? false)
    }

    /// The host patterns that cannot be read, with their indices.
    var hostProblems: [(index: Int, problem: HostPattern.Problem)] {
        hosts.enumerated().compactMap { index, text in
            do throws(HostPattern.Problem) {
                _ = try HostPattern(text)
                return nil
            } catch {
                return (index, error)
            }
        }
    }

    /// The schema of a grant, for the pipeline and for the lock.
    static let schemaText = #"""
        {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "hosts": {
              "description": "Hosts that it may reach: ec2.*.amazonaws.com, localhost:9000, unix:/run/x.sock.",
              "type": "array",
              "maxItems": 64,
              "items": { "type": "string", "minLength": 1, "maxLength": 255 },
              "default": []
            },
            "secrets": {
              "description": "Names of the secrets that may sign its requests.",
              "type": "array",
              "maxItems": 64,
              "items": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
              "default": []
            },
            "store": {
              "description": "Whether the host keeps small values for it.",
              "type": "boolean",
              "default": false
            }
          }
        }
        """#
}
