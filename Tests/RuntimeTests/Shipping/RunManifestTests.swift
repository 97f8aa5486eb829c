import FanfoldJSON
import FanfoldPlugins
import Foundation
import Logging
import Testing

@testable import FanfoldRuntime

@Suite struct `What travels with a run` {
    private static let sum = String(repeating: "ab", count: 32)

    @Test func `a manifest is read as it was written`() throws {
        let manifest = RunManifest(
            files: [.init(path: "bin/a.sh", sha256: Self.sum, size: 3, isExecutable: true)],
            plugins: [
                .init(
                    name: "x", path: "lib/x.so", sha256: Self.sum,
                    grant: PluginGrant(hosts: ["a.example"], secrets: ["s"], store: true))
            ])
        #expect(try RunManifest(manifest.bytes) == manifest)
        let declared = manifest.declarations(in: "/run")
        #expect(declared.first?.path == "/run/lib/x.so")
        #expect(declared.first?.isolate == .process)
    }

    @Test(arguments: ["/etc/passwd", "../a", "a/../../b", "a//b", "./a", "", "a/./b", "."])
    func `a path that leads out of the folder, or is written in two ways, is refused`(
        _ path: String
    ) {
        let json: JSON = [
            "fanfold_files": 1,
            "files": [["path": .string(path), "sha256": .string(Self.sum), "size": 1]],
        ]
        #expect(throws: RunManifest.Malformed.self) { try RunManifest(json.bytes) }
    }

    @Test func `a file at the limit is taken, and one byte more is refused`() throws {
        func bytes(_ size: Int64) -> [UInt8] {
            let json: JSON = [
                "fanfold_files": 1,
                "files": [["path": "a", "sha256": .string(Self.sum), "size": .integer(size)]],
            ]
            return json.bytes
        }
        #expect(try RunManifest(bytes(ShippingLimits.fileBytes)).files.count == 1)
        #expect(throws: RunManifest.Malformed.self) {
            try RunManifest(bytes(ShippingLimits.fileBytes + 1))
        }
    }

    @Test(arguments: [
        ("a/b", "a/b"), ("./a/../b", "b"), ("a//b", "a/b"), ("../a", nil), ("a/../..", nil),
        ("/a", nil), (".", nil),
    ])
    func `a path is inside the folder or it is none`(_ path: String, _ wanted: String?) {
        #expect(RelativePath.inside(path) == wanted)
    }

    @Test func `a plugin for another processor says so, and another worker may have it`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // The header of a 64-bit little-endian library for s390x.
        var header = [UInt8](repeating: 0, count: 64)
        header.replaceSubrange(0..<7, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
        (header[16], header[18]) = (3, 22)
        let file = folder.appendingPathComponent("x.so")
        try Data(header).write(to: file)
        chmod(file.path, 0o600)
        let registry = PluginRegistry(
            searchPath: [], cacheDirectory: folder.path + "/cache",
            logger: Logger(label: "test"))
        let executors = ExecutorPlugins.shipped(
            [PluginDeclaration(name: "x", path: file.path)], registry: registry,
            helpers: HelperSettings(helperPath: "/nowhere", reportDirectory: folder.path),
            services: { _, _ in PluginServices() }, logger: Logger(label: "test")
        ) { (use) throws(PluginLoadError) in
            throw .notFound(name: use, available: [], searched: [])
        }
        let run = try RunSpec(json: ["use": "x"])
        let spec = try #require(run.plugin)
        do throws(WorkFailure) {
            _ = try executors.ready(spec)
            Issue.record("it was loaded")
        } catch {
            #expect(error.kind == .launch)
            #expect(!error.isPermanent)
            #expect(error.message.contains("s390x"), "\(error.message)")
        }
    }
}
