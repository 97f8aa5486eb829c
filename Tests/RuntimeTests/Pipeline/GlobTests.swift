import Testing

@testable import FanfoldRuntime

@Suite struct `Globs` {
    private let folder = TemporaryFolder()

    init() {
        for name in [
            "b.txt", "a.txt", "A.txt", "é.txt", ".hidden.txt", "x.csv", "sub/c.txt",
            "sub/deep/d.txt",
            "sub/.git/e.txt", "sub-x/f.txt", "[odd].txt",
        ] {
            folder.write(name)
        }
        folder.link("sub/loop", to: "..")
        folder.link("linked.txt", to: "a.txt")
        folder.link("broken.txt", to: "nowhere")
    }

    private func files(_ pattern: String, maximumFiles: Int = 1_000) throws -> [String] {
        try GlobWalker.files(GlobPattern(pattern), in: folder.path, maximumFiles: maximumFiles)
            .map { String($0.dropFirst(folder.path.count + 1)) }
    }

    @Test func `a star stays within a name and leaves hidden files out`() throws {
        #expect(
            try files("*.txt") == [
                "A.txt", "[odd].txt", "a.txt", "b.txt", "linked.txt", "é.txt",
            ])
        #expect(try files(".*.txt") == [".hidden.txt"])
        #expect(try files("./?.txt") == ["A.txt", "a.txt", "b.txt", "é.txt"])
    }

    @Test func `two stars go through folders, and not through links`() throws {
        #expect(
            try files("**/*.txt") == [
                "A.txt", "[odd].txt", "a.txt", "b.txt", "linked.txt", "sub-x/f.txt", "sub/c.txt",
                "sub/deep/d.txt", "é.txt",
            ])
        #expect(try files("sub/**") == ["sub/c.txt", "sub/deep/d.txt"])
        #expect(try files("**/**/d.txt") == ["sub/deep/d.txt"])
        #expect(try files("sub/loop/b.txt") == ["sub/loop/b.txt"])
        #expect(try files("*/c.txt") == ["sub/c.txt"])
    }

    @Test func `brackets, ranges and escapes`() throws {
        #expect(try files("[a-b].txt") == ["a.txt", "b.txt"])
        #expect(try files("[!a-z].txt") == ["A.txt", "é.txt"])
        #expect(try files("\\[odd\\].t*") == ["[odd].txt"])
        #expect(try files("[]]*") == [])
        #expect(throws: GlobPattern.Refusal.self) { try files("[a") }
        #expect(throws: GlobPattern.Refusal.self) { try files("[b-a]") }
    }

    @Test func `the number of files is limited`() throws {
        #expect(try files("[ab].txt", maximumFiles: 2).count == 2)
        #expect(throws: GlobWalker.Failure.self) { try files("[ab].txt", maximumFiles: 1) }
    }

    @Test func `an absolute pattern does not begin in the folder`() throws {
        let files = try GlobWalker.files(GlobPattern(folder.path + "/*.csv"), in: "/nowhere")
        #expect(files == [folder.path + "/x.csv"])
        #expect(try GlobWalker.files(GlobPattern("nothing/*"), in: folder.path) == [])
    }

    @Test func `many stars take no exponential time`() throws {
        let tokens = try GlobPattern(String(repeating: "a*", count: 200) + "b").components
        guard case .pattern(let tokens) = tokens[0] else {
            Issue.record("wanted a pattern")
            return
        }
        #expect(!GlobPattern.matches(String(repeating: "a", count: 5_000), tokens))
    }
}
