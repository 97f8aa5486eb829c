import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc
import Testing

@testable import FanfoldRuntime

/// The root of the package.
let packageRoot = "/" + "\(#filePath)".split(separator: "/").dropLast(4).joined(separator: "/")

@Suite struct `Settings of the host` {
    private let folder = TemporaryFolder()

    @Test func `the file in config says the defaults of the code`() throws {
        #expect(try Settings.load(path: packageRoot + "/config/fanfold.yaml") == Settings())
    }

    @Test func `the file in config and the schema have the same settings and defaults`() throws {
        let text = try #require(fileText(packageRoot + "/config/fanfold.yaml"))
        let json = YAMLDocument(Array(text.utf8)).root.json().0
        func defaults(_ schema: JSON) -> JSON {
            guard let properties = schema["properties"]?.objectValue else {
                return schema["default"] ?? .null
            }
            // What has no default is not there.
            let members = properties.members.map { ($0, defaults($1)) }
            return .object(JSONObject(members.filter { $1 != .null }))
        }
        #expect(json == defaults(Settings.schema))
    }

    /// Every setting, with another value than its default.
    private static let all = """
        plugins:
          search-path: [/a, ~/b]
          cache: /c
          allowed-keys: ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= rfc"]
          require-signature: true
        scratch: /s
        placement: {policy: pack, shadow: keep-usable, with: {label: a}, budget: 70ms, set-aside: 2m}
        workers: {count: 3, memory-share: 0.5}
        strategies: {call-deadline: 1m}
        progress: {refresh: 1s}
        log: {level: debug}
        state: ~/kept
        http: {proxy: "http://proxy.example:3128", ca-file: ca.pem, rate: 0.5, concurrent: 3}
        secrets:
          a: {file: ~/key}
          b.c: {env: TOKEN}
          d: {command: [pass, show, d]}
        providers: {here: {use: local}}
        pools:
          here: {max: 3, min: 1, step: 2, spot: only, offerings: ["a*"], labels: {x: y}, lease: 5m}
        scaling:
          mode: recommend
          forecasts: act
          interval: 1s
          target: 0.6
          up-at: 0.9
          down-at: 0.2
          window: 1m
          up-cooldown: 2m
          down-cooldown: 3m
          horizon: 4m
          budget: {hour: 2.5, total: 100}
          spot: {checkpoint: 5m, checkpoint-cost: 6s, replacement: 7m}
          owner: me
        """

    private static var scaling: ScalingDeclaration {
        var scaling = ScalingDeclaration()
        scaling.mode = .recommend
        scaling.owner = "me"
        scaling.settings.forecasts = .act
        scaling.settings.evaluationNanoseconds = 1_000_000_000
        scaling.settings.target = 0.6
        scaling.settings.upper = 0.9
        scaling.settings.lower = 0.2
        scaling.settings.windowNanoseconds = 60_000_000_000
        scaling.settings.upCooldownNanoseconds = 120_000_000_000
        scaling.settings.downCooldownNanoseconds = 180_000_000_000
        scaling.settings.horizonNanoseconds = 240_000_000_000
        scaling.settings.hourlyBudgetMicros = 2_500_000
        scaling.settings.totalBudgetMicros = 100_000_000
        scaling.settings.checkpointNanoseconds = 300_000_000_000
        scaling.settings.checkpointCostNanoseconds = 6_000_000_000
        scaling.settings.replacementNanoseconds = 420_000_000_000
        return scaling
    }

    @Test func `a policy that is not built in is a plugin, with one that is in its place`() throws {
        folder.write(
            "plugin.yaml",
            "placement: {policy: com.example.one, fallback: fgd, shadow: two, isolate: none}")
        let settings = try Settings.load(path: folder.path + "/plugin.yaml")
        var wanted = PlacementSettings(policy: .fgd, shadow: .fgd)
        wanted.plugin = "com.example.one"
        wanted.shadowPlugin = "two"
        #expect(settings.placement == wanted)
        #expect(settings.policyPlugins.isolate == Isolation.none)
    }

