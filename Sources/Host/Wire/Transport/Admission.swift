import NIOCore

/// How many connect to a listener, and how many tries failed.
///
/// Decides and does nothing.
struct Admission {
    private struct Failures {
        var count: Int
        var since: NIODeadline
    }

    private static let window = TimeAmount.minutes(1)

    private let limits: WireLimits
    private var connections = 0
    private var perAddress: [String: Int] = [:]
    private var failures: [String: Failures] = [:]

    init(limits: WireLimits) { self.limits = limits }

    /// Whether one more may connect from there: it counts until ``left(_:)``.
    mutating func admit(_ address: String, now: NIODeadline) -> Bool {
        guard connections < limits.connections,
            perAddress[address, default: 0] < limits.connectionsPerAddress
        else { return false }
        if let failed = failures[address] {
            if now - failed.since >= Self.window {
                failures[address] = nil
            } else if failed.count >= limits.failuresPerMinute {
                return false
            }
        }
        connections += 1
        perAddress[address, default: 0] += 1
        return true
    }

    /// A connection that was admitted is over.
    mutating func left(_ address: String) {
        connections -= 1
        let rest = perAddress[address, default: 1] - 1
        perAddress[address] = rest == 0 ? nil : rest
    }

    /// Somebody there was turned away.
    mutating func failed(_ address: String, now: NIODeadline) {
        if let failed = failures[address], now - failed.since < Self.window {
            failures[address]?.count += 1
            return
        }
        if failures.count >= limits.rememberedAddresses {
            failures = failures.filter { now - $0.value.since < Self.window }
            // Too many in a minute: new ones are not remembered, their connections are counted.
            guard failures.count < limits.rememberedAddresses else { return }
        }
        failures[address] = Failures(count: 1, since: now)
    }
}
