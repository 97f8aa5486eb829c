import PluginKit
import Testing

@testable import Prefer

@Test func `workers with the label are preferred`() throws {
    let prefer = try Prefer(configuration: .init(label: "disk=ssd"), host: .silent)
    let request = ShapeRequest(cpus: 2)
    #expect(try prefer.score(request, on: WorkerGroup(labels: ["disk=ssd"])) == 1)
    #expect(try prefer.score(request, on: WorkerGroup(labels: ["disk=hdd"])) == 0)
}
