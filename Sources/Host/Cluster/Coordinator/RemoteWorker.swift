import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// A worker behind a connection, which may go and come back.
///
/// While there is no connection whose inventory is in, orders are dropped: the inventory settles
/// what of them is still wanted.
final class RemoteWorker: WorkerPort {
    /// Bytes of a part that travel within the order; longer ones are fetched.
    static let inlineBytes = 64 << 10
    /// Bytes of assignments that are sent as one message.
    static let messageBytes = 1 << 20

    let id: WorkerID
    let uid: String
    let name: String
    /// Whether it sees the files of this machine under the same paths.
    let sharesFiles: Bool
    private let dispatcher: Dispatcher
    private let blobs: ServedBlobs
    private let holders: BlobHolders
    private let link = Mutex<Link?>(nil)
    /// Attempts that bytes were lent to, which the worker may still ask for.
    private let loans = Mutex<Set<AttemptID>>([])
    /// What attempts are given as blobs, which the worker has when they have ended.
    private let given = Mutex<[AttemptID: [BlobID]]>([:])

    /// A connection, and what the worker has been told over it.
    private final class Link: Sendable {
        let session: WireSession
        let isOpen = Atomic(false)
        /// Touched by the dispatcher's thread of this worker only.
        let specs = Mutex<(known: [SpecID: UInt64], last: UInt64)>(([:], 0))

        init(_ session: WireSession) { self.session = session }
    }

    init(
        id: WorkerID, uid: String, name: String, sharesFiles: Bool, dispatcher: Dispatcher,
        blobs: ServedBlobs, holders: BlobHolders
    ) {
        self.id = id
        self.holders = holders
        self.sharesFiles = sharesFiles
        self.uid = uid
        self.name = name
        self.dispatcher = dispatcher
        self.blobs = blobs
    }

    /// Where it serves blobs to other workers, or else where it connects from.
    var host: String {
        let connected = session.flatMap { try? WireAddress($0.peerAddress) }
        guard case .host(let host, _)? = holders.address(of: id) ?? connected else {
            return "127.0.0.1"
        }
        return host
    }

    /// The connection there is now.
    var session: WireSession? { link.withLock { $0?.session } }

    /// Takes a new connection in the place of an old one.
    func attach(_ session: WireSession) {
        let old = link.withLock { link in
            defer { link = Link(session) }
            return link
        }
        if let old, old.session != session { old.session.close(reason: "there is a newer one") }
    }

    /// The inventory is in: orders flow from now on.
    ///
    /// - Returns: whether the session is still the one.
    func open(_ session: WireSession) -> Bool {
        link.withLock { link in
            guard let link, link.session == session else { return false }
            link.isOpen.store(true, ordering: .releasing)
            return true
        }
    }

    /// A connection ended.
    ///
    /// - Returns: whether it was the one.
    func detach(_ session: WireSession) -> Bool {
        link.withLock { link in
            guard link?.session == session else { return false }
            link = nil
            return true
        }
    }

    func accept(_ orders: [WorkOrder]) {
        onLink { [self] link in send(orders, over: link) }
    }

    func takeBack(_ attempts: [AttemptID]) {
        onLink { link in
            var message = WireTakeBack()
            message.attempts = attempts.map { WireAttempt($0) }
            link.session.send([WireMessage(.takeBack(message))])
        }
    }

    func cancel(_ attempts: [AttemptID], reason: String) {
        onLink { link in
            var message = WireCancel()
            message.attempts = attempts.map { WireAttempt($0) }
            message.reason = reason
            link.session.send([WireMessage(.cancel(message))])
        }
    }

    func stop(reason: String) {
        let link = link.withLock { link in
            defer { link = nil }
            return link
        }
        link?.session.close(reason: reason)
    }

    /// Asks the worker to finish what it runs and go.
    func drain(reason: String) {
        onLink { link in
            var message = WireDrain()
            message.reason = reason
            link.session.send([WireMessage(.drain(message))])
        }
    }

    /// These tasks are over: the worker may drop what it keeps for them.
    func forget(tasks: Range<Int>) {
        onLink { link in
            let numbers = link.specs.withLock { specs -> [UInt64] in
                let over = specs.known.filter { tasks.contains(Int($0.key.task)) }
                for id in over.keys { specs.known[id] = nil }
                return over.values.sorted()
            }
            guard !numbers.isEmpty else { return }
            var message = WireForget()
            message.specs = numbers
            link.session.send([WireMessage(.forget(message))])
        }
    }

    /// Attempts ended: nobody asks for their parts any more.
    func ended(_ attempts: [AttemptID]) {
        let lent = loans.withLock { loans in attempts.filter { loans.remove($0) != nil } }
        for attempt in lent { blobs.release(attempt) }
        let here = given.withLock { given in
            attempts.flatMap { given.removeValue(forKey: $0) ?? [] }
        }
        for blob in here { holders.note(blob, on: id) }
    }

    /// Only these attempts are on the worker.
    func keepLoans(of attempts: Set<AttemptID>) {
        let over = loans.withLock { loans -> Set<AttemptID> in
            defer { loans.formIntersection(attempts) }
            return loans.subtracting(attempts)
        }
        for attempt in over { blobs.release(attempt) }
        given.withLock { given in given = given.filter { attempts.contains($0.key) } }
    }

    /// Whom the worker may ask for a blob that an attempt is given; the coordinator has it anyway.
    private func offer(_ blob: BlobID, for attempt: AttemptID) -> [WireHolder] {
        given.withLock { $0[attempt, default: []].append(blob) }
        return holders.holders(of: blob, for: id)
    }

