import Testing

@testable import FanfoldRuntime

@Suite struct `Subtask keys` {
    private var keys = SubtaskKeys()

    private func places(_ ids: [UInt64]) -> [UInt32?] {
        var keys = SubtaskKeys()
        return ids.map { keys.insert($0) }
    }

    private func found(_ ids: [UInt64]) -> [UInt32?] {
        var keys = SubtaskKeys()
        for id in ids { _ = keys.insert(id) }
        return ids.map { keys.index(of: $0) }
    }

    @Test(arguments: [
        [0, 1, 2, 3], [5, 900, 7, UInt64.max], [0, 1, 5, 2, 3, 4], [1, 0], [0, 2, 1, 3],
    ])
    func `each id gets the next place, however the ids count`(ids: [UInt64]) {
        let order = ids.indices.map { UInt32($0) }
        #expect(places(ids) == order)
        #expect(found(ids) == order)
    }

    @Test func `an id is not used twice`() {
        #expect(places([0, 1, 1, 0, 9, 9, 2]) == [0, 1, nil, nil, 2, nil, 3])
    }

    @Test func `an id that was not used has no place`() {
        #expect(keys.index(of: 0) == nil)
        #expect(keys.index(of: .max) == nil)
        #expect(keys.count == 0)
    }
}
