import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// The settings of the host: `config/fanfold.yaml` has them all with their defaults.
package struct Settings: Hashable, Sendable {
    /// How much is logged to standard error.
    package enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, warning, error
    }

    /// Folders that are searched for plugins before those of Fanfold itself, in order.
    package var pluginSearchPath: [String] = []
    /// Where copies of plugins are kept.
    package var cacheDirectory = "~/.cache/fanfold"
    /// Public keys whose signatures make a plugin trusted: `ed25519:BASE64 NAME`.
    package var allowedKeys: [String] = []
    /// Whether a plugin that is not bundled must be signed by an allowed key.
    package var requiresSignature = false
    /// Where attempts get their working directories; empty stands for `TMPDIR`, or `/tmp`.
    package var scratchDirectory = ""
    /// How many workers the cores and memory of this machine are divided among; 0 makes one for
    /// each core.
    package var workerCount = 1
    /// The share of the machine's memory that all workers together offer, above 0, up to 1.
    package var memoryShare = 0.8
    /// How long one call to a strategy may take.
    package var strategyCallNanoseconds: Int64 = 10_000_000_000
    /// How often the progress of a run is shown on a terminal.
    package var progressNanoseconds: Int64 = 200_000_000
    /// Ended runs that a coordinator keeps.
    package var keptRuns = 10_000
    /// How long a coordinator keeps a run that has ended.
    package var keptRunNanoseconds: Int64 = 30 * 86_400_000_000_000
    /// How much is logged to standard error.
    package var logLevel = LogLevel.warning
    /// What plugins are served with; paths as they stand in the file.
    package var services = Settings.usualServices
    /// How a coordinator chooses workers.
    package var placement = PlacementSettings()
    /// What policies that are plugins are told, and how long they are waited for.
    package var policyPlugins = PolicyPluginSettings()
    /// Where workers are rented, in the order of the file.
    package var providers: [ProviderDeclaration] = []
    /// Workers that are rented as work comes and goes, in the order of the file.
    package var pools: [PoolDeclaration] = []
    /// How pools grow and shrink.
    package var scaling = ScalingDeclaration()
    /// What runs share the workers by, in the order of the file.
    package var queues: [QueueDeclaration] = []

    /// The defaults.
    package init() {}

    /// The file that is read without `--config`: `~/.config/fanfold/fanfold.yaml`, or below
    /// `XDG_CONFIG_HOME`; `nil` if there is no home.
    package static var usualPath: String? {
        if let folder = environment("XDG_CONFIG_HOME") { return folder + "/fanfold/fanfold.yaml" }
        return environment("HOME").map { $0 + "/.config/fanfold/fanfold.yaml" }
    }

    /// Reads the settings.
    ///
    /// - Parameter path: what `--config` says; without it, `usualPath` if there is such a file, or
    ///   else the defaults.
    /// - Throws: everything that is wrong with the file, in one go.
    package static func load(path: String?) throws(DocumentErrors) -> Settings {
        if let path { return try read(path) }
        guard let path = usualPath, FileKind.of(path) == .file else { return Settings() }
        return try read(path)
    }

    /// `allowedKeys` as keys; those that cannot be read are not in settings that were loaded.
    package var resolvedKeys: [PluginKey] {
        allowedKeys.compactMap { text in
            do throws(SignatureProblem) { return try PluginKey(text) } catch { return nil }
        }
    }

    /// `cacheDirectory` with the home in place of `~`.
    package var resolvedCacheDirectory: String { Self.resolved(cacheDirectory) }

    /// `pluginSearchPath` with the home in place of `~`.
    package var resolvedSearchPath: [String] { pluginSearchPath.map(Self.resolved) }

    /// `scratchDirectory`, or what stands for it.
    package var resolvedScratchDirectory: String {
        if !scratchDirectory.isEmpty { return Self.resolved(scratchDirectory) }
        return Self.environment("TMPDIR") ?? "/tmp"
    }

    static func resolved(_ path: String) -> String {
        guard path == "~" || path.hasPrefix("~/") else {
            return DocumentFile.absolute(path, in: DocumentFile.workingDirectory)
        }
        return (environment("HOME") ?? "/tmp") + path.dropFirst()
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }) else { return nil }
        return value.isEmpty ? nil : value
    }

    private static func read(_ path: String) throws(DocumentErrors) -> Settings {
        let bytes: [UInt8]
        do throws(DocumentFile.Unreadable) {
            bytes = try DocumentFile.read(path, maximumBytes: YAMLDocument.maximumBytes)
        } catch {
            throw DocumentErrors([Diagnostic(file: path, message: error.message)])
        }
        let document = YAMLDocument(bytes)
        let source = PipelineSource(file: path, document: document)
        var errors = document.problems.map(source.diagnostic)
        // A file in which everything is commented out leaves the defaults.
        let root = document.root.json().0
        let json: JSON = root == .null ? [:] : root
        if !document.isCutShort {
            errors += checker.validate(json).map { problem in
                diagnostic(problem, json, source)
            }
            errors += keyProblems(json, source)
            for tokens in [
                ["strategies", "call-deadline"], ["progress", "refresh"],
                ["coordinator", "keep-for"],
            ] {
                let pointer = JSONPointer(tokens)
                guard duration(json.value(at: pointer)) == 0 else { continue }
                errors.append(
                    source.diagnostic(
                        pointer, "wanted more than no time", help: "config/fanfold.yaml"))
            }
            errors += serviceProblems(json, source)
            errors += providerProblems(json, source)
            errors += queueProblems(json, source)
            if errors.isEmpty { errors += scalingProblems(json, source) }
        }
        guard errors.isEmpty else { throw DocumentErrors(errors) }
        return Settings(json)
    }

    private static func keyProblems(_ json: JSON, _ source: PipelineSource) -> [Diagnostic] {
        let pointer = JSONPointer(["plugins", "allowed-keys"])
        let keys = json.value(at: pointer)?.arrayValue ?? []
        return keys.enumerated().compactMap { index, key in
            guard let text = key.stringValue else { return nil }
            do throws(SignatureProblem) {
                _ = try PluginKey(text)
                return nil
            } catch {
                return source.diagnostic(
                    pointer.appending(index), error.description, help: "config/fanfold.yaml")
            }
        }
    }

    private static func diagnostic(
        _ problem: SchemaProblem, _ json: JSON, _ source: PipelineSource
    ) -> Diagnostic {
        var message = problem.message
        var suggestion = problem.suggestion
        if problem.keyword == "format", let text = json.value(at: problem.pointer)?.stringValue {
            let unit: Unit = problem.pointer.tokens.last == "memory" ? .bytes : .duration
            message = "wanted \(unit.wanted), found \(JSON.string(text).text)"
            suggestion = unit.suggestion(for: text).map { "did you mean \"\($0)\"?" }
        }
        return source.diagnostic(
            problem.pointer, atKey: problem.atKey, message, suggestion: suggestion,
            help: "config/fanfold.yaml")
    }

    /// The settings of a document that fits the schema.
    private init(_ json: JSON) {
        self.init()
        let plugins = json["plugins"]
        if let path = plugins?["search-path"]?.arrayValue {
            pluginSearchPath = path.compactMap(\.stringValue)
        }
        cacheDirectory = plugins?["cache"]?.stringValue ?? cacheDirectory
        allowedKeys = (plugins?["allowed-keys"]?.arrayValue ?? []).compactMap(\.stringValue)
        requiresSignature = plugins?["require-signature"]?.boolValue ?? requiresSignature
        scratchDirectory = json["scratch"]?.stringValue ?? scratchDirectory
        workerCount = json["workers"]?["count"]?.integerValue.map(Int.init) ?? workerCount
        memoryShare = json["workers"]?["memory-share"]?.doubleValue ?? memoryShare
        strategyCallNanoseconds =
            Self.duration(json["strategies"]?["call-deadline"]) ?? strategyCallNanoseconds
        progressNanoseconds =
            Self.duration(json["progress"]?["refresh"]) ?? progressNanoseconds
        keptRuns = json["coordinator"]?["keep-runs"]?.integerValue.map(Int.init) ?? keptRuns
        keptRunNanoseconds =
            Self.duration(json["coordinator"]?["keep-for"]) ?? keptRunNanoseconds
        logLevel = json["log"]?["level"]?.stringValue.flatMap(LogLevel.init) ?? logLevel
        services = Self.services(json)
        placement = Self.placement(json)
        policyPlugins = Self.policyPlugins(json)
        providers = Self.providers(json)
        pools = Self.pools(json)
        scaling = Self.scaling(json)
        queues = Self.queues(json)
    }

    private static func duration(_ value: JSON?) -> Int64? {
        value?.stringValue.flatMap(SchemaFormat.nanoseconds)
    }
}

