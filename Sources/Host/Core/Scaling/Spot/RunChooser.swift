/// What is remembered of a run with a deadline between two evaluations.
struct RunChooser: Hashable, Sendable {
    /// Since when it is looked at.
    var began: Tick
    /// What it was served by last.
    var market = RunMarket.any
    /// Its plan, once it may wait.
    var chooser: SpotChooser?

    /// A run that nobody looked at before.
    init(began: Tick) { self.began = began }
}

// MARK: As bytes

extension RunChooser {
    func encode(into writer: inout ByteWriter) {
        writer.put(began)
        writer.byte(market.rawValue)
        writer.bool(chooser != nil)
        chooser?.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(began: try reader.get())
        market = try reader.enumeration()
        if try reader.bool() { chooser = try SpotChooser(from: &reader) }
    }
}

extension SpotChooser {
    func encode(into writer: inout ByteWriter) {
        job.encode(into: &writer)
        writer.double(plannedHours)
        writer.double(lastHours)
        writer.bool(spells != nil)
        spells?.encode(into: &writer)
        writer.bool(basis != nil)
        guard let basis else { return }
        basis.job.encode(into: &writer)
        basis.spells.encode(into: &writer)
        writer.double(basis.workHours)
        writer.double(basis.slackHours)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let job = try SpotJob(from: &reader)
        let planned = try reader.hours()
        let last = try reader.hours()
        let spells = try reader.bool() ? try SpotSpells(from: &reader) : nil
        var basis: Basis?
        if try reader.bool() {
            basis = Basis(
                job: try SpotJob(from: &reader), spells: try SpotSpells(from: &reader),
                workHours: try reader.hours(), slackHours: try reader.hours())
        }
        self.init(
            job: job, spells: spells, basis: basis, plannedHours: planned, lastHours: last)
    }
}

extension SpotJob {
    func encode(into writer: inout ByteWriter) {
        for hours in [
            workHours, deadlineHours, changeoverHours, lookHours, spotPrice, spareHours,
        ] {
            writer.double(hours)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            workHours: try reader.hours(), deadlineHours: try reader.hours(),
            changeoverHours: try reader.hours(), lookHours: try reader.hours(),
            spotPrice: try reader.hours())
        spareHours = try reader.hours()
        guard lookHours > 0 else {
            throw CodingError(.contradiction("some time is between two looks"), at: reader.offset)
        }
    }
}

extension SpotSpells {
    func encode(into writer: inout ByteWriter) {
        writer.bool(isThere)
        writer.double(age)
        for number in ends + hours { writer.double(number) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(isThere: try reader.bool())
        age = try reader.hours()
        for place in ends.indices { ends[place] = try reader.hours() }
        for place in hours.indices { hours[place] = try reader.hours() }
    }
}

extension ByteReader {
    /// Hours, or a number of something: not negative, and no more than a machine lives.
    fileprivate mutating func hours() throws(CodingError) -> Double {
        let place = offset
        let hours = try double()
        guard (0...1e9).contains(hours) else { throw CodingError(.badNumber, at: place) }
        return hours
    }
}
