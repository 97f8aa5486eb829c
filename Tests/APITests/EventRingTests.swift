import FanfoldAPI
import Testing

/// The ring of events.
@Suite(.timeLimit(.minutes(2)))
struct EventRingTests {
    private static func ring(_ count: Int, capacity: Int = 4, first: UInt64 = 1) -> EventRing {
        let ring = EventRing(capacity: capacity, first: first)
        for number in 0..<count {
            ring.append(kind: "k", time: Timestamp(milliseconds: 0), run: UInt64(number))
        }
        return ring
    }

    private static func numbers(_ batch: EventBatch) -> [UInt64] { batch.events.map(\.number) }

    @Test func `events come in order, as many as were wanted`() async {
        let ring = Self.ring(4)
        let batch = await ring.batch(after: 1, limit: 2, wait: .zero)
        #expect(Self.numbers(batch) == [2, 3] && batch.next == 3 && !batch.hasGap)
    }

    @Test func `what is kept is as much as there is room for, and the rest is a gap`() async {
        let full = await Self.ring(4).batch(after: 0, limit: 9, wait: .zero)
        #expect(Self.numbers(full) == [1, 2, 3, 4] && !full.hasGap)
        let over = await Self.ring(5).batch(after: 0, limit: 9, wait: .zero)
        #expect(Self.numbers(over) == [2, 3, 4, 5] && over.hasGap)
        let seen = await Self.ring(5).batch(after: 1, limit: 9, wait: .zero)
        #expect(!seen.hasGap)
    }

    @Test func `a number of another coordinator is a gap, and it goes on from here`() async {
        let batch = await Self.ring(3).batch(after: 900, limit: 9, wait: .seconds(60))
        #expect(batch.hasGap && batch.events.isEmpty && batch.next == 3)
    }

    @Test func `a ring may begin where the last one ended`() async {
        let batch = await Self.ring(2, first: 100).batch(after: 50, limit: 9, wait: .zero)
        #expect(Self.numbers(batch) == [100, 101] && batch.hasGap)
    }

    @Test func `whoever waits is woken by the next event`() async {
        let ring = Self.ring(2)
        // If it begins only after the event is there, that is right as well.
        async let batch = ring.batch(after: 2, limit: 9, wait: .seconds(3_600))
        ring.append(kind: "k", time: Timestamp(milliseconds: 0))
        #expect(Self.numbers(await batch) == [3])
    }

    @Test func `whoever is cancelled waits no more`() async {
        let ring = Self.ring(1)
        let waiting = Task { await ring.batch(after: 1, limit: 1, wait: .seconds(3_600)) }
        waiting.cancel()
        #expect(await waiting.value.events.isEmpty)
    }

    @Test func `without an event the wait ends with nothing`() async {
        let batch = await Self.ring(1).batch(after: 1, limit: 1, wait: .milliseconds(1))
        #expect(batch.events.isEmpty && batch.next == 1 && !batch.hasGap)
    }
}
