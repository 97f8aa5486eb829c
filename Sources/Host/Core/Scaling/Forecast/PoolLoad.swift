/// The load of a pool in steps of equal length, and what is forecast of it.
///
/// The state that outlives the process is the loads, in thousandths of a worker; the forecaster is made
/// again of them.
struct PoolLoad: Hashable, Sendable {
    private(set) var forecaster = PoolLoad.fresh(ahead: 2)
    /// Loads of the steps that are over, the oldest first, in thousandths of a worker.
    private var thousandths: [UInt64] = []
    /// Since when the step has lasted.
    private var since: Tick?
    /// The largest load of the step, and the latest.
    private var largest: UInt64 = 0
    private var last: UInt64 = 0

    private static func fresh(ahead: Int) -> LoadForecaster {
        LoadForecaster(
            stepsPerDay: Int(86_400_000_000_000 / Limits.forecastStepNanoseconds), ahead: ahead)
    }

    init() {}

    /// The largest load that is expected in the steps looked ahead, in workers kept fully busy;
    /// `nil` in the first day.
    var forecast: Double? { forecaster.bound }

    /// Takes in the load of this moment, in workers that are kept fully busy.
    mutating func take(_ load: Double, at moment: Tick) {
        let load = UInt64(min(max(load, 0), 1e9) * 1000)
        end(at: moment)
        if since == nil { since = moment }
        largest = max(largest, load)
        last = load
    }

    /// Ends the steps that are over at this moment, before it is asked what is expected.
    mutating func end(at moment: Tick) {
        guard let begin = since else { return }
        let step = Limits.forecastStepNanoseconds
        let steps = (moment.nanoseconds - begin.nanoseconds) / step
        for place in 0..<min(steps, Limits.forecastMissedSteps) {
            end(place == 0 ? largest : last)
        }
        if steps > 0 {
            since = begin.advanced(byNanoseconds: steps * step)
            largest = 0
        }
    }

    /// Looks so many steps ahead from now on.
    ///
    /// Complexity: nothing if it is as before; otherwise all loads are learned from again.
    mutating func look(ahead: Int) {
        guard ahead != forecaster.ahead else { return }
        forecaster = Self.fresh(ahead: ahead)
        for load in thousandths.suffix(Limits.forecastSteps) {
            forecaster.observe(Double(load) / 1000)
        }
    }

    private mutating func end(_ load: UInt64) {
        thousandths.append(load)
        if thousandths.count > 2 * Limits.forecastSteps {
            thousandths.removeFirst(thousandths.count - Limits.forecastSteps)
        }
        forecaster.observe(Double(load) / 1000)
    }

    func encode(into writer: inout ByteWriter) {
        let kept = thousandths.suffix(Limits.forecastSteps)
        writer.natural(kept.count)
        for load in kept { writer.varint(load) }
        writer.bool(since != nil)
        writer.put(since ?? .zero)
        writer.varint(largest)
        writer.varint(last)
    }

    /// - Parameter ahead: Steps that are looked ahead.
    init(_ reader: inout ByteReader, ahead: Int) throws(CodingError) {
        forecaster = Self.fresh(ahead: ahead)
        for _ in 0..<(try reader.count()) { end(try reader.varint()) }
        let isBegun = try reader.bool()
        let begin: Tick = try reader.get()
        since = isBegun ? begin : nil
        largest = try reader.varint()
        last = try reader.varint()
    }
}