    @Test func `every setting can be changed`() throws {
        folder.write("all.yaml", Self.all)
        let settings = try Settings.load(path: folder.path + "/all.yaml")
        var wanted = Settings()
        wanted.pluginSearchPath = ["/a", "~/b"]
        wanted.cacheDirectory = "/c"
        wanted.allowedKeys = ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= rfc"]
        wanted.requiresSignature = true
        wanted.scratchDirectory = "/s"
        wanted.placement = PlacementSettings(policy: .pack, shadow: .keepUsable)
        wanted.policyPlugins.configuration = ["label": "a"]
        wanted.policyPlugins.budgetNanoseconds = 70_000_000
        wanted.policyPlugins.setAsideNanoseconds = 120_000_000_000
        wanted.workerCount = 3
        wanted.memoryShare = 0.5
        wanted.strategyCallNanoseconds = 60_000_000_000
        wanted.progressNanoseconds = 1_000_000_000
        wanted.logLevel = .debug
        wanted.services.stateDirectory = "~/kept"
        wanted.services.proxy = HTTPProxy("http://proxy.example:3128")
        wanted.services.authorityFile = "ca.pem"
        wanted.services.requestsPerSecond = 0.5
        wanted.services.concurrentRequests = 3
        wanted.services.secrets = [
            "a": .file("~/key"), "b.c": .environment("TOKEN"),
            "d": .command(["pass", "show", "d"]),
        ]
        wanted.providers = [ProviderDeclaration(name: "here", use: "local")]
        var pool = PoolDeclaration(name: "here", provider: "here", maximum: 3)
        (pool.minimum, pool.step, pool.spot, pool.offerings) = (1, 2, .only, ["a*"])
        (pool.labels, pool.leaseSeconds) = (["x=y"], 300)
        wanted.pools = [pool]
        wanted.scaling = Self.scaling
        #expect(settings == wanted)
        #expect(settings.resolvedScratchDirectory == "/s")
        #expect(settings.resolvedSearchPath[0] == "/a")
        let services = settings.resolvedServices
        #expect(services.stateDirectory.hasPrefix("/"))
        #expect(services.stateDirectory.hasSuffix("/kept"))
        #expect(services.authorityFile.hasPrefix("/"))
        guard case .file(let key) = services.secrets["a"] else {
            Issue.record("wanted a file")
            return
        }
        #expect(key.hasPrefix("/") && key.hasSuffix("/key"))
        #expect(!settings.resolvedSearchPath[1].contains("~"))
    }

