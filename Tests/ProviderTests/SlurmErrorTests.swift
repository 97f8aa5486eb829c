import FanfoldJSON
import PluginKit
import SlurmLogic
import Testing

extension `Errors of clouds become their classes` {
    /// What slurmrestd said, by the sentences of slurm_errno: 22.05 to 24.05.
    static let slurm: [RecordedError] = [
        (500, "Requested nodes are busy", 8, elsewhere, "capacity."),
        (500, "Requested partition is down", 8, elsewhere, "capacity."),
        (
            500, "Required partition not available (inactive or drain)", 8, elsewhere, "capacity."
        ),
        (500, "Unable to contact slurm controller (connect failure)", 14, later, "cloud."),
        (500, "Connection refused", 14, later, "cloud."),
        (500, "Communication connection failure", 14, later, "cloud."),
        (500, "Socket timed out on send/recv operation", 14, later, "cloud."),
        (500, "Resource temporarily unavailable", 14, later, "cloud."),
        (500, "Zero Bytes were transmitted or received", 14, later, "cloud."),
        (500, "Slurm backup controller in standby mode", 14, later, "cloud."),
        (503, "", 14, later, "cloud."), (429, "", 8, later, "throttled."),
        (401, "Authentication failure", 16, renewed, "credentials."),
        (500, "Protocol authentication error", 16, renewed, "credentials."),
        (500, "Invalid auth token", 16, renewed, "credentials."),
        (500, "Token is expired", 16, renewed, "credentials."),
        (500, "Access/permission denied", 7, renewed, "permission."),
        (500, "User not allowed to use account", 7, renewed, "permission."),
        (
            500, "Job violates accounting/QOS policy (job submit limit, user's size and/or time)",
            8,
            renewed, "quota."
        ),
        (500, "Job limit exceeded", 8, renewed, "quota."),
        (500, "Invalid partition name specified", 3, never, "config./partition"),
        (500, "Invalid account or account/partition combination", 3, never, "config./account"),
        (500, "Requested node configuration is not available", 3, never, "config./sizes"),
        (500, "More processors requested than permitted", 3, never, "config./sizes"),
        (500, "Invalid generic resource (gres) specification", 3, never, "config./sizes"),
        (500, "Memory required by task is not available", 3, never, "config./sizes"),
        (400, "Something of tomorrow", 3, never, "request."),
    ]

    @Test(arguments: slurm.indices)
    func `of Slurm`(_ index: Int) throws {
        let row = Self.slurm[index]
        let cloud = try ScriptedCloud(SlurmProvider.self, [:]) { request in
            guard request.method == "POST" else { return .init(status: 200, body: "{}") }
            let error: JSON = ["errors": [["error": .string(row.code)]]]
            return .init(status: row.status, body: row.code.isEmpty ? "" : error.text)
        }
        let outcome = cloud.call(
            "launch",
            [
                "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "offerings": ["small"],
                "count": ["min": 1, "max": 1], "boot": "", "tags": [:], "expires": "",
            ])
        #expect(outcome.code == row.number, "\(row.code): \(outcome.message)")
        #expect(outcome.retry == row.retry, "\(row.code): \(outcome.message)")
        if row.retry != Self.elsewhere {
            #expect(outcome.reason.hasPrefix(row.reason), "\(row.code): \(outcome.reason)")
        }
    }
}