    private func lend(_ slice: PayloadSlice, for attempt: AttemptID) -> BlobID {
        _ = loans.withLock { $0.insert(attempt) }
        return blobs.lend(slice, for: attempt)
    }

    /// Everything up to this number is on disk here.
    func acknowledge(_ sequence: UInt64, over session: WireSession) {
        var message = WireAcknowledge()
        message.sequence = sequence
        session.send([WireMessage(.acknowledge(message))])
    }

    private func onLink(_ body: @escaping @Sendable (Link) -> Void) {
        guard let link = link.withLock({ $0 }), link.isOpen.load(ordering: .acquiring) else {
            return
        }
        dispatcher.post(id.index) { body(link) }
    }

    private func send(_ orders: [WorkOrder], over link: Link) {
        var messages: [WireMessage] = []
        var start = WireStart()
        var bytes = 0
        for order in orders {
            let assignment = assignment(order, link, &messages)
            bytes += assignment.parts.reduce(64) { $0 + $1.inlineCount }
            start.assignments.append(assignment)
            guard bytes >= Self.messageBytes else { continue }
            messages.append(WireMessage(.start(start)))
            link.session.send(messages)
            messages = []
            start = WireStart()
            bytes = 0
        }
        if !start.assignments.isEmpty { messages.append(WireMessage(.start(start))) }
        if !messages.isEmpty { link.session.send(messages) }
    }

    private func assignment(
        _ order: WorkOrder, _ link: Link, _ messages: inout [WireMessage]
    ) -> WireAssignment {
        var wire = WireAssignment()
        wire.attempt = WireAttempt(order.assignment.attempt)
        wire.shape = order.assignment.shape.index
        switch order.assignment.order {
        case .start(let slot): wire.start = slot.wire
        case .queue: wire.queue = true
        case .promote(let slot): wire.promote = slot.wire
        }
        wire.devices = order.assignment.devices.map { UInt32($0) }
        if case .promote = order.assignment.order { return wire }
        switch order.work {
        case .refuse(let why): wire.refuse = why
        case .run(let item):
            wire.spec = spec(of: item, link, &messages)
            if let gang = item.gang {
                wire.gang.rank = UInt32(gang.rank)
                wire.gang.hosts = gang.hosts
            }
            do {
                for (index, part) in item.parts.enumerated() {
                    wire.parts.append(
                        try self.part(
                            part, named: item.names?[index], for: order.assignment.attempt))
                }
            } catch {
                wire.refuse = "its input cannot be read: \(error)"
            }
        }
        return wire
    }

    /// The number of a specification, which the worker is told before it is used.
    private func spec(
        of item: WorkItem, _ link: Link, _ messages: inout [WireMessage]
    ) -> UInt64 {
        link.specs.withLock { specs in
            let id = item.spec ?? SpecID(task: 0, number: .max)
            if let known = specs.known[id] { return known }
            specs.last += 1
            let number = specs.last
            specs.known[id] = number
            var define = WireDefine()
            define.spec = number
            define.runSpecJson = .init(item.run.json.bytes)
            define.taskName = item.taskName
            define.pipelineID = item.pipelineDirectory
            if let manifest = RunFolder.manifest(in: item.pipelineDirectory) {
                define.run =
                    item.pipelineDirectory.split(separator: "/").last.flatMap { UInt64($0) } ?? 0
                define.names[ShippedName.key] = ShippedName.text(manifest)
            }
            messages.append(WireMessage(.define(define)))
            return number
        }
    }

    private func part(
        _ part: InputPart, named name: String?, for attempt: AttemptID
    ) throws -> WirePart {
        let portable = try part.portable()
        var wire = WirePart()
        wire.name = name ?? ""
        switch portable.content {
        case .range(let from):
            wire.inline = WireInlinePart(portable, bytes: Array("\(from)".utf8))
        case .files(let paths) where !sharesFiles:
            wire.files = try files(paths, for: attempt)
        case .files(let paths):
            wire.inline = WireInlinePart(
                portable, bytes: paths.flatMap { Array($0.utf8) + [0] })
        case .bytes(let slice) where slice.count <= Self.inlineBytes:
            wire.inline = WireInlinePart(portable, bytes: slice.withBytes { Array($0) })
        case .bytes(let slice):
            var blob = WireBlobPart()
            blob.format = portable.format.rawValue
            blob.items = UInt64(clamping: portable.count ?? 0)
            let name: BlobID
            if let stored = slice.payload.lender as? StoredResult, stored.size == slice.count {
                name = stored.id
            } else {
                name = lend(slice, for: attempt)
            }
            blob.blob = WireBlobName(name, size: slice.count)
            blob.holders = offer(name, for: attempt)
            wire.blob = blob
        }
        return wire
    }
}

extension RemoteWorker {
    /// Files that are sent along, each lent until the attempt ends.
    private func files(_ paths: [String], for attempt: AttemptID) throws -> WireFilesPart {
        var wire = WireFilesPart()
        for path in paths {
            let payload = try Payload.mapping(path: path)
            var file = WireNamedFile()
            file.name = path.split(separator: "/").last.map(String.init) ?? "file"
            let id = lend(payload.whole, for: attempt)
            file.blob = WireBlobName(id, size: payload.bytes.count)
            file.holders = offer(id, for: attempt)
            wire.files.append(file)
        }
        return wire
    }
}

extension WireInlinePart {
    fileprivate init(_ part: PortablePart, bytes: [UInt8]) {
        self.init()
        format = part.format.rawValue
        items = UInt64(clamping: part.count ?? 0)
        self.bytes = .init(bytes)
    }
}

extension WirePart {
    fileprivate var inlineCount: Int {
        switch source {
        case .inline(let part): part.bytes.count
        case .files(let part): 64 * part.files.count
        default: 64
        }
    }
}
