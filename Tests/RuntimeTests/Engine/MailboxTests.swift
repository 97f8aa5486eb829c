import Testing

@testable import FanfoldRuntime

@Suite struct `Mailboxes` {
    private let mailbox = Mailbox<Int>()

    @Test func `elements come out in the order in which they were posted`() {
        mailbox.post(1)
        mailbox.post(contentsOf: [2, 3])
        mailbox.post(4)
        #expect(mailbox.takeAll() == [1, 2, 3, 4])
    }

    @Test func `what was taken is not there any more`() {
        mailbox.post(1)
        #expect(mailbox.takeAll() == [1])
        mailbox.post(2)
        #expect(mailbox.takeAll() == [2])
    }

    @Test func `a deadline in the past returns at once`() {
        #expect(mailbox.takeAll(until: 0) == [])
        #expect(mailbox.takeAll(until: monotonicNanoseconds()) == [])
    }

    @Test func `what is there is taken whatever the deadline`() {
        mailbox.post(7)
        #expect(mailbox.takeAll(until: 0) == [7])
    }

    @Test func `a closed mailbox gives what was there, then nothing, and takes nothing`() {
        mailbox.post(1)
        mailbox.close()
        mailbox.post(2)
        mailbox.post(contentsOf: [3, 4])
        #expect(mailbox.takeAll() == [1])
        #expect(mailbox.takeAll() == [])
        #expect(mailbox.takeAll(until: .max) == [])
    }

    @Test func `closing wakes a reader that waits`() {
        let reader = PlainThread(name: "reader") { [mailbox] in _ = mailbox.takeAll() }
        mailbox.close()
        reader.join()
    }

    @Test func `posts of many threads all arrive, those of one in order`() {
        let threads = (0..<4).map { thread in
            PlainThread(name: "writer") { [mailbox] in
                for number in 0..<500 { mailbox.post(thread * 1000 + number) }
            }
        }
        var taken: [Int] = []
        while taken.count < 2000 { taken += mailbox.takeAll() }
        for thread in threads { thread.join() }
        for thread in 0..<4 {
            #expect(taken.filter { $0 / 1000 == thread }.map { $0 % 1000 } == Array(0..<500))
        }
    }
}
