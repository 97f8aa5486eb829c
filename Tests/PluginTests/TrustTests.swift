@preconcurrency import Glibc
import Testing

@testable import FanfoldPlugins

@Suite struct TrustTests {
    private let folder = TemporaryFolder()

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)".replacing(folder.path, with: "")
        }
    }

    /// Owner, group, mode, list, what is wrong; the user is 1000, whose own group is 1000.
    private static let table: [(uid_t, gid_t, mode_t, Bool, String?)] = [
        (1_000, 1_000, 0o755, false, nil),
        (1_000, 1_000, 0o775, false, nil),
        (1_000, 1_000, 0o775, true, "through its access control list; setfacl -b /x"),
        (1_000, 100, 0o775, false, "can be changed by its group"),
        (1_000, 100, 0o755, true, nil),
        (1_000, 1_000, 0o757, false, "can be changed by everybody; chmod go-w /x"),
        (0, 0, 0o755, false, nil),
        (0, 1_000, 0o775, false, "can be changed by its group"),
        (1_001, 1_001, 0o755, false, "wanted root or"),
    ]

    @Test func `only root and the user may change a file`() {
        let ownership = FileOwnership(user: 1_000, isOwn: { $0 == 1_000 && $1 == 1_000 })
        for (owner, group, mode, hasList, wanted) in Self.table {
            let entry = FileOwnership.Entry(
                path: "/x", owner: owner, group: group, mode: mode, hasList: hasList)
            for found in [ownership.problem(file: entry), ownership.problem(folder: entry)] {
                if let wanted {
                    #expect(found?.contains(wanted) == true, "\(entry): \(found ?? "fine")")
                } else {
                    #expect(found == nil, "\(entry)")
                }
            }
        }
    }

    @Test func `a sticky folder is fine, and its entries are looked at on their own`() {
        let ownership = FileOwnership(user: 1_000, isOwn: { _, _ in false })
        func folder(_ owner: uid_t, _ mode: mode_t) -> String? {
            ownership.problem(
                folder: FileOwnership.Entry(path: "/t", owner: owner, group: 0, mode: mode))
        }
        #expect(folder(0, 0o1777) == nil)
        #expect(folder(0, 0o777) != nil)
        #expect(folder(1_001, 0o1777) != nil)
    }

    @Test func `a file that everybody may change is refused, and chmod mends it`() throws {
        let path = CPlugin.build(in: folder)
        chmod(path, 0o666)
        #expect(
            refusal { _ = try registry(folder).load(path: path) }
                == "the plugin /libfanfold-echo.so is refused: it can be changed by everybody; "
                + "chmod go-w /libfanfold-echo.so")
        chmod(path, 0o644)
        _ = try registry(folder).load(path: path)
    }

    @Test func `a folder that everybody may change is refused, unless the host lies there`() throws
    {
        let path = CPlugin.build(in: folder)
        chmod(folder.path, 0o777)
        defer { chmod(folder.path, 0o700) }
        #expect(
            refusal { _ = try registry(folder).load(path: path) }
                .contains("the folder  can be changed by everybody; chmod go-w"))
        let cache = TemporaryFolder()
        let bundling = PluginRegistry(
            searchPath: [], cacheDirectory: cache.path,
            trust: TrustPolicy(bundledFolders: [folder.path]), logger: LogLines().logger)
        #expect(try bundling.load(path: path).origin.isBundled)
    }

    /// What is opened up: the cache, and the folder of one copy.
    @Test(arguments: ["", "/SHA256"])
    func `a cache folder that others may change is refused, and chmod mends it`(
        _ place: String
    ) throws {
        let path = CPlugin.build(in: folder)
        let cache = TemporaryFolder()
        func load() throws -> LoadedPlugin {
            try PluginRegistry(
                searchPath: [], cacheDirectory: cache.path, logger: LogLines().logger
            ).load(path: path)
        }
        let sha256 = try load().inspection.sha256
        let open = cache.path + place.replacing("SHA256", with: sha256)
        chmod(open, 0o777)
        let copy = "\(cache.path)/\(sha256)/libfanfold-echo.so"
        #expect(
            refusal { _ = try load() }
                == "a plugin is opened from its copy \(copy), which is refused: the folder \(open) "
                + "can be changed by everybody; chmod go-w \(open); or name another folder under "
                + "plugins: cache: of the settings")
        chmod(open, 0o700)
        _ = try load()
    }

    @Test func `the folders of the cache are made for nobody else`() throws {
        _ = try registry(folder).load(path: CPlugin.build(in: folder))
        for place in ["/cache", "/cache/deep"] {
            let entry = try #require(FileOwnership.Entry(path: folder.path + place))
            #expect(entry.mode & 0o777 == 0o700)
        }
    }

    @Test func `a copy that others may change is made anew`() throws {
        let path = CPlugin.build(in: folder)
        let sha256 = try registry(folder).load(path: path).inspection.sha256
        let copy = "\(folder.path)/cache/deep/\(sha256)/libfanfold-echo.so"
        chmod(copy, 0o777)
        _ = try registry(folder).load(path: path)
        #expect(try #require(FileOwnership.Entry(path: copy)).mode & 0o777 == 0o555)
    }

    @Test func `in safe mode only bundled plugins are opened`() throws {
        let path = CPlugin.build(in: folder)
        let own = TemporaryFolder()
        let bundled = CPlugin.build(in: own)
        var trust = TrustPolicy(bundledFolders: [own.path])
        trust.isSafeMode = true
        let safe = registry(folder).governed(by: trust)
        #expect(
            refusal { _ = try safe.load(path: path) }.contains(
                "is not bundled with Fanfold, and --safe-mode opens no other"))
        #expect(try safe.plugin(providing: "echo").inspection.path == bundled)
        symlink(path, own.path + "/libfanfold-link.so")
        #expect(
            refusal { _ = try safe.load(path: own.path + "/libfanfold-link.so") }
                .contains("is not bundled"))
    }

    @Test func `a lock refuses other content, other versions and other signers`() throws {
        let path = CPlugin.build(in: folder)
        let plugin = try registry(folder).load(path: path)
        var lock = PluginLock(path: "fanfold.lock", command: "fanfold plugin lock p.yaml")
        func load() throws { _ = try registry(folder).governed(by: policy(lock)).load(path: path) }
        #expect(
            refusal { try load() }.contains(
                "fanfold.lock has no plugin libfanfold-echo.so; found sha256 "
                    + "\(plugin.inspection.sha256); to accept it: fanfold plugin lock p.yaml"))
        var entry = PluginLock.Entry(plugin, grant: .nothing)
        lock.record(entry)
        #expect(refusal { try load() } == "no error")
        entry.signer = "0f1e"
        lock.record(entry)
        #expect(refusal { try load() }.contains("the signature of key 0f1e, found none"))
        entry.signer = nil
        entry.components[0].version = "0.9.0"
        lock.record(entry)
        #expect(lock.entries == [entry])
        #expect(refusal { try load() }.contains("fanfold.echo 0.9.0, the same file has"))
        entry.components[0].version = "1.0.0"
        lock.record(entry)
        _ = CPlugin.build(in: folder, ["SUMMARY": "\"Another.\""])
        #expect(
            refusal { try load() }.contains(
                "locked in fanfold.lock is fanfold.echo 1.0.0 with sha256 \(entry.sha256), found"))
    }

    private func policy(_ lock: PluginLock) -> TrustPolicy {
        var trust = TrustPolicy()
        trust.lock = lock
        return trust
    }

    @Test func `bundled plugins are not locked`() throws {
        let path = CPlugin.build(in: folder)
        var trust = policy(PluginLock(path: "l", command: "c"))
        trust.bundledFolders = [folder.path]
        #expect(try registry(folder).governed(by: trust).load(path: path).origin.isBundled)
    }

    @Test func `two builds of one plugin live side by side and share nothing`() throws {
        func build(_ version: Int) -> String {
            CPlugin.build(
                in: folder,
                [
                    "CREATE_BODY":
                        "static int made; made += \(version); if (made > 20 * \(version)) return FAN_INTERNAL; "
                        + "*out = (fan_instance *)calloc(1, 64); return FAN_OK;",
                    "SUMMARY": "\"Build \(version).\"",
                ], flags: ["-Wl,-soname,libfanfold-echo.so"])
        }
        let registry = registry(folder)
        let path = build(1)
        let old = try registry.load(path: path)
        let first = try make(old)
        #expect(build(2) == path)
        let new = try registry.load(path: path)
        #expect(old !== new)
        #expect(old.components[0].summary == "Build 1.")
        #expect(new.components[0].summary == "Build 2.")
        #expect(old.library != new.library)
        // Each build counts its own instances and refuses the 21st: none counts the other's.
        for _ in 0..<19 {
            try make(old).destroy()
            try make(new).destroy()
        }
        #expect(throws: PluginFailure.self) {
            try make(old)
        }
        try make(new).destroy()
        first.destroy()
    }

    @discardableResult
    private func make(_ plugin: LoadedPlugin) throws -> StrategyInstance {
        try StrategyInstance(
            plugin: plugin, component: plugin.components[0], configuration: ["size": 4],
            logger: LogLines().logger)
    }

    @Test func `a plugin that must be opened where it lies is not silently the old one`() throws {
        func build(_ neighbour: String) -> String {
            let code = folder.write("\(neighbour).c", "int \(neighbour)(void) { return 1; }".utf8)
            let library = "\(folder.path)/lib\(neighbour).so"
            let name = "-Wl,-soname,lib\(neighbour).so"
            precondition(run(["cc", "-shared", "-fPIC", name, code, "-o", library]) == 0)
            let fresh = CPlugin.build(
                in: folder, name: "fresh.so",
                ["EXTRA": "int \(neighbour)(void); int use(void) { return \(neighbour)(); }"],
                flags: [
                    "-Wl,--no-as-needed", library, "-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags",
                ])
            rename(fresh, folder.path + "/libfanfold-echo.so")
            return folder.path + "/libfanfold-echo.so"
        }
        let path = build("replaced_one")
        _ = try registry(folder).load(path: path)
        _ = build("replaced_two")
        #expect(throws: PluginLoadError.replacedInPlace(path: path)) {
            try registry(folder).load(path: path)
        }
    }
}
