import Foundation
import Testing

/// What `docs/api.md` tells to type, typed.
@Suite(.timeLimit(.minutes(5)))
struct APIPageTests {
    @Test(.enabled(if: Tools.has("curl"), "curl is missing: NO COMMAND OF docs/api.md WAS RUN"))
    func `the commands of the page work`() async throws {
        let page = try String(
            contentsOf: Tools.root.appendingPathComponent("docs/api.md"), encoding: .utf8)
        let blocks = page.components(separatedBy: "```sh run:api\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(blocks.count >= 3)
        try await TestServer.run { server in
            let finished = try await Tools.run(
                ["bash", "-euo", "pipefail", "-c", blocks.joined()],
                environment: [
                    "FANFOLD_ADDRESS": server.address,
                    "FANFOLD_TOKEN": server.secrets[.submit] ?? "",
                ], in: server.folder)
            #expect(finished.code == 0, "\(finished.output)\n\(finished.errors)")
            #expect(await server.plane.submissions.count == 2)
        }
    }
}
