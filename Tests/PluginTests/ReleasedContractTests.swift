import Foundation
import Testing

@testable import FanfoldPlugins

/// What was released stays: headers and plugins of earlier versions, in Tests/ReleasedContract.
@Suite struct ReleasedContractTests {
    private static let root = CPlugin.include.replacing("/Sources/PluginABI/C/include", with: "")
    private static let releases = ["1.0"]

    private let folder = TemporaryFolder()

    private static func released(_ version: String) -> String {
        "\(root)/Tests/ReleasedContract/\(version)"
    }

    @Test(arguments: releases)
    func `the header of today keeps every promise of a released one`(_ version: String) throws {
        let released = try ContractFacts(header: Self.released(version))
        let current = try ContractFacts(header: CPlugin.include)
        #expect(current.broken(since: released).map(\.description) == [])
    }

    /// What is changed in the header, and a promise that this breaks.
    private static let breaking: [(String, String, String)] = [
        (
            "   int32_t (*cancelled)(const struct fan_host *, fan_op);\n", "",
            "fields of fan_host"
        ),
        (
            "   uint32_t struct_size;\n   fan_code code;\n",
            "   fan_code code;\n   uint32_t struct_size;\n", "place of fan_error.code"
        ),
        ("   uint32_t retry_after_ms;\n", "   uint64_t retry_after_ms;\n", "size of fan_error"),
        ("FAN_DENIED = 7", "FAN_DENIED = 70", "value of FAN_DENIED"),
        (
            "FAN_SPLIT_MORE, FAN_SPLIT_WAIT", "FAN_SPLIT_WAIT, FAN_SPLIT_MORE",
            "value of FAN_SPLIT_WAIT"
        ),
        (
            "   void (*end)(fan_instance *, uint64_t task);\n",
            "   void (*end)(fan_instance *, uint64_t task);\n   void (*more)(void);\n",
            "size of fan_strategy"
        ),
        (
            "   void (*end)(fan_instance *, uint64_t task);\n",
            "   void (*end)(fan_instance *, uint32_t task);\n", "fields of fan_strategy"
        ),
        (
            "   void (*destroy)(fan_instance *);\n",
            "   void (*FAN_NULLABLE destroy)(fan_instance *);\n", "fields of fan_plugin"
        ),
        ("typedef uint64_t fan_op;", "typedef uint32_t fan_op;", "typedef uint64_t fan_op"),
    ]

    @Test(arguments: breaking.indices)
    func `a header that breaks a promise is found`(_ index: Int) throws {
        let (old, new, fact) = Self.breaking[index]
        let broken = try changed(old, new)
        #expect(broken.contains { $0.fact == fact }, "\(broken)")
    }

    @Test(arguments: [
        (
            "FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void);",
            "typedef struct fan_new { int a; } fan_new;\nFAN_EXPORT const fan_plugin *fanfold_plugin_v1(void);"
        ),
        ("FAN_UNAUTHENTICATED = 16,", "FAN_UNAUTHENTICATED = 16, FAN_NEWER = 17,"),
        ("/* yours; the host only carries the pointer ", "/* the plugin's own "),
    ])
    func `what only adds is no break`(_ old: String, _ new: String) throws {
        #expect(try changed(old, new) == [])
    }

    private func changed(_ old: String, _ new: String) throws -> [ContractFacts.Broken] {
        let released = Self.released("1.0")
        let text = try String(contentsOfFile: released + "/fanfold_plugin.h", encoding: .utf8)
        try #require(text.contains(old), "\(old)")
        _ = folder.write("fanfold_plugin.h", text.replacing(old, with: new).utf8)
        return try ContractFacts(header: folder.path)
            .broken(since: ContractFacts(header: released))
    }

    @Test(arguments: releases, ["strategy", "provider", "executor"])
    func `a plugin of a released version is loaded by the host of today`(
        _ version: String, _ kind: String
    ) throws {
        let released = Self.released(version)
        let library = "\(folder.path)/libfanfold-released-\(kind).so"
        #expect(
            run([
                "cc", "-std=c11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-I", released,
                "\(released)/\(kind)/\(kind).c", "-o", library, "-Wl,-z,now",
            ]) == 0)
        let plugin = try registry(folder).load(path: library)
        let component = try #require(plugin.components.first)
        #expect("\(component.kind)" == kind)
        #expect(component.needsMinor == 0)
        #expect(plugin.table.built_minor == 0)
    }
}