    @Test func `secrets and the proxy are checked, and no value is shown`() {
        let table: [(text: String, place: String)] = [
            ("secrets: {A: {env: B}}", "1:11"), ("secrets: {a: {}}", "1:14"),
            ("secrets: {a: {file: b, env: C}}", "1:14"), ("secrets: {a: {env: 1B}}", "1:20"),
            ("secrets: {a: {command: []}}", "1:24"), ("secrets: {a: {value: x}}", "1:15"),
            ("http: {proxy: 'ftp://a:1'}", "1:15"),
            ("http: {proxy: 'http://u:canary@a:1'}", "1:15"),
            ("http: {proxy: 'http://a'}", "1:15"), ("http: {concurrent: 0}", "1:20"),
            ("http: {concurrent: 1025}", "1:20"), ("http: {rate: 0}", "1:14"),
        ]
        for (text, place) in table {
            folder.write("secrets.yaml", text + "\n")
            do throws(DocumentErrors) {
                _ = try Settings.load(path: folder.path + "/secrets.yaml")
                Issue.record("wanted a refusal of \(text)")
            } catch {
                #expect(
                    error.diagnostics.first?.place.map(\.description) == place, "\(text)")
                #expect(error.diagnostics.allSatisfy { !$0.message.contains("canary") })
            }
        }
    }

    @Test func `queues are read with their quotas`() throws {
        folder.write(
            "queues.yaml",
            """
            queues:
              default: { weight: 2 }
              nightly:
                weight: 1000
                quota: { cpus: 1.5, memory: 2GiB, gpus: 0.25, borrow: true }
                max-priority: -5
              plain: {}
              lent: { quota: { cpus: 2, gpus: 1, borrow: { cpus: 0, gpus: 1.5 } } }
              strict: { quota: { memory: 1GiB, borrow: false }, users: [alice, ci-2] }
              closed: { users: [] }
            """)
        let settings = try Settings.load(path: folder.path + "/queues.yaml")
        let quota = Quota(
            milliCores: 1_500, memoryBytes: 2 << 30, deviceMilli: 250,
            borrowing: .anything)
        #expect(
            settings.queues == [
                QueueDeclaration(QueueSpec(name: "default", weight: 2)),
                QueueDeclaration(
                    QueueSpec(name: "nightly", weight: 1_000, quota: quota), maximumPriority: -5),
                QueueDeclaration(QueueSpec(name: "plain")),
                QueueDeclaration(
                    QueueSpec(
                        name: "lent",
                        quota: Quota(
                            milliCores: 2_000, deviceMilli: 1_000,
                            borrowing: .atMost(
                                BorrowingLimit(milliCores: 0, deviceMilli: 1_500))))),
                QueueDeclaration(
                    QueueSpec(name: "strict", quota: Quota(memoryBytes: 1 << 30)),
                    users: ["alice", "ci-2"]),
                QueueDeclaration(QueueSpec(name: "closed"), users: []),
            ])
        #expect(settings.queueBook.specs == settings.queues.map(\.spec))
        #expect(Settings().queueBook.specs == [QueueSpec(name: "default")])
    }

    @Test func `a queue that is wrong is refused at its place`() {
        let table: [(text: String, place: String)] = [
            ("queues: {1a: {}}", "1:10"), ("queues: {a: {weight: 0}}", "1:22"),
            ("queues: {a: {weight: 1001}}", "1:22"), ("queues: {a: {weight: 1.5}}", "1:22"),
            ("queues: {a: {wight: 1}}", "1:14"), ("queues: {a: {quota: {}}}", "1:21"),
            ("queues: {a: {quota: {cpus: 0}}}", "1:28"),
            ("queues: {a: {quota: {memory: 2}}}", "1:30"),
            ("queues: {a: {quota: {memory: 2 gigs}}}", "1:30"),
            ("queues: {a: {quota: {gpus: -1}}}", "1:28"),
            ("queues: {a: {quota: {cpus: 1, borrow: 2}}}", "1:39"),
            ("queues: {a: {quota: {cpus: 1, borrow: {}}}}", "1:39"),
            ("queues: {a: {quota: {cpus: 1, borrow: {cpus: -1}}}}", "1:46"),
            ("queues: {a: {quota: {cpus: 1, borrow: {cores: 1}}}}", "1:40"),
            ("queues: {a: {quota: {memory: 1GiB, borrow: {memory: 1}}}}", "1:53"),
            ("queues: {a: {quota: {cpus: 1, borrow: {gpus: 1}}}}", "1:40"),
            ("queues: {a: {users: alice}}", "1:21"), ("queues: {a: {users: [a b]}}", "1:22"),
            ("queues: {a: {users: [a, a]}}", "1:25"), ("queues: {a: {users: [1]}}", "1:22"),
            ("queues: {a: {max-priority: 101}}", "1:28"), ("queues: {a: {}, a: {}}", "1:17"),
        ]
        for (text, place) in table {
            folder.write("queue.yaml", text + "\n")
            do throws(DocumentErrors) {
                _ = try Settings.load(path: folder.path + "/queue.yaml")
                Issue.record("wanted a refusal of \(text)")
            } catch {
                #expect(
                    error.diagnostics.first?.place.map(\.description) == place,
                    "\(text): \(error.diagnostics.map(\.message))")
            }
        }
        let names = (0...Limits.queues).map { "q\($0): {}" }.joined(separator: ", ")
        folder.write("many.yaml", "queues: {\(names)}\n")
        #expect(throws: DocumentErrors.self) {
            try Settings.load(path: folder.path + "/many.yaml")
        }
    }

    @Test func `a queue with users is for them and for admins`() {
        let book = QueueBook([
            QueueDeclaration(QueueSpec(name: "team"), users: ["alice", "bob"]),
            QueueDeclaration(QueueSpec(name: "closed"), users: []),
            QueueDeclaration(
                QueueSpec(name: "large"), users: (0..<20).map { "u\($0)" }),
        ])
        func refusal(_ queue: String?, _ user: String, isAdmin: Bool = false) -> String? {
            book.refusal(queue: queue, user: user, isAdmin: isAdmin)
        }
        #expect(refusal("team", "alice") == nil && refusal("team", "bob") == nil)
        #expect(refusal(nil, "carol") == nil && refusal("nowhere", "carol") == nil)
        #expect(
            refusal("team", "carol")
                == "queue team is for alice, bob and admins, and this token is \"carol\": name "
                + "another queue, or have the name added to `users:` of the queue")
        #expect(refusal("team", "Alice") != nil && refusal("team", "") != nil)
        #expect(refusal("closed", "alice")?.hasPrefix("queue closed is for admins, ") == true)
        #expect(refusal("closed", "root", isAdmin: true) == nil)
        #expect(refusal("large", "u19") == nil)
        #expect(refusal("large", "u20")?.contains("u15, 4 more and admins") == true)
    }

    @Test func `a pipeline's queue must be there, and its priority allowed`() throws {
        let book = QueueBook([QueueDeclaration(QueueSpec(name: "nightly"), maximumPriority: 5)])
        func problems(_ head: String, isAdmin: Bool = false) throws -> [String] {
            folder.write(
                "p.yaml",
                "fanfold: 1\n\(head)\ninputs: { n: { range: 1 } }\n"
                    + "tasks: { t: { input: '${inputs.n}', run: { command: [cat] } } }\n")
            let pipeline = try Pipeline.load(path: folder.path + "/p.yaml")
            return book.problems(with: pipeline, isAdmin: isAdmin).map {
                "\($0.place.map(\.description) ?? ""): \($0.message)"
            }
        }
        #expect(try problems("name: x") == [])
        #expect(try problems("priority: 9") == [])
        #expect(try problems("queue: nightly") == [])
        #expect(
            try problems("queue: weekly")
                == ["2:8: there is no queue \"weekly\"; there are default, nightly"])
        #expect(
            try problems("{}\nqueue: nightly\npriority: 6".replacing("{}\n", with: ""))
                == [
                    "3:11: wanted a priority of at most 5 in queue nightly, found 6; only an admin "
                        + "may ask for more"
                ])
        #expect(try problems("queue: nightly\npriority: 100", isAdmin: true) == [])
        #expect(throws: DocumentErrors.self) { try problems("priority: 101") }
        #expect(throws: DocumentErrors.self) { try problems("queue: 1a") }
    }

    @Test func `at most 64 keys may be allowed, and each must be one`() throws {
        let key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= rfc"
        func places(_ keys: [String]) -> [String] {
            let list = keys.map { "\"\($0)\"" }.joined(separator: ", ")
            folder.write("keys.yaml", "plugins: {allowed-keys: [\(list)]}\n")
            do throws(DocumentErrors) {
                let settings = try Settings.load(path: folder.path + "/keys.yaml")
                #expect(settings.resolvedKeys.map(\.text) == keys)
                return []
            } catch {
                return error.diagnostics.map { $0.place?.description ?? "" }
            }
        }
        #expect(places(Array(repeating: key, count: 64)) == [])
        #expect(places(Array(repeating: key, count: 65)) == ["1:25"])
        #expect(places([key, "ssh-rsa AAAA"]).count == 1)
    }

    @Test func `an empty file leaves the defaults and mistakes are all shown`() throws {
        folder.write("empty.yaml", "# nothing\n")
        #expect(try Settings.load(path: folder.path + "/empty.yaml") == Settings())
        folder.write(
            "bad.yaml",
            "worker: {}\nlog: {level: loud}\nprogress: {refresh: 1 second}\nstrategies: {call-deadline: 0s}\n"
        )
        do throws(DocumentErrors) {
            _ = try Settings.load(path: folder.path + "/bad.yaml")
            Issue.record("wanted a refusal")
        } catch {
            #expect(
                error.diagnostics.map { "\($0.place.map(\.description) ?? ""): \($0.message)" } == [
                    "1:1: unknown key \"worker\"",
                    "2:14: wanted \"trace\", \"debug\", \"info\", \"warning\" or \"error\", found \"loud\"",
                    "3:21: wanted \(Unit.duration.wanted), found \"1 second\"",
                    "4:29: wanted more than no time",
                ])
            #expect(error.diagnostics[2].suggestion == "did you mean \"1s\"?")
        }
    }
}

