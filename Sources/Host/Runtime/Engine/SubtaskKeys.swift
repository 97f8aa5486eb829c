/// Maps the ids that a strategy chose to the order in which it handed its subtasks out.
///
/// Ids that count from 0, as the contract recommends, cost nothing; others a dictionary entry.
struct SubtaskKeys: Sendable {
    private var dense: UInt32 = 0
    private var others: [UInt64: UInt32] = [:]
    private(set) var count: UInt32 = 0

    /// The place of the subtask with this id; `nil` if there was none.
    func index(of key: UInt64) -> UInt32? {
        key < UInt64(dense) ? UInt32(key) : others[key]
    }

    /// Gives the next place to `key`; `nil` if the id was used before.
    mutating func insert(_ key: UInt64) -> UInt32? {
        guard index(of: key) == nil else { return nil }
        let place = count
        count += 1
        if key == UInt64(dense), dense == place {
            dense += 1
        } else {
            others[key] = place
        }
        return place
    }
}
