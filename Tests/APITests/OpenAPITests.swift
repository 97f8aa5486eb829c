import FanfoldJSON
import Foundation
import Testing

@testable import FanfoldAPI

/// The description of the API, and whether the server does what it says.
@Suite(.timeLimit(.minutes(15)))
struct OpenAPITests {
    @Test func `every route is described with every status that it can answer`() async throws {
        try await TestServer.run { server in
            let document = try await server.ask("GET", "/api/v1/openapi.json", as: .read).json
            #expect(document["openapi"] == "3.1.0")
            for route in RouteTable.all.routes {
                let operation = document["paths"]?[route.path]?[
                    route.method.rawValue.lowercased()]
                #expect(operation?["operationId"]?.stringValue == route.id)
                let statuses = Set(operation?["responses"]?.objectValue?.keys ?? [])
                let wanted = route.allProblems.map { "\($0.status)" } + ["\(route.answer.status)"]
                #expect(statuses == Set(wanted))
                let names = operation?["parameters"]?.arrayValue?.compactMap {
                    $0["name"]?.stringValue
                }
                for segment in route.segments where segment.hasPrefix("{") {
                    #expect(names?.contains(String(segment.dropFirst().dropLast())) == true)
                }
            }
        }
    }

    @Test func `every reference leads somewhere`() {
        let document = OpenAPI.document(of: .all)
        let names = Set(Schemas.all.map(\.name))
        #expect(names.count == Schemas.all.count)
        var used: Set<String> = []
        func walk(_ value: JSON) {
            switch value {
            case .object(let object):
                if let reference = object["$ref"]?.stringValue {
                    used.insert(String(reference.dropFirst(Schemas.reference.count)))
                }
                object.values.forEach(walk)
            case .array(let elements): elements.forEach(walk)
            default: break
            }
        }
        walk(document)
        #expect(used == names, "unknown or unused: \(used.symmetricDifference(names))")
    }

    @Test func `every schema compiles`() {
        for (_, schema) in Schemas.all { _ = SchemaCheck(schema) }
    }

    /// schemathesis in a folder of its own; `nil` if pip cannot get it.
    private static func schemathesis(in folder: URL) async throws -> String? {
        let environment = folder.path + "/environment"
        let made = try await Tools.run(["python3", "-m", "venv", environment])
        guard made.code == 0 else { return nil }
        let got = try await Tools.run(
            [environment + "/bin/pip", "install", "-q", "schemathesis==4.32.5"], seconds: 400)
        return got.code == 0 ? environment + "/bin/schemathesis" : nil
    }

    @Test(.enabled(if: Tools.has("python3"), "python3 is missing: THE API WAS NOT FUZZED"))
    func `schemathesis finds no 5xx and no answer that is not described`() async throws {
        let folder = try Tools.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        guard let program = try await Self.schemathesis(in: folder) else {
            let text = "pip could not get schemathesis: THE API WAS NOT FUZZED"
            withKnownIssue(Comment(rawValue: text)) { Issue.record(Comment(rawValue: text)) }
            return
        }
        try await TestServer.run { server in
            for _ in 1...3 { _ = try await server.submit() }
            await server.plane.end(1, .completed, output: Array("[1]".utf8))
            await server.plane.end(2, .failed)
            let finished = try await Tools.run(
                [
                    program, "run", server.address + "/api/v1/openapi.json",
                    "-H", "Authorization: Bearer \(server.secrets[.admin] ?? "")",
                    "--checks",
                    "not_a_server_error,status_code_conformance,"
                        + "content_type_conformance,response_schema_conformance,"
                        + "response_headers_conformance,negative_data_rejection,"
                        + "unsupported_method,ignored_auth",
                    "--exclude-operation-id", "watchEvents", "--phases",
                    "examples,coverage,fuzzing",
                    "--max-examples", "30", "--seed", "1", "--request-timeout", "30", "--no-color",
                ], in: folder, seconds: 500)
            let cases = finished.output.matches(of: /([0-9]+) generated/)
                .compactMap { Int($0.output.1) }.reduce(0, +)
            #expect(cases > 500, "hardly anything was tried: \(finished.output.suffix(2_000))")
            #expect(finished.code == 0, "\(finished.output.suffix(8_000))\n\(finished.errors)")
        }
    }
}