extension Settings {
    /// The JSON Schema of `fanfold.yaml`.
    package static let schema: JSON = PipelineSchema.builtIn(
        schemaText.replacing("\"{providers}\"", with: providersSchemaText)
            .replacing("\"{placement}\"", with: placementSchemaText)
            .replacing("\"{pools}\"", with: poolsSchemaText)
            .replacing("\"{scaling}\"", with: scalingSchemaText)
            .replacing("\"{queues}\"", with: queuesSchemaText))

    private static let checker = PipelineSchema.compiled(schema)

    private static let schemaText = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "Settings of Fanfold",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "plugins": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "search-path": {
                  "description": "Folders that are searched before those of Fanfold itself, in order.",
                  "type": "array", "items": { "type": "string", "minLength": 1 }, "maxItems": 64,
                  "default": []
                },
                "cache": {
                  "description": "Where copies of plugins are kept.",
                  "type": "string", "minLength": 1, "default": "~/.cache/fanfold"
                },
                "allowed-keys": {
                  "description": "Public keys whose signatures make a plugin trusted: ed25519:BASE64 NAME.",
                  "type": "array", "items": { "type": "string" }, "maxItems": 64, "default": []
                },
                "require-signature": {
                  "description": "Whether a plugin that is not bundled must be signed by an allowed key.",
                  "type": "boolean", "default": false
                }
              }
            },
            "scratch": {
              "description": "Where attempts get their working directories; empty for TMPDIR or /tmp.",
              "type": "string", "default": ""
            },
            "workers": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "count": {
                  "description": "How many workers are started; 0 starts one for each core.",
                  "type": "integer", "minimum": 0, "maximum": 4096, "default": 1
                },
                "memory-share": {
                  "description": "The share of the machine's memory that the workers offer together.",
                  "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.8
                }
              }
            },
            "strategies": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "call-deadline": {
                  "description": "How long one call to a strategy may take.",
                  "type": "string", "format": "fanfold-duration", "default": "10s"
                }
              }
            },
            "progress": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "refresh": {
                  "description": "How often the progress of a run is shown on a terminal.",
                  "type": "string", "format": "fanfold-duration", "default": "200ms"
                }
              }
            },
            "coordinator": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "keep-runs": {
                  "description": "Ended runs that a coordinator keeps.",
                  "type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000
                },
                "keep-for": {
                  "description": "How long a coordinator keeps a run that has ended.",
                  "type": "string", "format": "fanfold-duration", "default": "30d"
                }
              }
            },
            "placement": "{placement}",
            "state": {
              "description": "Where plugins keep small values between runs.",
              "type": "string", "minLength": 1, "default": "~/.local/state/fanfold"
            },
            "http": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "proxy": {
                  "description": "What http and https of plugins go through, http://HOST:PORT; empty for none.",
                  "type": "string", "default": ""
                },
                "ca-file": {
                  "description": "Certificates in PEM that are trusted beside the system's; empty for none.",
                  "type": "string", "default": ""
                },
                "rate": {
                  "description": "Requests a second that one plugin may send on average.",
                  "type": "number", "minimum": 0.1, "maximum": 10000, "default": 20
                },
                "concurrent": {
                  "description": "Requests of one plugin that may be under way at a time.",
                  "type": "integer", "minimum": 1, "maximum": 1024, "default": 16
                }
              }
            },
            "secrets": {
              "description": "Where the values of secrets come from, by name.",
              "type": "object",
              "maxProperties": 256,
              "propertyNames": { "pattern": "^[a-z][a-z0-9._-]{0,63}$" },
              "additionalProperties": {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {
                  "file": {
                    "description": "A file that only its owner may read.",
                    "type": "string", "minLength": 1
                  },
                  "env": {
                    "description": "A variable of the environment.",
                    "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"
                  },
                  "command": {
                    "description": "A program and its arguments; it prints the value.",
                    "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 64
                  },
                  "metadata": {
                    "description": "What the cloud gives this machine or container by itself.",
                    "enum": ["aws", "google"]
                  }
                }
              },
              "default": {}
            },
            "providers": "{providers}",
            "pools": "{pools}",
            "scaling": "{scaling}",
            "queues": "{queues}",
            "log": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "level": {
                  "description": "How much is logged to standard error.",
                  "enum": ["trace", "debug", "info", "warning", "error"], "default": "warning"
                }
              }
            }
          }
        }
        """#
}
