import Synchronization
import Testing

@testable import FanfoldPlugins

/// A door that one thread waits at and another opens.
private final class Gate: Sendable {
    private let isOpen = Monitor(false)

    func open() {
        isOpen.withLock { $0 = true }
        isOpen.wake()
    }

    func wait() {
        _ = isOpen.wait { $0 ? true : nil }
    }
}

@Suite struct LaneTests {
    @Test func `jobs run one after another in the order in which they were posted`() {
        let lane = Lane(name: "order")
        let done = Gate()
        let record = Recorder()
        for number in 0..<10_000 {
            #expect(lane.post { record.append(number) })
        }
        #expect(lane.post { done.open() })
        done.wait()
        #expect(record.numbers == Array(0..<10_000))
        #expect(lane.close())
    }

    @Test func `closing runs what is queued, and takes nothing more`() {
        let lane = Lane(name: "closing")
        let record = Recorder()
        for number in 0..<100 { #expect(lane.post { record.append(number) }) }
        #expect(lane.close())
        #expect(record.numbers.count == 100)
        #expect(!lane.post {})
    }

    @Test func `a job that overruns is reported once, and the lane can be given up`() {
        let reported = Recorder()
        let late = Gate()
        let hold = Gate()
        let lane = Lane(name: "hung") { tag in
            reported.append(Int(tag))
            late.open()
        }
        #expect(lane.post(deadline: .milliseconds(1), tag: 42) { hold.wait() })
        late.wait()
        #expect(lane.isHung)
        #expect(!lane.close())
        #expect(reported.numbers == [42])
        hold.open()
    }

    @Test func `a job in time is not reported, and a later one that overruns is`() {
        let reported = Recorder()
        let late = Gate()
        let hold = Gate()
        let lane = Lane(name: "second") { tag in
            reported.append(Int(tag))
            late.open()
        }
        for tag in 0..<1_000 {
            #expect(lane.post(deadline: .seconds(3_600), tag: UInt64(tag)) {})
        }
        #expect(lane.post(deadline: .nanoseconds(1), tag: 7_777) { hold.wait() })
        late.wait()
        hold.open()
        // Only once the late job has ended is the lane no longer hung.
        let done = Gate()
        #expect(lane.post { done.open() })
        done.wait()
        #expect(lane.close())
        #expect(reported.numbers == [7_777])
    }

    @Test func `a full queue refuses, one below the limit does not`() {
        let lane = Lane(name: "full")
        let hold = Gate()
        let running = Gate()
        #expect(
            lane.post {
                running.open()
                hold.wait()
            })
        running.wait()
        for _ in 0..<Lane.maximumQueued {
            guard lane.post({}) else {
                Issue.record("refused below the limit")
                break
            }
        }
        #expect(!lane.post {})
        lane.abandon()
        hold.open()
        // The job goes on, and then the thread ends.
        #expect(lane.close())
    }
}

private final class Recorder: Sendable {
    private let list = Mutex<[Int]>([])
    var numbers: [Int] { list.withLock { $0 } }
    func append(_ number: Int) { list.withLock { $0.append(number) } }
}
