import Foundation
import Testing

/// The commands of a page that are run: the blocks ```` ```sh run:NAME ````, one script for each name.
struct PageScript: Sendable, CustomTestStringConvertible {
    var page: String
    var name: String
    var text: String
    var testDescription: String { "\(page): \(name)" }

    /// The pages whose commands are run.
    static let pages = ["first-plugin", "providers", "executors", "policies"]

    /// The scripts of all pages.
    static let all: [PageScript] = pages.flatMap { page in
        let url = Fanfold.root.appendingPathComponent("docs/plugins/\(page).md")
        return scripts(in: (try? String(contentsOf: url, encoding: .utf8)) ?? "", of: page)
    }

    /// The scripts of a page's text, by name in order of appearance.
    static func scripts(in text: String, of page: String) -> [PageScript] {
        var scripts: [PageScript] = []
        var open: Int?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                let name = line.hasPrefix("```sh run:") ? String(line.dropFirst(10)) : nil
                open = name.map { name in
                    if let known = scripts.firstIndex(where: { $0.name == name }) { return known }
                    scripts.append(PageScript(page: page, name: name, text: ""))
                    return scripts.count - 1
                }
            } else if let open {
                scripts[open].text += line + "\n"
            }
        }
        return scripts
    }

    /// What it needs beside make; Swift projects take half a minute each.
    var isPossible: Bool {
        switch name {
        case "cpp": Fanfold.has("g++")
        case "rust": Fanfold.has("cargo")
        case "swift": ProcessInfo.processInfo.environment["FANFOLD_TEST_ALL"] != nil
        default: true
        }
    }
}

/// What the pages for authors tell to type, typed.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct PageTests {
    @Test func `the pages have commands for every language`() {
        for page in PageScript.pages {
            let names = PageScript.all.filter { $0.page == page }.map(\.name)
            let wanted = page == "policies" ? ["c", "swift"] : ["c", "cpp", "rust", "swift"]
            #expect(Set(names).isSuperset(of: wanted), "\(page): \(names)")
        }
    }

    @Test(
        .enabled(if: Fanfold.has("make"), "make is missing: NO COMMAND WAS RUN"),
        arguments: PageScript.all.filter(\.isPossible))
    func `the commands of a page work`(_ script: PageScript) async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let run = try await Child(
            ["bash", "-euo", "pipefail", "-c", script.text], in: folder,
            environment: ["PATH": "\(Fanfold.products.path):\(path)"]
        ).finish(within: 900)
        #expect(run.code == 0, "\(script.text)\n\(run.text)\n\(run.errors)")
        #expect(!run.errors.contains("warning"), "\(run.errors)")
    }
}
