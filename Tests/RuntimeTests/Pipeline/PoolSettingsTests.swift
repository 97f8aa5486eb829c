import Foundation
import Testing

@testable import FanfoldRuntime

@Suite struct PoolSettingsTests {
    private func problems(_ text: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-pools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("s.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        do throws(DocumentErrors) {
            _ = try Settings.load(path: file.path)
            return ""
        } catch {
            return Diagnostic.render(error.diagnostics, color: false)
        }
    }

    @Test(arguments: [
        ("pools: {a: {max: 1}}", "there is no provider a under providers:"),
        (
            "providers: {p: {use: local}}\npools: {a: {provider: q, max: 1}}",
            "there is no provider q under providers:; there are p"
        ),
        (
            "providers: {a: {use: local}}\npools: {a: {min: 3, max: 2}}",
            "wanted at most max, which is 2, found 3"
        ),
        ("providers: {a: {use: local}}\npools: {a: {min: 3}}", "max"),
        (
            "providers: {a: {use: local}}\npools: {a: {max: 2, program: \"https://x/y\"}}",
            "program and program-sha256 go together"
        ),
        (
            "providers: {f: {use: fake}}\npools:\n  a: {provider: f, max: 2}\n"
                + "scaling: {budget: {currency: USD}}",
            "s.yaml:3:6: error: wanted prices in USD, the currency of scaling.budget, found provider f "
                + "(use: fake) with prices in XTS: they are not added up, so have another coordinator "
                + "rent it"
        ),
        (
            "providers: {f: {use: fake}, l: {use: local, with: {price-per-hour: 0.5}}}\npools:\n"
                + "  a: {provider: l, max: 2}\n  b: {provider: f, max: 2}\n",
            "s.yaml:4:6: error: wanted prices in USD, as pool a has, found provider f (use: fake) "
                + "with prices in XTS"
        ),
        ("scaling: {budget: {currency: dollars}}", "currency"),
        ("scaling: {target: 0.9}", "wanted down-at < target < up-at, found 0.3, 0.9, 0.8"),
        ("scaling: {window: 0s}", "wanted more than no time"),
        ("scaling: {mode: maybe}", "mode"),
    ])
    func `what is wrong with a pool is said where it stands`(_ text: String, _ wanted: String)
        throws
    {
        let found = try problems(text)
        #expect(found.contains(wanted), "\(found)")
    }

    @Test func `a pool that costs nothing has no currency`() throws {
        let text =
            "providers: {f: {use: fake}, l: {use: local}}\npools:\n"
            + "  a: {provider: l, max: 2}\n  b: {provider: f, max: 2}\n"
        #expect(try problems(text) == "")
        #expect(try problems(text + "scaling: {budget: {currency: XTS}}") == "")
    }

    @Test func `a pattern stands for what it says`() {
        func matches(_ text: String, _ pattern: String) -> Bool {
            PoolDeclaration.matches(text[...], pattern: pattern[...])
        }
        #expect(matches("a/b/spot", "*"))
        #expect(matches("a/b/spot", "a/b/spot"))
        #expect(matches("a/b/spot", "*/b/*"))
        #expect(matches("a/b/spot", "a*spot"))
        #expect(!matches("a/b/spot", "b*"))
        #expect(!matches("a/b/spot", "*/b"))
        #expect(!matches("ab", "ab*b"))
        #expect(!matches("a", ""))
    }
}