@Suite struct `The schema of pipelines` {
    /// `FANFOLD_UPDATE=1 swift test --filter 'The schema of pipelines'` writes the file anew.
    @Test func `the file in config is the schema in the program`() {
        let path = packageRoot + "/config/pipeline.schema.json"
        if getenv("FANFOLD_UPDATE") != nil, let stream = fopen(path, "w") {
            fputs(PipelineSchema.text, stream)
            fclose(stream)
        }
        #expect(fileText(path) == PipelineSchema.text)
    }

    @Test func `the examples of the reference are YAML`() throws {
        let reference = try #require(fileText(packageRoot + "/docs/pipelines.md"))
        var example: String?
        var count = 0
        for line in reference.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```yaml" {
                example = ""
            } else if line == "```", let text = example {
                #expect(YAMLDocument(Array(text.utf8)).problems.map(\.message) == [], "\(text)")
                example = nil
                count += 1
            } else {
                example? += line + "\n"
            }
        }
        #expect(count >= 6)
    }

    @Test func `the reference names every key of the schema and every page that help leads to`()
        throws
    {
        let reference = try #require(fileText(packageRoot + "/docs/pipelines.md"))
        func check(_ schema: JSON) {
            switch schema {
            case .object(let object):
                for (key, value) in object.members {
                    if key == "properties" {
                        for name in value.objectValue?.keys ?? [] {
                            #expect(reference.contains("`\(name)`"), "\(name)")
                        }
                    }
                    check(value)
                }
            case .array(let elements): for element in elements { check(element) }
            default: break
            }
        }
        check(PipelineSchema.document)
        for anchor in [
            "the document", "yaml", "plugins", "inputs", "defaults", "tasks", "run", "needs",
            "strategy", "retry", "on-failure", "outputs", "from the command line",
        ] {
            #expect(reference.lowercased().contains("\n## \(anchor)\n"), "\(anchor)")
        }
    }
}
