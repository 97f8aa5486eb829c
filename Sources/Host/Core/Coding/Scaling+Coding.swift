// What is kept of scaling, as bytes.  It stands after the other tables, under a number of its own: a
// coordinator that was written before it has decided nothing.

extension Event {
    func encodeScaling(into writer: inout ByteWriter) {
        switch self {
        case .scalingRecorded(let state, let decisions):
            writer.byte(60)
            writer.blob(state)
            writer.put(list: decisions)
        case .runServed(let outlook):
            writer.byte(59)
            writer.put(outlook)
        case .widthsEstimated(let run, let widths):
            writer.byte(58)
            writer.put(run)
            writer.put(list: widths)
        case .workerDrainCancelled(let worker):
            writer.byte(61)
            writer.put(worker)
        default: preconditionFailure("only events of scaling are written here")
        }
    }
}

extension Coordinator {
    func encodeScaling(into writer: inout ByteWriter) {
        guard scaling != ScalingBook() else { return }
        writer.byte(CoordinatorSection.scaling.rawValue)
        writer.blob(scaling.state)
        writer.put(list: scaling.decisions)
    }

    /// Reads what ``encodeScaling(into:)`` wrote after its number.
    mutating func readScaling(_ reader: inout ByteReader) throws(CodingError) {
        scaling.record(Array(try reader.blob()), try reader.list())
    }
}

extension ScalingDecision: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(at)
        writer.string(pool)
        writer.put(action)
        writer.put(reason)
        writer.natural(inputs.workers)
        writer.natural(inputs.starting)
        writer.natural(inputs.leaving)
        writer.double(inputs.utilisation)
        writer.natural(inputs.unmetSlots)
        writer.bool(inputs.forecast != nil)
        if let forecast = inputs.forecast { writer.double(forecast) }
        writer.zigzag(inputs.microsPerHour)
        writer.zigzag(inputs.spentMicros)
        writer.natural(alternatives.count)
        for alternative in alternatives {
            writer.string(alternative.name)
            writer.double(alternative.cost)
            writer.string(alternative.reason)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            at: try reader.get(), pool: try reader.string(), action: try reader.get(),
            reason: try reader.get(), inputs: Inputs())
        inputs.workers = try reader.natural()
        inputs.starting = try reader.natural()
        inputs.leaving = try reader.natural()
        inputs.utilisation = try reader.double()
        inputs.unmetSlots = try reader.natural()
        inputs.forecast = try reader.bool() ? try reader.double() : nil
        inputs.microsPerHour = try reader.zigzag()
        inputs.spentMicros = try reader.zigzag()
        for _ in 0..<(try reader.count()) {
            alternatives.append(
                Alternative(
                    name: try reader.string(), cost: try reader.double(),
                    reason: try reader.string()))
        }
    }
}

extension ScalingDecision.Action: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        func put(_ number: UInt8, _ text: String) {
            writer.byte(number)
            writer.string(text)
        }
        switch self {
        case .launch(let id, let offering, let count):
            put(0, offering)
            writer.varint(id)
            writer.natural(count)
        case .drain(let name): put(1, name)
        case .cancelDrain(let name): put(2, name)
        case .terminate(let name): put(3, name)
        case .adopt(let name): put(4, name)
        case .recommend(let count):
            writer.byte(5)
            writer.natural(count)
        case .keep: writer.byte(6)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0:
            let offering = try reader.string()
            self = .launch(
                try reader.varint(), offering: offering, count: try reader.natural())
        case 1: self = .drain(try reader.string())
        case 2: self = .cancelDrain(try reader.string())
        case 3: self = .terminate(try reader.string())
        case 4: self = .adopt(try reader.string())
        case 5: self = .recommend(count: try reader.natural())
        case 6: self = .keep
        case let number: throw reader.unknown("ScalingDecision.Action", number, at: start)
        }
    }
}

extension ScalingDecision.Reason: ByteCoded {
    /// Reasons that say nothing more, by their numbers.
    private static let plain: [(number: UInt8, reason: ScalingDecision.Reason)] = [
        (0, .belowMinimum), (1, .aboveMaximum), (2, .demandReturned), (3, .drained),
        (4, .interrupted), (5, .found), (6, .orphan), (7, .answerMissing), (8, .endMissing),
        (9, .budget), (10, .noOffering), (11, .neverReady),
    ]

    func encode(into writer: inout ByteWriter) {
        if let known = Self.plain.first(where: { $0.reason == self }) {
            return writer.byte(known.number)
        }
        switch self {
        case .unmetDemand(let slots):
            writer.byte(20)
            writer.natural(slots)
        case .utilisation(let value):
            writer.byte(21)
            writer.double(value)
        case .forecast(let workers):
            writer.byte(22)
            writer.natural(workers)
        case .lowUtilisation(let value):
            writer.byte(23)
            writer.double(value)
        case .cooldown(let until):
            writer.byte(24)
            writer.put(until)
        case .otherCurrency(let found, let wanted):
            writer.byte(25)
            writer.string(found)
            writer.string(wanted)
        case .expectedDemand(let slots, let run, let task):
            writer.byte(28)
            writer.natural(slots)
            writer.put(run)
            writer.string(task)
        case .deadline(let outlook):
            writer.byte(26)
            writer.put(outlook)
        case .probe(let outlook):
            writer.byte(27)
            writer.put(outlook)
        default: preconditionFailure("each reason has a number")
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        let number = try reader.byte()
        if let known = Self.plain.first(where: { $0.number == number }) {
            self = known.reason
            return
        }
        switch number {
        case 20: self = .unmetDemand(slots: try reader.natural())
        case 21: self = .utilisation(try reader.double())
        case 22: self = .forecast(workers: try reader.natural())
        case 23: self = .lowUtilisation(try reader.double())
        case 24: self = .cooldown(until: try reader.get())
        case 25:
            self = .otherCurrency(found: try reader.string(), wanted: try reader.string())
        case 26: self = .deadline(try reader.get())
        case 27: self = .probe(try reader.get())
        case 28:
            self = .expectedDemand(
                slots: try reader.natural(), run: try reader.get(), task: try reader.string())
        default: throw reader.unknown("ScalingDecision.Reason", number, at: start)
        }
    }
}

extension RunOutlook: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(run)
        writer.byte(market.rawValue)
        writer.natural(slots)
        writer.varint(neededNanoseconds)
        writer.varint(leftNanoseconds)
        writer.varint(slackNanoseconds)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            run: try reader.get(), market: try reader.enumeration(), slots: try reader.natural(),
            neededNanoseconds: try reader.varint(), leftNanoseconds: try reader.varint(),
            slackNanoseconds: try reader.varint())
    }
}
